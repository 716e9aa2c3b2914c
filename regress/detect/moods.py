"""A machine's moods: brief levels to which the series also comes for a few points at a time elsewhere.

``excursions`` sees modes whose visits were found as levels. Most visits are too short for that; the points
themselves tell of them. Seen commit by commit, a visit that lasts longer than others would raise two alarms.
"""

from __future__ import annotations

import itertools

import numpy as np

from regress.detect.excursions import ALIKE, FAR, SAME, TALL
from regress.detect.noise import Edges, Floats, middle

BRIEF = 25
"""A level of fewer points may be a visit to a mode."""

STAY = 3
"""Points in a row that make a visit: fewer are spikes."""

OTHERS = 2
"""Other visits that make a mode of a level; one may be a change that was undone."""

AGAIN = 0.15
"""Two levels visited twice each are as alike as this part of their distance; real ones are by chance only."""


def without_moods(level: Floats, edges: Edges, sigma: float) -> Edges:
    """The edges without brief levels that are visits to a mode.

    The first or last level is one if the next but one was such a visit: there is no saying how long it lasts.
    """
    i = 1
    while i < edges.size - 2:
        if _is_mood(level, edges, i, sigma):
            edges, i = np.delete(edges, [i, i + 1]), max(1, i - 2)
        else:
            i += 1
    if edges.size > 4 and _is_visit_again(level, edges, sigma):
        edges = np.delete(edges, [-4, -3, -2])
    if edges.size > 4 and _is_visit_again(level[::-1], level.size - edges[::-1], sigma):
        edges = np.delete(edges, [1, 2, 3])
    return edges


def _is_mood(level: Floats, edges: Edges, i: int, sigma: float) -> bool:
    """Whether the ``i``-th level goes away from its neighbours' to one that they visit, too."""
    if edges[i + 1] - edges[i] >= BRIEF:
        return False
    start, end = int(edges[i]), int(edges[i + 1])
    before, after = level[max(edges[i - 1], start - FAR) : start], level[end : min(edges[i + 2], end + FAR)]
    there = middle(level[start:end])
    rise, fall = there - middle(before), there - middle(after)
    height = min(abs(rise), abs(fall))
    if height <= TALL * sigma or abs(rise - fall) >= ALIKE * height:
        return False
    near = SAME * height
    return _visits(before, there, near) + _visits(after, there, near) >= OTHERS


def _is_visit_again(level: Floats, edges: Edges, sigma: float) -> bool:
    """Whether the last levels are up, down, and up again for a while."""
    before, first, between, last = (level[a:b] for a, b in itertools.pairwise(edges[-5:].tolist()))
    if max(first.size, last.size) >= BRIEF:
        return False
    base, here = middle(between), middle(last)
    height = abs(here - base)
    apart = max(abs(here - middle(first)), abs(middle(before) - base))
    return height > TALL * sigma and apart < AGAIN * height


def _visits(level: Floats, other: float, near: float) -> int:
    """How often a stretch stays at another level for some points in a row."""
    at = np.concatenate([[False], np.abs(level - other) < near, [False]])
    turns = np.flatnonzero(at[1:] != at[:-1])
    return int(np.count_nonzero(turns[1::2] - turns[::2] >= STAY))
