"""How programs spend their time, for policies to be tried on: ``python -m benchmarks.traces OUT.json``.

Each program is run in what tier ``tiered`` starts in, and never compiled: samples say in which function it is
at every moment, counters when a function or a loop has run how often. The same work is run in LLVM's code.
Then everything that ran is compiled, as tier ``tiered`` would ask for it, to see what that takes. A trace:

    program, start      whose, and the tier that it starts in
    seconds, runs       processor time of all runs of the work; how often it was run
    samples             the function at even moments of that time (-1: none of WebAssembly's)
    counts              [seconds, function, loop's offset or -1, rounds so far], in order of time
    compiled            [seconds of a run in LLVM's code, samples of that] by function (-1: none)
    places              [function, loop or -1, seconds of compiling, level, functions that then have code,
                        bytes of their bodies]
    features            of each function that ran (vm.tiers.features), by its index
    whole               whether the module is compiled at once
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.corpus import Program, together
from benchmarks.host import Compiled
from vm.config import Config
from vm.jit.makers import make
from vm.profiling import Profiler
from vm.tiers.features import of_function
from vm.tiers.policy import Looks, Place, Policy, compiled_whole
from vm.tiers.tiered.first import starts_in
from vm.tiers.tiered.tier import TieredTier

SECONDS = 2.0
"""Processor time that a program gets, in either tier."""

MOST_PLACES = 120
"""What of a program is compiled: the places that run most often."""

_GROWTH = 1.5
"""By what rounds grow from one look at a counter to the next."""


class Recorder(Policy):
    """Notes when a counter has run how far, and has nothing compiled."""

    def __init__(self, config: Config, start: str) -> None:
        super().__init__(config, start)
        self.counts: list[tuple[float, Place, int]] = []
        self.spent = self.started = 0.0
        self._rounds: dict[int, int] = {}

    def counting(self, index: int, looks: Looks) -> tuple[int, int]:
        """Few, so that what runs often is seen early."""
        return 32, 256

    def again(self, counter: int, place: Place) -> int:
        """A while longer than so far."""
        first = 32 if place[1] is None else 256
        so_far = self._rounds.get(counter, first)
        more = int(so_far * (_GROWTH - 1))
        self.counts.append((self.spent + time.thread_time() - self.started, place, so_far))
        self._rounds[counter] = so_far + more
        return more

    def patient(self) -> bool:
        """For ever."""
        return True


def busy(
    compiled: Compiled, seconds: float, recorder: Recorder | None = None
) -> tuple[float, int, list[int]]:
    """Run the work for so long: processor seconds, runs, and in which function each sample found it."""
    spent, runs = 0.0, 0
    with Profiler(compiled.engine) as profiler:
        while spent < seconds:
            work = compiled.fresh()
            started = time.thread_time()
            if recorder is not None:
                recorder.spent, recorder.started = spent, started
            answer = work()
            spent += time.thread_time() - started
            runs += 1
            assert answer == compiled.case.expected, compiled.program.name
    recording = profiler.recording
    inside = [_function(stack) for stack in recording.stacks]
    return spent, runs, [inside[number] for number in recording.seen]


def _function(stack: Sequence[Any]) -> int:
    """Whose time a sample is: the innermost function's, unless that asks the host for something."""
    return int(stack[-1].function)


def trace(program: Program, start: str) -> dict[str, Any]:
    """One program's, which starts in the tier ``start``."""
    slow = Compiled(program, tier="tiered", size="full", knobs={"tier_start": start, "tier_observes": 0})
    tier, module = slow.engine.tier, slow.module.data
    assert isinstance(tier, TieredTier)
    recorder = Recorder(slow.engine.config, start)
    tier.decide(recorder)
    spent, runs, samples = busy(slow, SECONDS, recorder)
    fast = Compiled(program, tier="llvm", size="full", knobs={"debug_info": True, "cache_bytes": 1 << 29})
    fast.check()
    quick, often, seen = busy(fast, SECONDS / 2)
    reached: dict[Place, int] = {place: count for _, place, count in recorder.counts}
    wanted = sorted(reached, key=lambda place: -reached[place])[:MOST_PLACES]
    asked = {_asked(place, module, slow.engine.config, wanted) for place in wanted}
    indices = {index for index, _ in reached} | {index for index in {*samples, *seen} if index >= 0}
    return {
        "program": program.name,
        "start": start,
        "seconds": spent,
        "runs": runs,
        "samples": samples,
        "counts": [[moment, index, _number(loop), n] for moment, (index, loop), n in recorder.counts],
        "compiled": {i: [n / len(seen) * quick / often, n] for i, n in Counter(seen).items()},
        "places": [_cost(tier.program(module).request(place), place) for place in asked],
        "features": {index: list(of_function(module, index)) for index in indices if _is_own(module, index)},
        "whole": compiled_whole(module, slow.engine.config),
    }


def _asked(place: Place, module: Any, config: Config, wanted: Sequence[Place]) -> Place:
    """A small module is asked for at once: by which function, hardly matters."""
    if place[1] is not None or not compiled_whole(module, config):
        return place
    return min(index for index, _ in wanted), None


def _number(loop: int | None) -> int:
    return -1 if loop is None else loop


def _cost(request: Any, place: Place) -> tuple[int, int, float, int, list[int], int]:
    made, module = make(request), request.module
    functions = sorted(made.functions)
    extents = [module.bodies.extents[index - module.imported_functions] for index in functions]
    size = sum(end - start for start, end in extents)
    return place[0], _number(place[1]), made.seconds, request.level, functions, size


def _is_own(module: Any, index: int) -> bool:
    return bool(index >= module.imported_functions)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the traces."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("out", type=Path, metavar="OUT.json")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these programs (default: all)")
    parser.add_argument(
        "--programs", type=Path, action="append", default=[], metavar="DIR", help="these, too"
    )
    parser.add_argument("--start", default="auto", choices=("auto", "baseline", "threaded"))
    options = parser.parse_args(arguments)
    known = together(options.programs)
    written = json.loads(options.out.read_text()) if options.out.exists() else []
    done = {(each["program"], each["start"]) for each in written}
    start = starts_in(Config(tier_start=options.start))
    for name in _chosen(options.names, known):
        if (name, start) not in done:
            written.append(trace(known[name], start))
            options.out.write_text(json.dumps(written))
            print(f"{name}: {len(written[-1]['places'])} places", flush=True)
    return 0


def _chosen(names: Sequence[str], known: dict[str, Program]) -> Iterable[str]:
    return names or known


if __name__ == "__main__":
    raise SystemExit(main())
