"""What a measurement would tell: the mutual information of "before or after the step?" and a noisy value."""

from __future__ import annotations

from functools import cache

import numpy as np

from regress.bisect.evidence import Floats
from regress.bisect.posterior import Fit

_STRENGTHS = np.concatenate(([0.0], np.geomspace(1e-2, 1e2, 41)))
"""Squared shifts in noise widths at which the information is tabulated; beyond, a value tells all."""

_CHANCES = np.linspace(0.0, 1.0, 65)


def told(fit: Fit, places: Floats, repeats: int) -> Floats:
    """Nats about the step's place that the mean of some measurements is expected to tell, by commit.

    What is told of "before or after?" (two levels, a binary question), and what is told within each answer,
    where the levels themselves are not known well and differ from place to place (Gaussian).
    """
    size = len(places) - 1
    result = np.zeros(size)
    for start, end in zip((0, *sorted(fit.known)), (*sorted(fit.known), size), strict=True):
        if start < end:
            result[start:end] = _told(fit, places, repeats, start)[start:end]
    return result


def _told(fit: Fit, places: Floats, repeats: int, index: int) -> Floats:
    """``told`` for all commits that known steps leave at the same level as ``index``."""
    sides = []
    for after in (True, False):
        mean, unsure = fit.predicted(index, after)
        spread = unsure + fit.noise**2 / repeats
        rows = places * np.stack([np.ones_like(mean), mean, mean**2 + spread, np.log(spread)])
        below = rows.cumsum(axis=1)[:, :-1]
        sides.append(below if after else rows.sum(axis=1, keepdims=True) - below)
    (chance, high, _, _), (rest, low, _, _) = sides
    chance, rest = np.maximum(chance, 1e-12), np.maximum(rest, 1e-12)
    _, _, squares, widths = sides[0] + sides[1]
    within = np.maximum(squares - high**2 / chance - low**2 / rest, 1e-300)
    apart = (high / chance - low / rest) ** 2 / within
    levels: Floats = np.maximum(0.5 * (np.log(within) - widths), 0.0)
    return information(chance, apart) + levels


def information(chance: Floats, strength: Floats | float) -> Floats:
    """Nats that a value tells of a yes or no with ``chance``, which shifts it by sqrt(``strength``) widths.

    Interpolated in a table: 2 per cent off at worst, where nothing is decided by it.
    """
    table = _table()
    column = np.interp(strength, _STRENGTHS, np.arange(len(_STRENGTHS)))
    low = np.floor(column).astype(np.intp)
    high = np.minimum(low + 1, len(_STRENGTHS) - 1)
    row = np.clip(chance, 0.0, 1.0) * (len(_CHANCES) - 1)
    up = np.floor(row).astype(np.intp)
    down = np.minimum(up + 1, len(_CHANCES) - 1)
    across, along = column - low, row - up
    upper = table[up, low] * (1 - across) + table[up, high] * across
    lower = table[down, low] * (1 - across) + table[down, high] * across
    told: Floats = upper * (1 - along) + lower * along
    return told


@cache
def _table() -> Floats:
    """The information for every chance and strength, integrated over the value on a fine grid."""
    grid = np.linspace(-8.0, 18.0, 521)
    step = grid[1] - grid[0]
    quiet = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    shifted = np.exp(-((grid - np.sqrt(_STRENGTHS)[:, None]) ** 2) / 2) / np.sqrt(2 * np.pi)
    chance = _CHANCES[:, None, None]
    mixed = (1 - chance) * quiet + chance * shifted
    entropy = -(mixed * np.log(np.maximum(mixed, 1e-300))).sum(axis=2) * step
    told: Floats = np.maximum(entropy - 0.5 * np.log(2 * np.pi * np.e), 0.0)
    return told
