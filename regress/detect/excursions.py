"""Levels that come and go: bursts of slow runs and series that flip between two modes have no steps.

An excursion is a segment whose neighbours are on the same level. A short one is a burst; one whose level is
visited again is a mode. Where both sides of a boundary visit each other's level, only the mixture of two
modes has changed. Such boundaries are dropped, and what remains is judged again with their spread as noise.
"""

from __future__ import annotations

import numpy as np

from regress.detect.noise import Edges, Floats, gaps, middle

SHORT = 8
"""An excursion of fewer points is a burst. Where this is wrong, the change was undone within days."""

PASSING = 4
"""Fewer points than this between two steps up (or down) are a passage."""

VISITS = 2
"""Visits to one level that make it a mode."""

ALIKE = 0.35
"""Levels to either side are the same if they differ by less than this part of the excursion's height."""

SAME = 0.25
"""A level is visited by what differs from it by less than this part of the height."""

TALL = 4.0
"""Modes further apart than this many sigma can be told apart point by point; nearer ones overlap."""

FAR = 100
"""Points to either side that are looked at for visits."""


def without_excursions(sums: Floats, edges: Edges) -> Edges:
    """The edges that are left when bursts and modes are dropped, the shortest excursion first.

    ``sums`` are cumulative, from 0.
    """
    while edges.size > 3:
        lengths = gaps(edges)
        levels = gaps(sums[edges]) / lengths
        rise, fall = levels[1:-1] - levels[:-2], levels[1:-1] - levels[2:]
        lower = np.minimum(np.abs(rise), np.abs(fall))
        which = np.flatnonzero((rise * fall > 0) & (np.abs(rise - fall) < ALIKE * lower)) + 1
        if not which.size:
            break
        heights = (np.abs(rise) + np.abs(fall))[which - 1] / 2
        drop = _to_drop(levels[which], heights, lengths[which])
        if not drop.size:
            break
        edges = np.delete(edges, np.concatenate([which[drop], which[drop] + 1]))
    return edges


def _to_drop(levels: Floats, heights: Floats, lengths: Edges) -> Edges:
    """The shortest burst; without bursts, all visits to the first mode."""
    if lengths.size and lengths.min() < SHORT:
        return np.array([lengths.argmin()])
    for level, height in zip(levels.tolist(), heights.tolist(), strict=True):
        same = np.abs(levels - level) < SAME * height
        alike = np.abs(heights - height) < 2 * SAME * height  # a ripple upon that level is no visit to it
        visits = np.flatnonzero(same & alike)
        if visits.size >= VISITS:
            return visits
    return np.empty(0, dtype=np.intp)


def without_passages(sums: Floats, edges: Edges) -> Edges:
    """The edges that are left when a few points on the way from one level to the next are no level.

    Of the two steps, the smaller is dropped; ``sums`` are cumulative, from 0.
    """
    while edges.size > 3:
        lengths = gaps(edges)
        steps = gaps(gaps(sums[edges]) / lengths)
        which = np.flatnonzero((lengths[1:-1] < PASSING) & (steps[1:] * steps[:-1] > 0))
        if not which.size:
            break
        first = int(which[lengths[which + 1].argmin()])
        smaller = first if abs(steps[first]) < abs(steps[first + 1]) else first + 1
        edges = np.delete(edges, smaller + 1)
    return edges


def without_mixtures(level: Floats, edges: Edges, sigma: float) -> Edges:
    """The edges that are left when those are dropped across which only the mixture of two modes changes.

    ``level`` holds the points as they were measured: clipped ones would all be near each other.
    """
    places, keep = edges.tolist(), np.ones(edges.size, dtype=np.bool_)
    for i in range(1, len(places) - 1):
        boundary = places[i]
        left = level[max(places[i - 1], boundary - FAR) : boundary]
        right = level[boundary : min(places[i + 1], boundary + FAR)]
        before, after = middle(left), middle(right)
        height = abs(after - before)
        if height > TALL * sigma:
            keep[i] = min(_visits(left, after, height), _visits(right, before, height)) < VISITS
    kept: Edges = edges[keep]
    return kept


def _visits(level: Floats, other: float, height: float) -> int:
    """How often a stretch comes to another level."""
    near = np.abs(level - other) < SAME * height
    return int(near[0]) + int(np.count_nonzero(near[1:] & ~near[:-1]))
