"""What counts of an earlier run are worth (``Config.profile``): each program with and without them, in turns.

A run of the small case counts, where a program has one; the full case is measured. A figure is the median of
paired ratios of processor time in one process, below 1 is faster; every output is compared. Columns: code
that knows the counts / code that does not; the same without speculation (which only tier tiered knows); code
that counts / code that does not; in tier tiered, code made with what it counted itself, without an earlier
run, / code that does not; seconds of compiling with, without, and with its own; how often code was left.

    python -m benchmarks.informed [--rounds N] [--programs DIR] [--tier TIER] [NAME...]
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.corpus import Program, own, programs
from benchmarks.host import Compiled


def _seconds(compiled: Compiled) -> float:
    work = compiled.fresh()
    started = time.process_time()
    answer = work()
    spent = time.process_time() - started
    assert answer == compiled.case.expected, compiled.program.name
    return spent


_WARM, _STILL = 40, 4
"""Runs, at most, until nothing was compiled in so many; time is taken then."""


def _warm(compiled: Compiled) -> None:
    compiled.check()
    seen = [-1.0]
    while len(seen) < _WARM and seen[-1] not in seen[:-_STILL]:
        _seconds(compiled)
        seen.append(compiled.engine.stats()["compile_seconds"])


def compare(program: Program, rounds: int, tier: str, folder: str) -> list[float]:
    """The program's row."""
    file = Path(folder, f"{program.name}.profile")
    small = Compiled(program, tier="llvm", size="small", knobs={"profile_make": True})
    small.check()
    file.write_bytes(small.module.profile())
    waits: dict[str, str | int | bool] = {
        "tier_waits": True,
        "tier_observes": 0,
    }  # for code, before anything is measured
    use = {**waits, "profile": str(file)}
    engines = {
        "plain": Compiled(program, tier=tier, size="full", knobs=waits),
        "informed": Compiled(program, tier=tier, size="full", knobs=use),
        "wary": Compiled(program, tier=tier, size="full", knobs=use | {"tier_speculates": False}),
        "counting": Compiled(program, tier="llvm", size="full", knobs={"profile_make": True}),
    }
    if tier == "tiered":
        engines["own"] = Compiled(program, tier=tier, size="full", knobs={"tier_waits": True})
    for engine in engines.values():
        _warm(engine)
    seen: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(rounds):
        names = list(engines)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seen[name].append(_seconds(engines[name]))
    ratios = [
        statistics.median(a / b for a, b in zip(seen[name], seen["plain"], strict=True))
        for name in ("informed", "wary", "counting", "own")
        if name in engines
    ]
    ratios += [math.nan] * (4 - len(ratios))
    chosen = ("informed", "plain", "own" if "own" in engines else "informed")
    cost = [engines[name].engine.stats()["compile_seconds"] for name in chosen]
    return [*ratios, *cost, engines["informed"].engine.stats().get("deopts", 0.0)]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.informed", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="pairs of runs (9)")
    parser.add_argument("--programs", type=Path, metavar="DIR", help="of this folder (manifest.json)")
    parser.add_argument("--tier", default="llvm", help="what runs it (llvm)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these programs")
    options = parser.parse_args()
    known = own(options.programs) if options.programs else programs()
    chosen = options.names or list(known)
    print(
        f"{'program':14} {'informed':>9} {'wary':>9} {'counting':>9} {'own':>9}"
        f" {'compile':>9} {'without':>9} {'its own':>9} {'left':>7}"
    )
    gains = []
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            row = compare(known[name], options.rounds, options.tier, folder)
            gains.append(row[0])
            ratios = " ".join(f"{ratio:9.3f}" for ratio in row[:4])
            costs = " ".join(f"{cost:8.2f}s" for cost in row[4:7])
            print(f"{name:14} {ratios} {costs} {row[7]:7.0f}", flush=True)
    print(f"{'geomean':14} {math.exp(statistics.fmean(map(math.log, gains))):9.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
