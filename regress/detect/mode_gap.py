"""How far apart two modes are, told by the differences of neighbours: steps are few, changes of mode many.

A series that rides between two modes differs from point to point by noise alone, or by the gap and noise. So
the sizes of its differences have two humps, whatever steps it has beside. ``mode_gap`` first compares their
histogram with those of many gaps and of noise with one mode, which is quick and enough for nearly all series;
then fits noise, gap, and the share of changes by expectation and maximisation.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np

from regress.detect.noise import EXACT, Floats, gaps, middle

LEAST = 3.0
"""Sigma between two modes, at least: points of nearer ones could be in either."""

_HEIGHTS = (4.0, 5.0, 6.3, 8.0, 10.0, 12.5, 16.0, 20.0, 25.0)  # sigma between the modes that are looked for
_SHARES = (0.03, 0.06, 0.12, 0.25, 0.5)  # of neighbours in different modes
_FREEDOM = (1.0, 2.0, 3.0, 5.0, 10.0)  # of Student's t: tails of noise with one mode
_POWERS = (1.0, 1.25, 1.5, 2.0)  # of sizes in the logarithm of other noise's density: Laplace's to normal
_TIPS = (1.0, 4.0, 16.0)  # how round Laplace's tip is made, squared: skewed noise beside normal
_SPIKES = tuple(itertools.product((0.03, 0.1, 0.3), (4.0, 12.0)))  # in normal noise: their share, their sigma
_FINE = 4  # bins of a histogram to a median difference
_BINS = 128  # the last takes all that is larger
_STRAY = 0.02  # share of differences that fit nowhere, in each histogram
_LEAST_STRAY = 1e-6
_ADVANTAGE = 1.0  # of the best histogram of two modes, in log-likelihood: less is not worth a fit
_ROUNDS = 15  # of the fit
_FEWEST_SWITCHES = 2.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Noise ``sigma`` in each mode, the ``height`` between them, the ``share`` of neighbours across them."""

    sigma: float
    height: float
    share: float


@dataclass(frozen=True, slots=True)
class _Histograms:
    """Log-probabilities of bins, in units of the median difference, and the gaps in these units."""

    one: Floats
    two: Floats
    gaps: tuple[Gap, ...]


def mode_gap(level: Floats) -> Gap | None:
    """The modes of a series if it may have two; None for most. ``level`` is on a scale where steps add."""
    sizes = np.abs(gaps(level))
    unit = middle(sizes)
    if unit <= EXACT:
        return None
    counts = np.bincount(np.minimum(sizes * (_FINE / unit), _BINS - 1).astype(np.intp), minlength=_BINS)
    known = _histograms()
    two = known.two @ counts
    best = int(two.argmax())
    if two[best] < float((known.one @ counts).max()) + _ADVANTAGE:
        return None
    first = known.gaps[best]
    return _fitted(sizes, Gap(first.sigma * unit, first.height * unit, first.share))


def _fitted(sizes: Floats, gap: Gap) -> Gap | None:
    """The likeliest gap near a first one: each difference is noise, a change of mode, or neither."""
    between, height, share = gap.sigma * math.sqrt(2), gap.height, gap.share
    stray = _STRAY
    flat = math.sqrt(2 * math.pi) / (1.2 * float(sizes.max()))
    for _ in range(_ROUNDS):
        same = 2 * (1 - share - stray) / between * np.exp(-0.5 * (sizes / between) ** 2)
        across = share / between * np.exp(-0.5 * ((sizes - height) / between) ** 2)
        total = same + across + stray * flat
        same, across = same / total, across / total
        switches, stays = float(across.sum()), float(same.sum())
        if switches < _FEWEST_SWITCHES:
            return None
        share, stray = switches / sizes.size, max(_LEAST_STRAY, 1 - (switches + stays) / sizes.size)
        height = float(across @ sizes) / switches
        power = float(same @ sizes**2) + float(across @ (sizes - height) ** 2)
        between = max(math.sqrt(power / (switches + stays)), EXACT)
    sigma = between / math.sqrt(2)
    return Gap(sigma, height, share) if height >= LEAST * sigma else None


@functools.cache
def _histograms() -> _Histograms:
    """What differences look like with one mode and with two."""
    sizes = np.arange(0.0, 200.0, 0.01)
    one = [np.exp(-(sizes**power)) for power in _POWERS]
    one += [np.exp(-np.sqrt(tip + sizes**2)) for tip in _TIPS]
    one += [np.exp(-0.5 * sizes**2) + share / s * np.exp(-0.5 * (sizes / s) ** 2) for share, s in _SPIKES]
    one += [(1 + sizes**2 / free) ** (-(free + 1) / 2) for free in _FREEDOM]
    two, found = [], []
    for height in _HEIGHTS:
        for share in _SHARES:
            apart = height / math.sqrt(2)
            bumps = np.exp(-0.5 * (sizes - apart) ** 2) + np.exp(-0.5 * (sizes + apart) ** 2)
            two.append((1 - share) * 2 * np.exp(-0.5 * sizes**2) + share * bumps)
            unit = _median(sizes, two[-1])
            found.append(Gap(1 / math.sqrt(2) / unit, apart / unit, share))
    binned = [np.array([_binned(sizes, density) for density in kind]) for kind in (one, two)]
    return _Histograms(binned[0], binned[1], tuple(found))


def _median(sizes: Floats, density: Floats) -> float:
    below = np.cumsum(density)
    return float(sizes[np.searchsorted(below, below[-1] / 2)])


def _binned(sizes: Floats, density: Floats) -> Floats:
    """The logarithm of the share of each bin, where a few differences fit nowhere."""
    edges = np.append(np.arange(_BINS) * _median(sizes, density) / _FINE, sizes[-1])
    below = np.interp(edges, sizes, np.cumsum(density))
    shares: Floats = np.log((1 - _STRAY) * gaps(below) / below[-1] + _STRAY / _BINS)
    return shares
