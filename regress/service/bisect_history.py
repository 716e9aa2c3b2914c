"""What a search knows before it measures: the points around its range, as far as they are of one level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from regress.bisect.evidence import Floats, logarithms
from regress.detect import detect
from regress.detect.noise import correlation_factor
from regress.domain import ChangePoint, Commit, Point, Series
from regress.service.judging import values_of

SMALLEST_NOISE = 1e-6
"""Relative noise assumed of what seems to have none: exact counters still deserve a finite likelihood."""

NEAREST = 200
"""Points of each side that count: those further off tell little more, and levels wander."""

LENIENT = 0.2
"""Chance of a false step at which history is cut off: a step overlooked is worse than points lost."""


@dataclass(frozen=True, slots=True)
class Known:
    """A known value at a place of the range; it counts for ``worth`` independent ones."""

    place: int
    value: float
    worth: float = 1.0


def free_evidence(series: Series, commits: Sequence[Commit]) -> list[Known]:
    """The known points: those inside the range at their commit, those before and after it at its ends.

    Of those before and after count the ones of the level next to the range: back to the last change on either
    side. Where neighbours are alike beyond their level, a point is worth less.
    """
    first, last = commits[0].position, commits[-1].position
    points = series.points
    start = sum(point.position <= first for point in points)
    end = sum(point.position < last for point in points)
    changes = detect(values_of(series.columns), false_alarms=LENIENT) if len(points) else []
    old, new = _level(points, changes, start, end)
    place = {commit.sha: index for index, commit in enumerate(commits)}
    inside = (Known(place[p.commit], p.value) for p in points[start:end] if p.commit in place)
    return [*_worth(old, 0), *inside, *_worth(new, len(commits) - 1)]


def noise_of(series: Series) -> float:
    """A series' relative run-to-run noise, from differences of neighbours: a step hardly moves it."""
    values = logarithms(_values(series.points))
    if len(values) < 3:
        return 0.01
    deviation = float(np.median(np.abs(np.diff(values)))) * 1.4826 / float(np.sqrt(2))
    return max(deviation, SMALLEST_NOISE)


def _level(
    points: Sequence[Point], changes: Sequence[ChangePoint], start: int, end: int
) -> tuple[Sequence[Point], Sequence[Point]]:
    """The points before ``start`` and from ``end`` on that no change parts from the range.

    A change may lie anywhere in its span: points there belong to neither level.
    """
    begin = max((c.span[1] for c in changes if c.index < start), default=0)
    stop = min((c.span[0] for c in changes if c.index > end), default=len(points))
    # The point next to the range is of its level, whatever the span of a change beside it says.
    begin, stop = min(begin, max(start - 1, 0)), max(stop, min(end + 1, len(points)))
    return points[max(begin, start - NEAREST) : start], points[end : min(stop, end + NEAREST)]


def _worth(points: Sequence[Point], place: int) -> Iterator[Known]:
    if not points:
        return
    values = logarithms(_values(points))
    worth = 1 / max(correlation_factor(values - values.mean()), 1.0)
    yield from (Known(place, point.value, worth) for point in points)


def _values(points: Sequence[Point]) -> Floats:
    return np.array([point.value for point in points], dtype=np.float64)
