"""What a series looks like to a detector: steps are ratios, spikes are clipped, noise is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Edges = NDArray[np.intp]
"""Where segments meet: 0, the boundaries (each the first index of a segment), the length."""

Numbers = TypeVar("Numbers", Edges, Floats)

CLIP = 3.0
"""Values further than this many sigma from the running median are pulled in: spikes must not make steps."""

WINDOW = 11
"""Points of the running median; half of it is the longest burst of spikes that it sees through."""

EXACT = 1e-9
"""The least sigma, relative: a series without noise (a counter) has this, and every step in it is sure."""

BLOCK = 8
"""Values that tell a variance of their own: few, so that hardly a block holds a step."""

_FEWEST_BLOCKS = 3
_QUIETEST = 0.01  # of the median variance: blocks of a coarse clock may hold next to no noise
_LOG_BIAS = -0.14961  # of the logarithm of a variance with 7 degrees of freedom: digamma(3.5) - log(3.5)
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_LAGS = 5
_FEWEST_CORRELATED = 8  # values whose correlation is looked at
_MOST_CORRELATED = 0.8  # of neighbours: beyond, only differences would tell a step
_HUGE = 1e60  # levels beyond are cut, so that sums of their fourth powers stay finite


@dataclass(frozen=True, slots=True)
class Signal:
    """A series made ready. ``kept`` are the indices of its finite values, ``values`` those values.

    ``level`` is their logarithm (minus its median) when all are positive, otherwise the values relative to
    their typical size; ``clipped`` is that with spikes pulled in; ``sigma`` the spread between neighbours.
    """

    kept: NDArray[np.intp]
    values: Floats
    level: Floats
    clipped: Floats
    sigma: float
    logarithmic: bool

    @property
    def exact(self) -> bool:
        """Whether the series is free of noise."""
        return self.sigma <= EXACT

    @property
    def floor(self) -> float:
        """The relative spread between neighbours: 0.01 is 1 %. Zero for an exact counter."""
        return 0.0 if self.exact else self.sigma


def prepare(values: Floats) -> Signal:
    """Make a series ready; NaN and infinities are left out."""
    kept = np.flatnonzero(np.isfinite(values))
    finite = values[kept]
    logarithmic = bool(finite.size and (finite > 0).all())
    if logarithmic:
        level = np.log(finite)
    else:
        with np.errstate(over="ignore"):  # sizes may be as far apart as floats can be
            level = np.clip(finite / typical_size(finite), -_HUGE, _HUGE)
    return _made(kept, finite, level, logarithmic)


def shifted(signal: Signal, level: Floats) -> Signal:
    """A logarithmic signal whose points have moved to another ``level``, and their values with them."""
    with np.errstate(over="ignore"):
        values = np.minimum(signal.values * np.exp(level - signal.level), np.finfo(np.float64).max)
    return _made(signal.kept, values, level, logarithmic=True)


def _made(kept: NDArray[np.intp], values: Floats, level: Floats, logarithmic: bool) -> Signal:
    level = level - median(level) if level.size else level
    smooth = rolling_median(level, min(WINDOW, 2 * (level.size // 4) + 1))
    sigma = max(neighbour_sigma(level), EXACT)
    if sigma > EXACT:
        sigma = max(sigma, mad(level - smooth))
    clipped = np.clip(level, smooth - CLIP * sigma, smooth + CLIP * sigma) if sigma > EXACT else level
    return Signal(kept, values, level, clipped, sigma, logarithmic)


def typical_size(values: Floats) -> float:
    """The median size of the values that are not zero; 1 where there are none."""
    sizes = np.abs(values[values != 0])
    return middle(sizes) if sizes.size else 1.0


def noise_floor(values: Floats) -> float:
    """See ``Signal.floor``."""
    return prepare(values).floor


def middle(values: Floats) -> float:
    """The (upper) median of a few finite values; several times faster than numpy's for these."""
    half = values.size // 2
    parted = values.copy()
    parted.partition(half)
    return float(parted[half])


def median(values: Floats) -> float:
    """The median of finite values as large as floats can be: the sum of two of them may not be finite."""
    half = values.size // 2
    if values.size % 2:
        return middle(values)
    parted = values.copy()
    parted.partition(half)
    return float(parted[:half].max() / 2 + parted[half] / 2)


def mad(residuals: Floats) -> float:
    """The median absolute residual, scaled to be the sigma of normal noise."""
    return _MAD_TO_SIGMA * middle(np.abs(residuals)) if residuals.size else 0.0


def neighbour_sigma(level: Floats) -> float:
    """Noise from the differences of neighbours, which steps hardly touch.

    Where all but one in ten are zero, the others are steps and the noise is zero; where more than half are
    (a coarse clock), it is their clipped mean.
    """
    steps = np.abs(gaps(level))
    moved = int(np.count_nonzero(steps))
    if moved < steps.size and moved <= max(1, level.size // 10):
        return 0.0
    sigma = mad(steps) / math.sqrt(2)
    if sigma > 0 or moved == 0:
        return sigma
    return float(np.mean(np.minimum(steps, np.quantile(steps, 0.9)))) * math.sqrt(math.pi) / 2


def rolling_median(level: Floats, width: int) -> Floats:
    """The median of ``width`` (odd) neighbours; at the ends, of those that are there to fill half of it."""
    half = width // 2
    if half == 0 or level.size <= half:
        return level.copy()
    start, end = median(level[: half + 1]), median(level[-half - 1 :])
    padded = np.concatenate([np.full(half, start), level, np.full(half, end)])
    near = windows(padded, width)
    near.partition(half, axis=1)
    return near[:, half]


def windows(values: Floats, width: int) -> Floats:
    """A copy of each ``width`` neighbours, a row each; numpy's own way to it checks for ten times as long."""
    values = np.ascontiguousarray(values)
    step = values.itemsize
    return np.ndarray((values.size - width + 1, width), np.float64, values, strides=(step, step)).copy()


def gaps(values: Numbers) -> Numbers:
    """The differences of neighbours: ``numpy.diff``, whose checks take longer than a few values do."""
    differences: Numbers = values[1:] - values[:-1]
    return differences


def typical_variance(residuals: Floats, pooled: float) -> float:
    """The variance that most of a series has: between that of all residuals (``pooled``) and of most blocks.

    A noisy stretch, or a step that is not found yet, makes up most of the pooled variance and would hide the
    steps of the quiet rest; the mean logarithm of the blocks' own variances hardly sees either, but takes a
    quiet stretch for all of the series. The geometric mean of both stands between.
    """
    blocks = residuals[: residuals.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    away = blocks - np.add.reduce(blocks, axis=1, keepdims=True) / BLOCK
    own = np.add.reduce(away * away, axis=1) / (BLOCK - 1)  # as var does, which looks at more than this
    own = own[own > 0]
    if own.size < _FEWEST_BLOCKS:
        return pooled
    logarithms = np.log(np.maximum(own, _QUIETEST * middle(own)))
    return math.sqrt(pooled * math.exp(float(np.add.reduce(logarithms)) / own.size - _LOG_BIAS))


def correlation_factor(residuals: Floats, levels: int = 1) -> float:
    """By how much correlation between neighbours inflates the variance of the mean of many of them.

    Both an AR(1) reading of the first lag and the sum of the significant lags are taken; the larger counts.
    What is left when ``levels`` means are taken out of n values looks less correlated than it was, by about
    levels / n at each lag (Marriott and Pope, "Bias in the estimation of autocorrelations", 1954), which is
    given back: short series of correlated noise would pass for steps otherwise.
    """
    n = residuals.size
    power = float(np.add.reduce(residuals * residuals)) / n if n else 0.0
    if n < _FEWEST_CORRELATED or power <= EXACT**2:
        return 1.0
    noticeable = 2 / math.sqrt(n)
    first = _correlation(residuals, 1) / power
    given_back = min(_MOST_CORRELATED, max(0.0, first + levels / n))
    total, lag, correlation = 0.0, 1, first
    while correlation >= noticeable:
        total += correlation
        lag += 1
        if lag >= min(_LAGS + 1, n // 4):
            break
        correlation = _correlation(residuals, lag) / power
    return max((1 + given_back) / (1 - given_back), 1 + 2 * total)


def _correlation(residuals: Floats, lag: int) -> float:
    return float(np.add.reduce(residuals[lag:] * residuals[:-lag])) / (residuals.size - lag)
