"""A series as it was lived: which alerts the newest point raised, commit by commit, and which stood.

    for alert in replay(values, detector, options):
        print(alert.change.index, "flagged at", alert.seen)

What an analysis of the whole series finds is not what people were told: some alerts are taken back when more
points come, and each comes late by some commits. Here both can be counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regress.detect.incremental import Incremental
from regress.detect.options import Options
from regress.detect.protocol import Detector
from regress.detect.youth import YOUNG
from regress.domain import ChangePoint


@dataclass(frozen=True, slots=True)
class Alert:
    """A change point as it was first reported: at point ``seen``; ``stands`` if the whole series has it."""

    change: ChangePoint
    seen: int
    stands: bool = False

    @property
    def delay(self) -> int:
        """Points of the new level that it took, the first one counted."""
        return self.seen - self.change.index + 1


Look = tuple[int, list[ChangePoint]]
"""A point of a series, and the change points that were known from then on."""


def looks(
    values: Sequence[float] | NDArray[np.float64], detector: Detector, options: Options
) -> Iterator[Look]:
    """What was known of a series as it grew, each time that it was looked at; at last, all of it.

    While a change is young, each point is a look: how sure it is decides whether people are told.
    """
    state = Incremental(detector, options)
    known: list[ChangePoint] = []
    place = -1
    for place, value in enumerate(np.asarray(values, dtype=np.float64).tolist()):
        young = known and place - known[-1].index < YOUNG
        if state.append(value) is not known or young:
            known = state.look() if young else state.changes
            yield place, known
    if place >= 0:
        yield place, state.look()


def replay(
    values: Sequence[float] | NDArray[np.float64], detector: Detector, options: Options
) -> list[Alert]:
    """Every alert that a series would have raised as it grew, in the order of raising."""
    alerts: list[Alert] = []
    last: list[ChangePoint] = []
    for place, last in looks(values, detector, options):
        fresh = (change for change in last if not any(same(change, old.change) for old in alerts))
        alerts += [Alert(change, place) for change in fresh]
    return [replace(alert, stands=any(same(alert.change, change) for change in last)) for alert in alerts]


def same(a: ChangePoint, b: ChangePoint) -> bool:
    """Whether two change points of a series are one: one direction, and places that may be the same."""
    (first, last), (other_first, other_last) = a.span, b.span
    slack = max(a.slack, b.slack)
    near = first - slack <= other_last and other_first - slack <= last
    return near and (a.after > a.before) == (b.after > b.before)
