"""What was measured of one series, as the posterior takes it: logarithms, what lies far out pulled in, and
history put into one row a commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

FAR_OUT = 3.5
"""Measurements farther than this many noise widths from their level are pulled in to it."""

_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation is this many median absolute deviations."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The measurements of one series: commit (place), value, and turn.

    ``turns`` counts the measurements of this search from 1; 0 is history, what was known before. ``noise`` is
    the prior guess of the noise of one value, on the scale of ``logarithms``. ``worth``: for how many
    independent measurements each counts.
    """

    places: Places
    values: Floats
    turns: Places
    noise: float
    worth: Floats


def logarithms(values: Floats) -> Floats:
    """Values on a scale where equal ratios are equal distances; linear where some are not positive."""
    if (values > 0).all():
        return np.log(values)
    scale = float(np.median(np.abs(values))) or float(np.abs(values).max()) or 1.0
    return values / scale


@dataclass(frozen=True, slots=True)
class Rows:
    """Evidence with history put into one row a commit: mean, weight, and in ``inner`` the squares within all
    rows. ``count``: independent measurements. Values are counted from their median.
    """

    places: Places
    y: Floats
    turns: Places
    weights: Floats
    inner: float
    count: float
    noise: float

    @classmethod
    def of(cls, known: Evidence) -> Rows:
        """The rows that evidence comes to."""
        free, values = known.turns == 0, known.values
        if len(values):
            values = values - np.median(values)
        places, which = np.unique(known.places[free], return_inverse=True)
        worth = known.worth[free]
        weights = np.bincount(which, weights=worth, minlength=len(places))
        means = np.bincount(which, weights=worth * values[free], minlength=len(places)) / weights
        within = float((worth * (values[free] - means[which]) ** 2).sum())
        return cls(
            np.concatenate((places, known.places[~free])),
            np.concatenate((means, values[~free])),
            np.concatenate((np.zeros_like(places), known.turns[~free])),
            np.concatenate((weights, known.worth[~free])),
            within,
            float(known.worth.sum()),
            known.noise,
        )


def pulled_in(known: Evidence, steps: Sequence[int], likeliest: int) -> Evidence:
    """The evidence with values far from the steps' levels moved closer; itself, if none is far.

    Levels are medians between the steps, the ``likeliest`` one among them, of history and of today.
    """
    if len(known.values) < 4:
        return known
    side = np.searchsorted(np.array(sorted((*steps, likeliest))), known.places, side="right")
    side = 2 * side + (known.turns > 0)
    level = np.zeros_like(known.values)
    for part in np.unique(side):
        level[side == part] = np.median(known.values[side == part])
    residual = known.values - level
    reach = FAR_OUT * max(_TO_SIGMA * float(np.median(np.abs(residual))), known.noise)
    if float(np.abs(residual).max()) <= reach:
        return known
    return replace(known, values=level + np.clip(residual, -reach, reach))
