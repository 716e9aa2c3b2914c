"""Levels that come and go: bursts of slow runs and series that flip between two modes have no steps.

An excursion is a segment whose neighbours are on the same level. A short one is a burst; one whose level is
visited again and again is a mode. Their boundaries are dropped, and what remains is judged again with
their spread counted as noise.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from regress.detect.noise import Floats

SHORT = 8
"""An excursion of fewer points is a burst. Where this is wrong, the change was undone within days."""

VISITS = 3
"""Excursions to one level that make it a mode."""

ALIKE = 0.5
"""Levels are the same if they differ by less than this part of the excursion's height."""


@dataclass(frozen=True, slots=True)
class _Excursion:
    segment: int
    level: float
    height: float
    length: int


def without_excursions(clipped: Floats, boundaries: list[int]) -> list[int]:
    """The boundaries that are left when bursts and modes are dropped, the shortest excursion first."""
    while found := _to_drop(_excursions(clipped, boundaries)):
        boundaries = boundaries[: found.segment - 1] + boundaries[found.segment + 1 :]
    return boundaries


def _excursions(clipped: Floats, boundaries: list[int]) -> list[_Excursion]:
    edges = [0, *boundaries, clipped.size]
    levels = [float(np.median(clipped[a:b])) for a, b in itertools.pairwise(edges)]
    found = []
    for i in range(1, len(levels) - 1):
        rise, fall = levels[i] - levels[i - 1], levels[i] - levels[i + 1]
        back = abs(rise - fall) < ALIKE * min(abs(rise), abs(fall))
        if rise * fall > 0 and back:
            height = (abs(rise) + abs(fall)) / 2
            found.append(_Excursion(i, levels[i], height, edges[i + 1] - edges[i]))
    return found


def _to_drop(excursions: list[_Excursion]) -> _Excursion | None:
    """The shortest burst; without bursts, the shortest visit to the first mode."""
    bursts = [e for e in excursions if e.length < SHORT]
    if bursts:
        return min(bursts, key=lambda e: e.length)
    for one in excursions:
        visits = [e for e in excursions if abs(e.level - one.level) < ALIKE * one.height]
        if len(visits) >= VISITS:
            return min(visits, key=lambda e: e.length)
    return None
