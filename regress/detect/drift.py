"""Slow drift: what many steps, each too small to be told, add up to, and which commits they are at.

    found = drift(values, starts)
    print(found.total, [(step.index, step.size) for step in found.steps], found.rest)

The changes that were told (``starts``) are taken out, each at the size that its neighbourhood shows. What is
left is compared: the newest points with the oldest of the window. Steps that a far more lenient detector sees
in it are named; the rest has no place.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regress.detect.noise import EXACT, Floats, Signal, correlation_factor, median, prepare
from regress.detect.options import Options
from regress.detect.segments import SegmentsDetector
from regress.domain import ChangePoint

ENDS = 10
"""Points at each end of a window that say where the level was, and is."""

SHORTEST = 3 * ENDS
"""Points without which nothing is said of drift."""

LENIENT = 0.5
"""Chance of a false step that is good enough to name a place: that there is a sum to explain is known."""

SURE = 3.0
"""Standard errors by which a drift is beyond chance."""

_HUGE = 50.0  # in logarithms: levels farther apart are no drift


@dataclass(frozen=True, slots=True)
class SmallStep:
    """A place at which a level moved by a little: ``index`` is the first point after, ``size`` relative.

    It may be anywhere in ``span``.
    """

    index: int
    size: float
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Drift:
    """What is left of a window of a series when the changes that were told are taken out.

    ``total`` is the relative change from its first to its last points, with a 99 % interval; ``steps`` and
    ``rest`` add up to it (as logarithms do: 1 % and 1 % are 2.01 %). ``sure`` says that it is beyond chance.
    """

    first: int
    total: float
    low: float
    high: float
    steps: tuple[SmallStep, ...]
    rest: float
    sure: bool


def drift(
    values: Floats,
    starts: Sequence[int] = (),
    window: int = 200,
    least: float | None = None,
    signal: Signal | None = None,
) -> Drift | None:
    """The drift over the newest ``window`` points; None for a short series, or one that is not positive.

    ``starts`` are the indices at which levels begin that were told as changes. With ``least`` None also for a
    drift that is not sure, or relatively smaller: most are, and their steps are what takes time. ``signal``
    is what ``prepare`` makes of the values, from who knows it already.
    """
    first = max(0, values.size - window)
    recent = values[first:]
    if recent.size < SHORTEST or not (np.isfinite(recent) & (recent > 0)).all():
        return None
    if signal is None or first or len(starts) or max(abs(signal.level.min()), signal.level.max()) > _HUGE:
        level = _untold(np.log(recent), [start - first for start in starts if start > first])
        signal = prepare(np.exp(np.clip(level - median(level), -_HUGE, _HUGE)))
    ends = signal.clipped[:ENDS], signal.clipped[-ENDS:]
    total = float(ends[1].mean() - ends[0].mean())
    error = max(signal.sigma, EXACT) * math.sqrt(2 / ENDS)
    if least is not None and abs(total) < max(SURE * error, math.log1p(least)):
        return None  # correlation makes it no surer
    error *= math.sqrt(correlation_factor(signal.clipped - _line(signal.clipped)))
    sure = abs(total) > SURE * error
    if least is not None and not sure:
        return None
    steps = _steps(signal.clipped)
    rest = total - sum(step for _, step in steps)
    return Drift(
        first,
        math.expm1(total),
        math.expm1(total - 2.576 * error),
        math.expm1(total + 2.576 * error),
        tuple(_small(change, size, first) for change, size in steps),
        math.expm1(rest),
        sure,
    )


def _small(change: ChangePoint, size: float, first: int) -> SmallStep:
    earliest, latest = change.span
    return SmallStep(first + change.index, math.expm1(size), (first + earliest, first + latest))


def _untold(level: Floats, starts: Sequence[int]) -> Floats:
    """The level without the steps at ``starts``, each of the size that the points beside it show."""
    edges = [0, *starts, level.size]
    left = level.copy()
    for before, start, after in zip(edges, starts, edges[2:], strict=False):
        new, old = level[start : min(after, start + ENDS)], level[max(before, start - ENDS) : start]
        left[start:] -= median(new) - median(old)
    return left


def _line(level: Floats) -> Floats:
    """The straight line through a level: a drift is no correlation."""
    places = np.arange(level.size) - (level.size - 1) / 2
    line: Floats = level.mean() + places * (float(np.sum(places * level)) / float(np.sum(places**2)))
    return line


def _steps(level: Floats) -> list[tuple[ChangePoint, float]]:
    """Likely places of small steps with their sizes: between the means of the segments that they bound."""
    found = SegmentsDetector().detect(np.exp(level), Options(false_alarms=LENIENT))
    edges = [0, *(change.index for change in found), level.size]
    means = [float(level[a:b].mean()) for a, b in itertools.pairwise(edges)]
    return [(change, b - a) for change, (a, b) in zip(found, itertools.pairwise(means), strict=True)]
