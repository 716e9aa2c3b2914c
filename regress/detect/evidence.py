"""How sure steps between segments are: t tests on clipped values, from cumulative sums, all at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from regress.detect.noise import Edges, Floats

PRIOR = 4.0
"""Degrees of freedom that the whole series' variance lends to each segment's own, which may be short."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps at boundaries: sizes on the signal's scale, standard errors, and z (how sure each is)."""

    size: Floats
    error: Floats
    z: Floats


class Evidence:
    """Tests boundaries of one signal, by its cumulative ``sums`` and sums of ``squares`` from 0."""

    def __init__(self, sums: Floats, squares: Floats) -> None:
        # Counts, sums, squares: taken apart by one indexing, in half the time.
        self._running = np.array([np.arange(sums.size), sums, squares])

    def weigh(self, variance: float, correlation: float, free: int) -> None:
        """Set the noise: variance, what correlation does to it (see ``noise``), degrees of freedom."""
        self.variance = variance
        self.correlation = correlation
        self._free = max(1, free)

    def inflation(self, n: Floats) -> Floats:
        """By how much correlation inflates the variance of a mean of ``n`` points."""
        inflated: Floats = self.correlation - (self.correlation - 1) / n
        return inflated

    def steps(self, edges: Edges) -> Steps:
        """Compare the neighbours among the segments between ``edges`` (0 and the length among them)."""
        running = self._running[:, edges]
        n, total, power = running[:, 1:] - running[:, :-1]
        means = total / n
        spread = np.maximum(0.0, power - total * means)
        free = n + (PRIOR - 1)
        errors = (spread + PRIOR * self.variance) / (free * n) * self.inflation(n)
        squared = errors[:-1] + errors[1:]
        own = errors * errors / free
        free = np.minimum(squared * squared / (own[:-1] + own[1:]), self._free)  # Welch and Satterthwaite
        size = means[1:] - means[:-1]
        return Steps(size, np.sqrt(squared), _normal(size * size / squared, free))


def _normal(squared: Floats, free: Floats) -> Floats:
    """A normal's z with the tail of t, by its square (Wallace, "Bounds on normal approximations", 1959)."""
    z: Floats = (8 * free + 1) / (8 * free + 3) * np.sqrt(free * np.log1p(squared / free))
    return z


def z_of(p: float) -> float:
    """The z whose two tails together have probability ``p``."""
    low, high = 0.0, 40.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if p_of(middle) > p else (low, middle)
    return low


def p_of(z: float) -> float:
    """The probability of both tails beyond ``z``."""
    return math.erfc(z / math.sqrt(2))
