"""How sure steps between segments are: t tests on clipped values, from cumulative sums, all at once."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from regress.detect.noise import Edges, Floats

Lengths = TypeVar("Lengths", float, Floats)

PRIOR = 4.0
"""Degrees of freedom that the whole series' variance lends to each segment's own, which may be short."""

# As arrays: numpy makes one of a Python number at each call, in the time that a hundred values take.
_NONE, _ONE, _THREE, _EIGHT = (np.array(number) for number in (0.0, 1.0, 3.0, 8.0))


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps at boundaries: sizes on the signal's scale, variances of these, and z (how sure each is)."""

    size: Floats
    variance: Floats
    z: Floats


class Evidence:
    """Tests boundaries among ``values``, of which ``counts`` and ``sums`` are cumulative, from 0."""

    def __init__(self, values: Floats) -> None:
        self._running = np.zeros((3, values.size + 1))  # one array: taken apart by one indexing
        self.counts, self.sums, squares = self._running
        self.counts[:] = np.arange(values.size + 1)
        np.cumsum(values, out=self.sums[1:])
        np.cumsum(values * values, out=squares[1:])
        self._asked: Edges | None = None  # the edges that were compared last

    def weigh(self, variance: float, correlation: float, free: int) -> None:
        """Set the noise: variance, what correlation does to it (see ``noise``), degrees of freedom."""
        self.variance = variance
        self.correlation = correlation
        self._lent, self._lent_free = np.array(PRIOR * variance), np.array(PRIOR - 1)
        self._most_free = np.array(max(1.0, free))
        self._asked = None

    def inflation(self, n: Lengths) -> Lengths:
        """By how much correlation inflates the variance of a mean of ``n`` points."""
        return self.correlation - (self.correlation - 1) / n

    def steps(self, edges: Edges) -> Steps:
        """Compare the neighbours among the segments between ``edges`` (0 and the length among them).

        The newest answer is remembered: what has settled is asked for again, to be told.
        """
        if edges is not self._asked:
            self._asked, self._answer = edges, self._compared(edges)
        return self._answer

    def _compared(self, edges: Edges) -> Steps:
        running = self._running.take(edges, axis=1)
        n, total, power = running[:, 1:] - running[:, :-1]
        means = total / n
        spread = np.maximum(power - total * means, _NONE)
        free = n + self._lent_free
        errors = (spread + self._lent) / (free * n)
        if self.correlation != 1:
            errors *= self.inflation(n)
        squared = errors[:-1] + errors[1:]
        own = errors * errors / free
        free = np.minimum(
            squared * squared / (own[:-1] + own[1:]), self._most_free
        )  # Welch and Satterthwaite
        size = means[1:] - means[:-1]
        return Steps(size, squared, _normal(size * size / squared, free))


def _normal(squared: Floats, free: Floats) -> Floats:
    """A normal's z with the tail of t, by its square (Wallace, "Bounds on normal approximations", 1959)."""
    eightfold = _EIGHT * free
    z: Floats = (eightfold + _ONE) / (eightfold + _THREE) * np.sqrt(free * np.log1p(squared / free))
    return z


@functools.lru_cache(4096)
def z_of(p: float) -> float:
    """The z whose two tails together have probability ``p``; remembered, for lengths of series repeat."""
    low, high = 0.0, 40.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if p_of(middle) > p else (low, middle)
    return low


def p_of(z: float) -> float:
    """The probability of both tails beyond ``z``."""
    return math.erfc(z / math.sqrt(2))
