"""What a detector did to labelled series, one by one, so that any part of them can be scored afterwards.

A detector runs once over each series (``tally``); a score of all series, of one fold or of one kind of noise
is then a sum over tallies (``METRICS``). Folds keep the series of one project together.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

Find = Callable[[Any], list[int]]
"""A detector: values to the first index of each new level."""

STRONG = (6.0, 12.0)
"""Standard errors of a step that "recall at 6-12" counts."""

LOOK = (30, 250, 5)
"""Live false alarms: the first length at which a series is seen, the last, the step (the scorer's)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One series: ``found`` are the detector's places; the counts are of steps and alarms."""

    kind: str
    group: str
    case: Any
    found: list[int]
    f1: float = 0.0
    hits: int = 0
    misses: int = 0
    false: int = 0
    strong: tuple[int, int] = (0, 0)
    live: int = 0
    delays: Mapping[str, float] = field(default_factory=dict)


def tally(score: ModuleType, find: Find, data: Mapping[str, Sequence[Any]], live: bool = True) -> list[Tally]:
    """The tallies of all series of the scorer's data; ``live`` also measures delays, commit by commit."""
    judges = {"hand": _labelled, "tcpd": _labelled, "synth": _stepped, "null": _unchanged, "delay": _late}
    return [
        judges[kind](score, find, kind, case)
        for kind, cases in data.items()
        if live or kind != "delay"
        for case in cases
    ]


def _labelled(score: ModuleType, find: Find, kind: str, case: Any) -> Tally:
    found = score.clean(find(case.values), len(case.values))
    return Tally(kind, case.name.split("|")[0], case, found, f1=score.f_measure(case.labels, found)[0])


def _stepped(score: ModuleType, find: Find, kind: str, case: Any) -> Tally:
    found = score.clean(find(case.values), len(case.values))
    hit, false = score.match(case.cps, found, ignore=case.ignore)
    strong = [i in hit for i, z in enumerate(case.z) if STRONG[0] <= z < STRONG[1]]
    counts = (len(hit), len(case.cps) - len(hit), len(false), (sum(strong), len(strong)))
    return Tally(kind, case.name, case, found, 0.0, *counts)


def _unchanged(score: ModuleType, find: Find, kind: str, case: Any) -> Tally:
    found = score.clean(find(case.values), len(case.values))
    seen: list[int] = []
    start, stop, each = LOOK
    for length in range(start, min(stop, len(case.values)) + 1, each):
        places = score.clean(find(case.values[:length]), length)
        seen += [place for place in places if all(abs(place - other) > score.MARGIN for other in seen)]
    return Tally(kind, case.name, case, found, false=len(found), live=len(seen))


def _late(score: ModuleType, find: Find, kind: str, case: Any) -> Tally:
    start = case.cps[0]
    for late in score.GRID:
        length = start + late
        if length > len(case.values):
            break
        if any(
            abs(place - start) <= score.MARGIN for place in score.clean(find(case.values[:length]), length)
        ):
            return Tally(kind, case.name, case, [], delays={case.event: late})
    return Tally(kind, case.name, case, [], delays={case.event: 99.0})  # as the scorer counts a miss


Metric = Callable[[Sequence[Tally]], float]


def _of(kind: str, tallies: Iterable[Tally]) -> list[Tally]:
    return [one for one in tallies if one.kind == kind]


def _mean_f1(kind: str) -> Metric:
    return lambda tallies: statistics.mean([one.f1 for one in _of(kind, tallies)])


def pooled_f1(tallies: Sequence[Tally]) -> float:
    """F1 of the steps of generated series, all in one pot."""
    generated = _of("synth", tallies)
    hits, misses, false = (sum(getattr(t, what) for t in generated) for what in ("hits", "misses", "false"))
    return 2 * hits / max(1, 2 * hits + misses + false)


def _recall_strong(tallies: Sequence[Tally]) -> float:
    return sum(t.strong[0] for t in tallies) / max(1, sum(t.strong[1] for t in tallies))


def _per_thousand(what: str, most: int | None = None) -> Metric:
    def rate(tallies: Sequence[Tally]) -> float:
        unchanged = _of("null", tallies)
        points = sum(min(len(t.case.values), most or len(t.case.values)) for t in unchanged)
        return 1000 * sum(int(getattr(t, what)) for t in unchanged) / max(1, points)

    return rate


def _median_delay(event: str) -> Metric:
    return lambda tallies: statistics.median(
        t.delays[event] for t in _of("delay", tallies) if event in t.delays
    )


METRICS: dict[str, Metric] = {
    "F1 real": _mean_f1("hand"),
    "F1 generated": pooled_f1,
    "F1 Turing": _mean_f1("tcpd"),
    "recall 6-12": _recall_strong,
    "false / 1000": _per_thousand("false"),
    "live / 1000": _per_thousand("live", LOOK[1]),
    "delay 4 sigma": _median_delay("snr4"),
    "delay 8 sigma": _median_delay("snr8"),
    "delay 16 sigma": _median_delay("snr16"),
}
"""The scorer's numbers, except that live false alarms are of all unchanged series (it takes 28)."""


def folds(tallies: Sequence[Tally], count: int) -> list[int]:
    """The fold of each tally: groups stay together, each kind of series is spread evenly."""
    where: dict[tuple[str, str], int] = {}
    for kind in dict.fromkeys(one.kind for one in tallies):
        sizes: defaultdict[str, int] = defaultdict(int)
        for one in _of(kind, tallies):
            sizes[one.group] += 1
        load = [0] * count
        for group in sorted(sizes, key=lambda name: (-sizes[name], name)):
            where[kind, group] = load.index(min(load))
            load[where[kind, group]] += sizes[group]
    return [where[one.kind, one.group] for one in tallies]


def goal(scores: Mapping[str, float]) -> float:
    """One number to choose by: the three F1, less what false alarms and delays are above the bars."""
    total = scores["F1 real"] + scores["F1 generated"] + scores["F1 Turing"]
    total -= max(0.0, scores["false / 1000"] - 0.05) + 0.5 * max(0.0, scores.get("live / 1000", 0.0) - 0.10)
    late = max(0.0, scores.get("delay 8 sigma", 0.0) - 3) + max(0.0, scores.get("delay 4 sigma", 0.0) - 6)
    return total - 0.01 * late
