"""The VM against other engines, program by program: ``python -m benchmarks.versus [--against wasmtime]``.

Both engines run the same module through the same names, in turns in one process; each has given the right
answer first. A program's figure is the median of the paired ratios (VM / peer, below 1 is faster) of
processor time of one run in a fresh instance, compilation not included; the last line is their geometric
mean. Machines are noisy: quote ratios of one run, never times.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.corpus import Program, own, programs
from benchmarks.host import Compiled

PEERS = {"wasmtime": ("wasmtime", "pip install wasmtime")}
"""Peer to (module with wasmtime-py's names, how to get it)."""


def measured(work: Compiled) -> float:
    """Processor time of one fresh instance's work, in seconds."""
    run = work.fresh()
    started = time.process_time()
    run()
    return time.process_time() - started


def ratios(program: Program, tier: str, peer: str, rounds: int) -> list[float]:
    """Paired ratios VM / peer; WrongAnswer when either engine's answer is wrong."""
    ours = Compiled(program, tier=tier, size="full")
    theirs = Compiled(program, tier=None, size="full", api=importlib.import_module(PEERS[peer][0]))
    for engine in (ours, theirs):
        engine.check()
    # Which engine goes first alternates, so that neither always meets the other's caches.
    pairs = []
    for turn in range(rounds):
        first, second = (ours, theirs) if turn % 2 == 0 else (theirs, ours)
        a, b = measured(first), measured(second)
        pairs.append(a / b if first is ours else b / a)
    return pairs


def versions(peers: Sequence[str]) -> dict[str, str]:
    """What was compared, on what."""
    engines = {name: version(name) for name in ("regress", "llvmlite", *peers)}
    return {**engines, "python": platform.python_version(), "machine": platform.platform()}


def compare(corpus: Sequence[Program], tier: str, peers: Sequence[str], rounds: int) -> dict[str, Any]:
    """The whole table: per peer and program the median and all ratios, and the geometric mean."""
    table: dict[str, Any] = {"tier": tier, "versions": versions(peers), "geomean": {}, "programs": {}}
    for peer in peers:
        medians = {}
        for program in corpus:
            try:
                program.path()
            except NotImplementedError as missing:
                print(f"{program.name:12} skipped: {missing}", file=sys.stderr)
                continue
            found = ratios(program, tier, peer, rounds)
            medians[program.name] = statistics.median(found)
            table["programs"].setdefault(program.name, {})[peer] = found
            print(
                f"{program.name:12} {medians[program.name]:6.2f}  [{min(found):.2f} ... {max(found):.2f}]  "
                f"of {peer}'s time",
                file=sys.stderr,
            )
        table["geomean"][peer] = math.exp(statistics.fmean(map(math.log, medians.values())))
        print(f"{'geomean':12} {table['geomean'][peer]:6.2f}  of {peer}'s time", file=sys.stderr)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 2 for arguments that name nothing."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.versus",
        description="Time WebAssembly programs in the VM and in other engines, in turns.",
        epilog="example: python -m benchmarks.versus --rounds 11 --json ratios.json sha256 words",
    )
    parser.add_argument("names", nargs="*", metavar="PROGRAM", help="only these programs (default: all)")
    parser.add_argument(
        "--programs", type=Path, metavar="DIR", help="a folder with a manifest.json instead of ours"
    )
    parser.add_argument("--against", default="wasmtime", metavar="PEER,...", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--tier", default="llvm", help="the VM's tier (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="pairs per program (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write every ratio there; - is standard output")
    options = parser.parse_args(arguments)

    corpus = own(options.programs) if options.programs else programs()
    peers = options.against.split(",")
    for kind, wanted, known in (("program", options.names, corpus), ("peer", peers, PEERS)):
        for name in wanted:
            if name not in known:
                parser.error(f"unknown {kind} {name!r}; there are: {', '.join(known)}")
    for peer in peers:
        if importlib.util.find_spec(PEERS[peer][0]) is None:
            parser.error(f"{peer} is not installed: {PEERS[peer][1]}")
    chosen = [corpus[name] for name in options.names or corpus]
    table = compare(chosen, options.tier, peers, options.rounds)
    text = json.dumps(table, indent=2)
    if options.json == "-":
        print(text)
    elif options.json:
        Path(options.json).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
