"""A level that is young must be beyond what the series did before without a change.

Only the last segment can be a burst that is still going on. Seen commit by commit, every burst is last for a
while; without this rule each would raise an alarm.
"""

from __future__ import annotations

import itertools

import numpy as np

from regress.detect.noise import Edges, Floats, median, windows

YOUNG = 12
"""Points after which a level is no longer young: bursts and visits to a mode rarely last longer."""

TOGETHER = 3
"""Points in a row whose median is a stray: fewer are spikes, which the median does not see."""

BEYOND = 1.1
"""A young step must be this much higher than the highest stray: a burst is never twice exactly as high."""

MEMORY = 1000
"""Points before the last level that are looked at for strays."""


def without_youth(level: Floats, edges: Edges) -> Edges:
    """The edges without the last ones, while what they start is young and no higher than strays before it."""
    while edges.size > 2:
        start, boundary, end = edges[-3:].tolist()
        if end - boundary >= YOUNG:
            break
        step = abs(median(level[boundary:end]) - median(level[start:boundary]))
        if step > BEYOND * _highest_stray(level, edges[:-1]):
            break
        edges = np.delete(edges, -2)
    return edges


def _highest_stray(level: Floats, edges: Edges) -> float:
    """How far a few points together have been from the level of their segment."""
    highest = 0.0
    for start, end in itertools.pairwise(edges[edges >= edges[-1] - MEMORY].tolist()):
        segment = level[start:end]
        if segment.size >= TOGETHER:
            together = windows(segment, TOGETHER)
            together.sort(axis=1)
            highest = max(highest, float(np.abs(together[:, TOGETHER // 2] - median(segment)).max()))
    return highest
