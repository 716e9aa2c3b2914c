"""What counts of an earlier run are worth (``Config.profile``): each program with and without them, in turns.

A run of the small case counts, where a program has one; the full case is measured. A figure is the median of
paired ratios of processor time in one process, below 1 is faster; every output is compared. Columns: code
that knows the counts / code that does not; code that counts / code that does not; seconds of compiling with
and without.

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


def compare(program: Program, rounds: int, tier: str, folder: str) -> tuple[float, float, float, float]:
    """The program's row."""
    file = Path(folder, f"{program.name}.profile")
    small = Compiled(program, tier="llvm", size="small", knobs={"profile_make": True})
    small.check()
    file.write_bytes(small.module.profile())
    engines = {
        "plain": Compiled(program, tier=tier, size="full"),
        "informed": Compiled(program, tier=tier, size="full", knobs={"profile": str(file)}),
        "counting": Compiled(program, tier="llvm", size="full", knobs={"profile_make": True}),
    }
    for engine in engines.values():
        engine.check()
        _seconds(engine)
    seen: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(rounds):
        names = list(engines)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seen[name].append(_seconds(engines[name]))
    ratios = [
        statistics.median(a / b for a, b in zip(seen[name], seen["plain"], strict=True))
        for name in ("informed", "counting")
    ]
    cost = [engines[name].engine.stats()["compile_seconds"] for name in ("informed", "plain")]
    return ratios[0], ratios[1], cost[0], cost[1]


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
    print(f"{'program':14} {'informed':>9} {'counting':>9} {'compile':>9} {'without':>9}")
    gains = []
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            gain, counting, cost, before = compare(known[name], options.rounds, options.tier, folder)
            gains.append(gain)
            print(f"{name:14} {gain:9.3f} {counting:9.3f} {cost:8.2f}s {before:8.2f}s", flush=True)
    print(f"{'geomean':14} {math.exp(statistics.fmean(map(math.log, gains))):9.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
