"""Drift is no staircase: steps in one direction that a parabola explains better are dropped.

A series that climbs all the time can be cut into as many levels as its noise allows, and where they are cut
means nothing. A parabola is a slope and how it changes: three numbers, fewer than so many levels are.
``drift`` keeps the account of such series.
"""

from __future__ import annotations

import itertools

import numpy as np

from regress.detect.noise import Edges, Floats, gaps

STAIRS = 3
"""Steps in one direction from which they may be a slope: one or two say where something happened."""


def without_slopes(values: Floats, sums: Floats, edges: Edges) -> Edges:
    """The edges without staircases that a parabola fits better (by least squares) than their levels do.

    ``sums`` are cumulative sums of ``values``, from 0.
    """
    sizes = gaps(edges)
    levels = gaps(sums[edges]) / sizes
    keep = np.ones(edges.size, dtype=np.bool_)
    up = gaps(levels) > 0
    turns = np.flatnonzero(up[1:] != up[:-1]) + 1
    for first, last in itertools.pairwise([0, *turns.tolist(), edges.size - 2]):
        if last - first >= STAIRS:
            inside = slice(first, last + 1)
            stairs = values[edges[first] : edges[last + 1]]
            flat = stairs - np.repeat(levels[inside], sizes[inside])
            keep[first + 1 : last + 1] = _misfit(stairs) >= float(flat @ flat)
    return edges[keep]


def _misfit(values: Floats) -> float:
    """What is left of the squares when the best parabola is taken out."""
    places = np.linspace(-1.0, 1.0, values.size)
    bow = places * places
    bow -= bow.mean()  # at right angles to the other two, for the places lie symmetrically
    left = values - values.mean()
    for shape in (places, bow):
        left = left - shape * (float(shape @ left) / float(shape @ shape))
    return float(left @ left)
