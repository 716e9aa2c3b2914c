"""What a detector's mistakes have in common: missed steps and false alarms of generated series, by kind.

A step is of several kinds at once: its noise, its size in sigma and in standard errors, how near another step
or an end is, whether something was found 6-15 points away (it was seen, and misplaced).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

from benchmarks.tallies import Tally

CLOSE = 12
"""Points to the next step or an end below which a level is short."""

AWAY = 15
"""Points within which an alarm that misses a step is still about it."""


def _bucket(value: float, bounds: Sequence[float], unit: str) -> str:
    below = [bound for bound in bounds if value >= bound]
    above = [bound for bound in bounds if value < bound]
    if not below:
        return f"{unit} < {above[0]:g}"
    return f"{unit} {below[-1]:g}-{above[0]:g}" if above else f"{unit} > {below[-1]:g}"


def kinds_of_step(case: Any, i: int, found: Sequence[int]) -> list[str]:
    """The kinds that the ``i``-th step of a series belongs to."""
    edges = [0, *case.cps, len(case.values)]
    before, after = edges[i + 1] - edges[i], edges[i + 2] - edges[i + 1]
    kinds = [f"noise {case.family}", f"event {case.event}", _bucket(case.z[i], (3, 6, 12), "standard errors")]
    kinds.append(_bucket(abs(case.sizes[i]) / case.sigma, (0.5, 1, 2, 4), "sigma"))
    if min(before, after) < CLOSE:
        end = (i == 0 and before < CLOSE) or (i == len(case.cps) - 1 and after < CLOSE)
        kinds.append("near an end" if end else "short level")
    if i and case.sizes[i] * case.sizes[i - 1] < 0:
        kinds.append("reverts the last")
    if any(5 < abs(place - case.cps[i]) <= AWAY for place in found):
        kinds.append("alarm 6-15 points away")
    return kinds


def kinds_of_alarm(case: Any, place: int) -> list[str]:
    """The kinds that a false alarm belongs to."""
    kinds = [f"noise {case.family}", f"event {case.event}"]
    if min(place, len(case.values) - place) < CLOSE:
        kinds.append("near an end")
    if any(abs(place - step) <= AWAY for step in case.cps):
        kinds.append("alarm 6-15 points away")
    return kinds


def table(score: ModuleType, tallies: Iterable[Tally]) -> list[tuple[str, int, int, int]]:
    """(kind, steps, missed, false alarms) of generated and unchanged series, by name of the kind."""
    steps, missed, false = Counter[str](), Counter[str](), Counter[str]()
    for one in tallies:
        if one.kind not in ("synth", "null"):
            continue
        hit, alarms = score.match(one.case.cps, one.found, ignore=one.case.ignore)
        for i in range(len(one.case.cps)):
            kinds = kinds_of_step(one.case, i, one.found)
            steps.update(kinds)
            missed.update(kinds if i not in hit else ())
        for place in alarms:
            false.update(kinds_of_alarm(one.case, place))
    return [(kind, steps[kind], missed[kind], false[kind]) for kind in sorted({*steps, *false})]


def labelled(score: ModuleType, tallies: Iterable[Tally]) -> list[str]:
    """A line for each labelled series below 1: its F1, alarms that no reader marked, misses of all marked."""
    lines = []
    for one in sorted((t for t in tallies if t.kind in ("hand", "tcpd")), key=lambda t: t.f1):
        if one.f1 == 1:
            continue
        readings = [set(marked) for marked in one.case.labels.values()]
        extra = score.match(sorted(set.union(*readings)), one.found)[1]
        agreed = sorted(set.intersection(*readings))
        missing = [agreed[i] for i in set(range(len(agreed))) - score.match(agreed, one.found)[0]]
        name = one.case.name if len(one.case.name) < 60 else f"{one.case.name[:28]}..{one.case.name[-30:]}"
        lines.append(f"{one.f1:.2f} {name}: false {extra}, missed {sorted(missing)}")
    return lines
