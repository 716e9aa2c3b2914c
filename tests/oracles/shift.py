"""The evidence for a shift's place, the slow way: densities of all values at once, summed over noises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regress.bisect.posterior import NOISE_SHAPE, WIDTHS

VAGUE = 100.0
"""Width of the baseline's prior, in noise widths."""


def log_evidence(place: int, places: NDArray[np.int64], values: NDArray[np.float64], noise: float) -> float:
    """Log of the marginal likelihood of a step at ``place``, up to what all places share."""
    y, after = values - np.median(values), (places >= place).astype(float)
    total = 0.0
    for sigma in noise * np.geomspace(0.1, 20, 600):
        # Inverse gamma of the variance, per logarithm of sigma.
        prior = sigma ** (-2 * NOISE_SHAPE) * np.exp(-NOISE_SHAPE * noise**2 / sigma**2)
        for width in WIDTHS:
            covariance = np.eye(len(y)) + VAGUE**2 + width**2 * np.outer(after, after)
            square = y @ np.linalg.solve(covariance, y) / sigma**2
            density = np.exp(-square / 2) / np.sqrt(np.linalg.det(covariance)) / sigma ** len(y)
            total += float(prior * density)
    return float(np.log(total))
