"""How sure a step between two segments is: a t test on clipped values, from cumulative sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regress.detect.noise import Floats

PRIOR = 4.0
"""Degrees of freedom that the whole series' variance lends to each segment's own, which may be short."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step at a boundary: its size on the signal's scale, standard error, and z (how sure it is)."""

    size: float
    error: float
    z: float


class Evidence:
    """Tests boundaries of one signal. ``variance`` is of the residuals, ``inflate`` for their correlation."""

    def __init__(self, clipped: Floats, variance: float, inflate: Callable[[int], float], free: int) -> None:
        self._sums = np.concatenate([[0.0], np.cumsum(clipped)]).tolist()
        self._squares = np.concatenate([[0.0], np.cumsum(clipped * clipped)]).tolist()
        self._variance = variance
        self._inflate = inflate
        self._free = max(1, free)  # degrees of freedom of ``variance``

    def step(self, start: int, boundary: int, end: int) -> Step:
        """Compare [start, boundary) with [boundary, end)."""
        mean1, error1 = self._mean(start, boundary)
        mean2, error2 = self._mean(boundary, end)
        squared = error1 + error2
        own = error1**2 / (boundary - start - 1 + PRIOR) + error2**2 / (end - boundary - 1 + PRIOR)
        free = min(squared**2 / own, self._free)  # Welch and Satterthwaite
        return Step(mean2 - mean1, math.sqrt(squared), _normal((mean2 - mean1) / math.sqrt(squared), free))

    def _mean(self, start: int, end: int) -> tuple[float, float]:
        """A segment's mean and the square of its standard error."""
        n = end - start
        mean = (self._sums[end] - self._sums[start]) / n
        spread = max(0.0, self._squares[end] - self._squares[start] - n * mean * mean)
        variance = (spread + PRIOR * self._variance) / (n - 1 + PRIOR)
        return mean, variance * self._inflate(n) / n


def _normal(t: float, free: float) -> float:
    """A normal distribution's z with the tail of ``t`` (Wallace, "Bounds on normal approximations", 1959)."""
    return (8 * free + 1) / (8 * free + 3) * math.sqrt(free * math.log1p(t * t / free))


def z_of(p: float) -> float:
    """The z whose two tails together have probability ``p``."""
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if p_of(middle) > p else (low, middle)
    return low


def p_of(z: float) -> float:
    """The probability of both tails beyond ``z``."""
    return math.erfc(z / math.sqrt(2))
