"""Each tier against the next, and against wasmtime's: ``python -m benchmarks.ladder`` prints the ratios.

    baseline/cranelift, baseline/winch   tier 1's code against wasmtime's compilers
    tiered/baseline                      what tiering gains over tier 1 alone, once it compiles no more
    level 3/level 0                      what LLVM's last level (tier 3) gains over its first, which big
                                         modules are compiled at first (tier 2)

How each is run, and when it is warm, is ``benchmarks.versus``'s business: processes of their own, in turns,
each answer compared. A figure is the median of the rounds' ratios of processor time; below 1, the first is
faster. Tier 1 needs what ``wasmvm build`` makes, and says so.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
import json
import math
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks.corpus import Program, programs
from benchmarks.peers import Library, Runner
from benchmarks.versus import Bench

ENGINES: dict[str, Callable[[Program], Runner]] = {
    "baseline": lambda program: Library(program, "vm.api", "baseline", {}),
    "tiered": lambda program: Library(program, "vm.api", "tiered", {}),
    "level 0": lambda program: Library(program, "vm.api", "llvm", {"opt_level": 0}),
    "level 3": lambda program: Library(program, "vm.api", "llvm", {"opt_level": 3}),
    "cranelift": lambda program: Library(program, "wasmtime", None, {}),
    "winch": lambda program: Library(program, "benchmarks.winch", None, {}),
}
"""What runs a program, by name."""

PAIRS = (
    ("baseline", "cranelift"),
    ("baseline", "winch"),
    ("tiered", "baseline"),
    ("level 3", "level 0"),
)

_WARM_UP = 0.5
"""Seconds of work before each look at whether an engine still compiles."""


def chosen() -> list[tuple[str, str]]:
    """The pairs of which both are here."""
    missing = set() if importlib.util.find_spec("wasmtime") else {"cranelift", "winch"}
    return [pair for pair in PAIRS if not missing & set(pair)]


def compare(
    program: Program, pairs: Sequence[tuple[str, str]], *, rounds: int, warm_up: float, settle: float
) -> tuple[dict[tuple[str, str], float], dict[str, str]]:
    """The median ratio of each pair, and what went wrong, by engine."""
    bench = Bench(program, warm_up, settle)
    with contextlib.closing(bench):
        for engine in dict.fromkeys(engine for pair in pairs for engine in pair):
            bench.add(engine, functools.partial(ENGINES[engine], program))
        seconds = bench.rounds(rounds)
        there = [pair for pair in pairs if set(pair) <= set(bench.runners)]
    ratios = {(a, b): statistics.median(each[a] / each[b] for each in seconds) for a, b in there}
    faults = {engine: str(fault).splitlines()[-1] for engine, fault in bench.faults.items()}
    faults |= {e: f"still waits for {p.waiting} codes" for e, p in bench.pending.items() if p.waiting}
    return ratios, faults


def means(rows: Mapping[str, Mapping[tuple[str, str], float]]) -> dict[tuple[str, str], float]:
    """The geometric mean of each pair's ratios over the programs that have it."""
    found = {}
    for pair in PAIRS:
        ratios = [row[pair] for row in rows.values() if pair in row]
        if ratios:
            found[pair] = math.exp(statistics.fmean(map(math.log, ratios)))
    return found


def line(name: str, row: Mapping[tuple[str, str], float], pairs: Sequence[tuple[str, str]]) -> str:
    """A row of the table."""
    cells = (f"{row[pair]:.2f}" if pair in row else "-" for pair in pairs)
    return f"{name:14}" + "".join(f"{cell:>20}" for cell in cells)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a program failed somewhere."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="PROGRAM", help="only these programs (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run (default: %(default)s)")
    parser.add_argument("--settle", type=float, default=120.0, help="seconds to get warm (default: 120)")
    parser.add_argument("--json", metavar="FILE", help="write the ratios there; - is standard output")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in programs()]
    if unknown:
        parser.error(f"unknown program {unknown[0]!r}; there are: {', '.join(programs())}")
    from vm.tiers.baseline import native

    if not native.is_built():
        print("ladder: tier 1's compiler is not built: run `wasmvm build`", file=sys.stderr)
        return 1
    pairs, rows, failed = chosen(), {}, False
    print(f"{'':14}" + "".join(f"{'/'.join(pair):>20}" for pair in pairs), file=sys.stderr)
    for name in options.names or programs():
        rows[name], faults = compare(
            programs()[name], pairs, rounds=options.rounds, warm_up=_WARM_UP, settle=options.settle
        )
        failed |= bool(faults)
        print(line(name, rows[name], pairs), file=sys.stderr, flush=True)
        for engine, fault in faults.items():
            print(f"  {engine}: {fault}", file=sys.stderr)
    print(line("geomean", means(rows), pairs), f"  (load {os.getloadavg()[0]:.0f})", file=sys.stderr)
    if options.json:
        told = {name: {"/".join(pair): ratio for pair, ratio in row.items()} for name, row in rows.items()}
        text = json.dumps({"programs": told, "geomean": {"/".join(p): r for p, r in means(rows).items()}})
        with contextlib.nullcontext(sys.stdout) if options.json == "-" else open(options.json, "w") as out:
            print(text, file=out)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
