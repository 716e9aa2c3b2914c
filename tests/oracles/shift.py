"""The evidence for a shift's place, the slow way: densities of all values at once, summed over noises."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from regress.bisect.posterior import MOODS, NOISE_SHAPE, WIDTHS

VAGUE = 100.0
"""Width of the baseline's prior, in noise widths."""


def log_evidence(
    place: int,
    places: NDArray[np.int64],
    values: NDArray[np.float64],
    today: NDArray[np.bool_],
    noise: float,
) -> float:
    """Log of the marginal likelihood of a step at ``place``, up to what all places share; without drift."""
    y, after = values - np.median(values), (places >= place).astype(float)
    steady = [mood for mood in MOODS if not mood.drift]
    total = 0.0
    for sigma in noise * np.geomspace(0.1, 20, 600):
        # Inverse gamma of the variance, per logarithm of sigma.
        prior = sigma ** (-2 * NOISE_SHAPE) * np.exp(-NOISE_SHAPE * noise**2 / sigma**2)
        for width, mood in itertools.product(WIDTHS, steady):
            covariance = np.diag(np.where(today, 1.0, mood.history**2)) + VAGUE**2
            covariance += mood.offset**2 * np.outer(today, today) + width**2 * np.outer(after, after)
            square = y @ np.linalg.solve(covariance, y) / sigma**2
            density = np.exp(-square / 2) / np.sqrt(np.linalg.det(covariance)) / sigma ** len(y)
            total += float(mood.chance * prior * density)
    return float(np.log(total))
