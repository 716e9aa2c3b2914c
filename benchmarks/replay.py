"""What orders of compiling would have made of traced programs: ``python -m benchmarks.replay TRACES.json``.

A trace (``benchmarks/traces.py``) says when what ran how often, in which function the program was at each
moment, and what compiling takes and gains. Here it is played with the policy's own thresholds and the
compiler's own queue (``vm.jit.dispatch``) on a simulated clock, with one worker that has a processor to
itself. Orders: none, the policy's, by ln(rounds) times a round's seconds, and the best in hindsight.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import statistics
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.parallel import START_SECONDS
from vm.config import Config
from vm.jit.dispatch import Dispatcher
from vm.jit.scheduler import Priority
from vm.tiers.policy import Place, Policy

_SEEN = 20
"""Samples of a function in either tier from which on its own gain is taken, not its program's."""

_MOST_GAIN = 20.0

_LOOK = 0.002
"""Seconds until what is not to be asked for yet is looked at again."""


class Trace:
    """One program's trace, to be asked what was when; times are those of the tier that it starts in."""

    def __init__(self, content: Any) -> None:
        self.name: str = content["program"]
        self.start: str = content["start"]
        self.samples: list[int] = content["samples"]
        self.step = content["seconds"] / len(self.samples)
        self.sizes = {int(index): features[0] for index, features in content["features"].items()}
        self.rounds = _rounds(content)
        self.whole = content["whole"]
        self.places: dict[Place, tuple[float, list[int]]] = {
            (index, None if loop < 0 else loop): (seconds, functions)
            for index, loop, seconds, _, functions, _ in content["places"]
        }
        self._rate = statistics.median(place[2] / max(place[5], 1) for place in content["places"])
        self.gains = _gains(content)
        ran = Counter(self.samples)
        self.saves = {f: n * self.step * (1 - 1 / self.gains.get(f, 1.0)) for f, n in ran.items()}

    def asked_as(self, place: Place) -> Place:
        """A small module is asked for as a whole, by the one function that was compiled so."""
        if not self.whole or place[1] is not None:
            return place
        return next((each for each in self.places if each[1] is None), place)

    def cost(self, place: Place) -> tuple[float, list[int]]:
        """Seconds of compiling, and which functions have code then."""
        return self.places.get(place) or (self._rate * self.sizes.get(place[0], 100), [place[0]])

    def ran(self, place: Place, moment: float) -> float:
        """How often a place had run by then."""
        if place not in self.rounds:
            return 0.0
        times, counts = self.rounds[place]
        at = min(bisect_left(times, moment), len(times) - 1)
        if at == 0:
            return counts[0]
        part = (moment - times[at - 1]) / max(times[at] - times[at - 1], 1e-9)
        return counts[at - 1] + (counts[at] - counts[at - 1]) * min(part, 1.0)

    def reached(self, place: Place, rounds: int) -> float | None:
        """When a place had run so often."""
        times, counts = self.rounds[place]
        at = bisect_left(counts, rounds)
        if at == len(counts):
            return None
        part = (rounds - counts[at - 1]) / max(counts[at] - counts[at - 1], 1e-9) if at else 0.0
        return times[at - 1] + (times[at] - times[at - 1]) * part if at else times[0]


def _rounds(content: Any) -> dict[Place, tuple[list[float], list[float]]]:
    found: dict[Place, tuple[list[float], list[float]]] = {}
    for moment, index, loop, count in content["counts"]:
        times, counts = found.setdefault((index, None if loop < 0 else loop), ([0.0], [0.0]))
        times.append(moment)
        counts.append(count)
    return found


def _gains(content: Any) -> dict[int, float]:
    """By function: the time of a run in either tier, where it is known, else the whole program's."""
    samples, runs = Counter(content["samples"]), content["runs"]
    step = content["seconds"] / len(content["samples"]) / runs
    compiled = {int(index): seconds for index, seconds in content["compiled"].items()}
    before = sum(n for index, n in samples.items() if index >= 0) * step
    usual = before / max(sum(seconds for index, (seconds, _) in compiled.items() if index >= 0), 1e-9)
    found = {index: usual for index in samples if index >= 0}
    for index, (seconds, seen) in compiled.items():
        if index >= 0 and min(samples[index], seen) >= _SEEN:
            found[index] = samples[index] * step / seconds
    return {index: min(max(gain, 1 / _MOST_GAIN), _MOST_GAIN) for index, gain in found.items()}


Order = Callable[["Replay", Place, Place], Priority]
"""How urgent it is to compile the second place, because the first is hot."""


class Replay:
    """One trace, with one order (``vm.jit.dispatch.Hands`` of its queue)."""

    def __init__(self, trace: Trace, order: Order) -> None:
        self.trace, self.now, self.moment = trace, 0.0, 0.0
        self.policy = Policy(Config(tier="tiered"), trace.start)
        self._order = order
        self._patience = Config().tier_patience / 1000
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._queue: Dispatcher[Place] = Dispatcher(1, self, lambda: self.now)
        self._fast: set[int] = set()
        self._asked: set[Place] = set()
        self._waiting: set[Place] = set()

    def run(self) -> float:
        """Seconds that the program takes."""
        hot = self._hot()
        first = None
        for number, function in enumerate(self.trace.samples):
            self.now += self.trace.step / (
                self.trace.gains.get(function, 1.0) if function in self._fast else 1.0
            )
            self.moment = (number + 1) * self.trace.step
            while hot and hot[0][0] <= self.moment:
                place = heapq.heappop(hot)[2]
                first = self.now if first is None else first
                if self.now - first < self._patience or not self._ask(place):
                    heapq.heappush(hot, (self.moment + _LOOK, next(self._numbers), place))
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
                self._queue.feed()
        return self.now

    def _hot(self) -> list[tuple[float, int, Place]]:
        """When what becomes hot."""
        found = []
        for place in self.trace.rounds:
            moment = self.trace.reached(place, self.policy.counting(place[0], tuple)[place[1] is not None])
            if moment is not None:
                found.append((moment, next(self._numbers), place))
        heapq.heapify(found)
        return found

    def _ask(self, place: Place) -> bool:
        """Ask for what a hot place wants; whether that is over."""
        index, loop = place
        function = self.trace.asked_as((index, None))
        if loop is not None and (
            function in self._waiting or any(each[0] == index for each in self._waiting)
        ):
            return False
        calls = self.trace.ran((index, None), self.moment)
        lasts = loop is not None and self.policy.lasting(int(self.trace.ran(place, self.moment)), int(calls))
        for wanted in (place, function) if lasts else (function,):
            if wanted not in self._asked:
                self._asked.add(wanted)
                self._waiting.add(wanted)
                size = self.trace.sizes.get(wanted[0], 100)
                cost = self.policy.cost(size, tuple)
                self._queue.submit(wanted, self._order(self, place, wanted), cost)
                self._queue.feed()
        return True

    def start(self, worker: int) -> None:
        """A worker is there after a while."""
        self._later(START_SECONDS, lambda: self._queue.ready(worker))

    def send(self, worker: int, work: Place) -> None:
        """It takes what it took."""
        self._later(self.trace.cost(work)[0], lambda: self._made(worker, work))

    def give_up(self, work: Place, why: str) -> None:
        """No simulated worker fails."""
        raise AssertionError(f"{work}: {why}")

    def _made(self, worker: int, work: Place) -> None:
        self._queue.answered(worker)
        self._waiting.discard(work)
        self._fast |= {work[0]} if work[1] is not None else set(self.trace.cost(work)[1])

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), what))


def none(replay: Replay, _: Place, wanted: Place) -> Priority:
    """First come, first served."""
    return Priority.NORMAL if wanted[1] is None else Priority.HIGH


def by_policy(replay: Replay, hot: Place, wanted: Place) -> Priority:
    """As tier ``tiered`` does."""
    rounds, size = replay.trace.ran(hot, replay.moment), replay.trace.sizes.get(hot[0], 100)
    share = replay.policy.share(int(rounds), size, time.monotonic() - replay.moment)
    return replay.policy.priority(wanted, share)


def by_logarithm(replay: Replay, hot: Place, wanted: Place) -> Priority:
    """By ln(rounds) times a round's seconds."""
    rounds, size = replay.trace.ran(hot, replay.moment), replay.trace.sizes.get(hot[0], 100)
    second = replay.policy.share(1, size, time.monotonic() - 1.0)
    hotness = math.log1p(rounds) * second
    return Priority.HIGH if hotness >= 2e-6 else Priority.NORMAL if hotness >= 2e-7 else Priority.LOW


def in_hindsight(replay: Replay, hot: Place, wanted: Place) -> Priority:
    """By what is saved in the whole run, for each second of compiling."""
    seconds, functions = replay.trace.cost(wanted)
    worth = sum(replay.trace.saves.get(each, 0.0) for each in functions) / max(seconds, 1e-9)
    return Priority.HIGH if worth > 2 else Priority.NORMAL if worth > 0.2 else Priority.LOW


ORDERS: dict[str, Order] = {
    "none": none,
    "policy": by_policy,
    "logarithm": by_logarithm,
    "hindsight": in_hindsight,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("traces", type=Path, metavar="TRACES.json")
    options = parser.parse_args(arguments)
    sums = dict.fromkeys(ORDERS, 0.0)
    traces = [Trace(content) for content in json.loads(options.traces.read_text("utf-8"))]
    print(f"{'seconds':22}" + "".join(f"{name:>12}" for name in ORDERS))
    for trace in traces:
        found = {name: Replay(trace, order).run() for name, order in ORDERS.items()}
        sums = {name: total + math.log(found[name] / found["none"]) for name, total in sums.items()}
        print(f"{trace.name:12}{trace.start:10}" + "".join(f"{seconds:12.3f}" for seconds in found.values()))
    print(f"{'over none':22}" + "".join(f"{math.exp(each / len(traces)):12.3f}" for each in sums.values()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
