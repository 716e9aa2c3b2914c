"""The learned tiering policy against the analytic one: ``python -m benchmarks.policies TRACES.json``.

Each program's first seconds in tier ``tiered``, in turns with either policy, with nothing on disk: processor
time of the program's own thread, and what compiling in the background has taken. What each program is run
with was taught without it, from traces of the others (``python -m benchmarks.traces``).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.corpus import Program, together
from benchmarks.host import Compiled
from vm.tiers.learned import Learned
from vm.tiers.model import read
from vm.tiers.policy import Policy
from vm.tiers.tiered.first import starts_in
from vm.tiers.tiered.tier import TieredTier

_PATIENCE = 20.0
"""Seconds that what is still being compiled may take, before the next turn begins."""

_QUIET = 0.02
"""From one look at whether it is done to the next."""


def first_seconds(program: Program, runs: int, content: Any) -> tuple[float, float]:
    """Processor seconds of so many runs, and of compiling meanwhile. ``content`` is what the learned policy
    goes by; None: the analytic one.
    """
    compiled = Compiled(program, tier="tiered", size="full")
    config, tier = compiled.engine.config, compiled.engine.tier
    assert isinstance(tier, TieredTier)
    start = starts_in(config)
    tier.decide(Policy(config, start) if content is None else Learned(config, start, read(content)))
    spent = 0.0
    for _ in range(runs):
        work = compiled.fresh()
        started = time.thread_time()
        answer = work()
        spent += time.thread_time() - started
        assert answer == compiled.case.expected, program.name
    compiling = tier.stats()["background_seconds"]
    until = time.monotonic() + _PATIENCE
    while tier.stats()["waiting"] and time.monotonic() < until:
        time.sleep(_QUIET)
    return spent, compiling


def compare(program: Program, content: Any, rounds: int, seconds: float) -> tuple[float, float]:
    """The learned policy's times over the analytic one's, medians of so many pairs: the program's own, and
    of both together. It runs as often as takes LLVM's code so many ``seconds``.
    """
    quick = Compiled(program, tier="llvm", size="full", knobs={"cache_bytes": 1 << 29})
    quick.check()
    work, started = quick.fresh(), time.thread_time()
    work()
    runs = max(1, round(seconds / (time.thread_time() - started)))
    pairs = []
    for number in range(rounds):
        turns: dict[bool, tuple[float, float]] = {}
        for learned in (True, False) if number % 2 else (False, True):
            turns[learned] = first_seconds(program, runs, content if learned else None)
        pairs.append((turns[True][0] / turns[False][0], sum(turns[True]) / sum(turns[False])))
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)


def table(names: Sequence[str], known: dict[str, Program], traces: list[Any], options: Any) -> Iterator[str]:
    """A line for each program, and what they come to."""
    from vm.tiers.learn import learn  # needs numpy, which asv's environments lack

    ratios = []
    for name in names:
        content = learn([trace for trace in traces if trace["program"] != name])
        ratios.append(compare(known[name], content, options.rounds, options.seconds))
        yield f"{name:12} {ratios[-1][0]:.3f} {ratios[-1][1]:.3f}"
    for column, what in enumerate(("the programs' own time", "with that of compiling meanwhile")):
        logs = [math.log(each[column]) for each in ratios]
        spread = statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) > 1 else 0.0
        middle = math.exp(statistics.mean(logs))
        yield f"learned over analytic, {what}: {middle:.3f} (standard error {spread:.3f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("traces", type=Path, metavar="TRACES.json")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all that were traced)")
    parser.add_argument(
        "--programs", type=Path, action="append", default=[], metavar="DIR", help="where others are"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of LLVM's code (default: 1)")
    options = parser.parse_args(arguments)
    known = together(options.programs)
    traces = json.loads(options.traces.read_text("utf-8"))
    names = options.names or list(dict.fromkeys(trace["program"] for trace in traces))
    print(f"load {os.getloadavg()[0]:.1f}; learned over analytic: own time, with compiling")
    for line in table(names, known, traces, options):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
