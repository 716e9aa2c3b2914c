"""Where did a level shift? Exact Bayesian posterior over the place of one step in noisy, uneven evidence.

Model. Commits 0..n-1 in history's order; hypothesis k (1..n-1): commits below k have one level, commits from
k on another, and every measurement has the same normal noise. Levels and noise are unknown: a normal-inverse-
gamma prior integrates them out in closed form (e.g. Murphy, "Conjugate Bayesian analysis of the Gaussian
distribution", 2007, eq. 95), so few data give little confidence by themselves. Hypothesis "no step" is
judged beside them. Values are compared as logarithms, so a step is a ratio; measurements far out are pulled
in before (Huber), since benchmarks have heavy tails that a normal likelihood would believe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL_WEIGHT = 0.02
"""The levels' prior counts as this many measurements: steps of about 7 noise widths surprise nobody."""

NOISE_WEIGHT = 1.0
"""The noise prior's shape: as strong as two measurements."""

FAR_OUT = 3.0
"""Measurements farther than this many noise widths from their level are pulled in to it."""

_TO_SIGMA = 1.4826
"""A normal distribution's standard deviation is this many median absolute deviations."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """``places[k]`` is the chance that commit k is the first of the new level (0 for k = 0), given that there
    is a step; ``step`` is the chance that there is one, at even prior odds.
    """

    places: Floats
    step: float


def posterior(size: int, evidence: Mapping[int, Sequence[float]], noise: float) -> Posterior:
    """The posterior after ``evidence`` (commit index to its measurements) over ``size`` commits.

    ``noise`` is the prior guess of the relative noise of one measurement (0.01 is 1 %).
    """
    index, values = _flatten(evidence)
    if size < 2 or len(values) == 0:
        flat = np.full(size, 1 / max(1, size - 1))
        flat[:1] = 0.0
        return Posterior(flat, 0.5)
    scaled = logarithms(values)
    tame = _pull_in(index, scaled, size, noise)
    one_level, steps = _log_evidence(index, tame, size, noise)
    best = float(steps.max())
    weights = np.exp(steps - best)
    with_step = best + float(np.log(weights.mean()))
    places = np.concatenate(([0.0], weights / weights.sum()))
    return Posterior(places, float(1 / (1 + np.exp(np.clip(one_level - with_step, -700, 700)))))


def logarithms(values: Floats) -> Floats:
    """Values on a scale where equal ratios are equal distances; linear where some are not positive."""
    if (values > 0).all():
        return np.log(values)
    scale = float(np.median(np.abs(values))) or float(np.abs(values).max()) or 1.0
    return values / scale


def _flatten(evidence: Mapping[int, Sequence[float]]) -> tuple[NDArray[np.intp], Floats]:
    pairs = [(k, v) for k, values in sorted(evidence.items()) for v in values if np.isfinite(v)]
    index = np.array([k for k, _ in pairs], dtype=np.intp)
    return index, np.array([v for _, v in pairs], dtype=np.float64)


def _log_evidence(index: NDArray[np.intp], y: Floats, size: int, noise: float) -> tuple[float, Floats]:
    """Log marginal likelihood of no step, and of each place 1..size-1 (up to one common constant)."""
    centred = y - float(np.median(y))
    count = np.bincount(index, minlength=size).cumsum()
    total = np.bincount(index, weights=centred, minlength=size).cumsum()
    square = float((centred**2).sum())

    def fit(n: Floats, s: Floats) -> tuple[Floats, Floats]:
        """What a level of ``n`` measurements with sum ``s`` explains, and its Occam factor."""
        return s**2 / (n + LEVEL_WEIGHT), 0.5 * np.log(LEVEL_WEIGHT / (n + LEVEL_WEIGHT))

    def marginal(explained: Floats, occam: Floats) -> Floats:
        rest = NOISE_WEIGHT * noise**2 + 0.5 * np.maximum(square - explained, 0.0)
        return occam - (NOISE_WEIGHT + len(y) / 2) * np.log(rest)

    n, s = count.astype(np.float64), total
    left, right = fit(n[:-1], s[:-1]), fit(n[-1] - n[:-1], s[-1] - s[:-1])
    whole = fit(n[-1:], s[-1:])
    return float(marginal(*whole)[0]), marginal(left[0] + right[0], left[1] + right[1])


def _pull_in(index: NDArray[np.intp], y: Floats, size: int, noise: float) -> Floats:
    """Measurements with those far from the likeliest step's levels moved to ``FAR_OUT`` noise widths.

    The step is placed on the raw values; residuals are taken from the medians of its two sides.
    """
    _, steps = _log_evidence(index, y, size, noise)
    after = index >= int(steps.argmax()) + 1
    level = np.zeros_like(y)
    for side in (after, ~after):
        if side.any():
            level[side] = np.median(y[side])
    residual = y - level
    spread = max(_TO_SIGMA * float(np.median(np.abs(residual))), noise)
    return level + np.clip(residual, -FAR_OUT * spread, FAR_OUT * spread)
