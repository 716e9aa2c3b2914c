"""Evidence that may be looked at after every pair: wagers on the signs of differences.

Two commits are measured in pairs, and a fair coin says which of the two goes first. If the label makes no
difference, the sign of a pair's difference is a fair coin too, whatever its size, the noise, its drift and
its modes. So a capital that is staked on signs is a fair game: the chance that it ever grows a hundredfold
is one in a hundred (Ville), however often one looks (Ramdas et al., "Game-theoretic statistics and safe
anytime-valid inference", 2023). The stake may depend on the size of the difference and on all pairs before.
The best wager on signs against a density f of the differences is (f(|x|) - f(-|x|)) / (f(|x|) + f(-|x|)).
Two share the capital: one believes in normal noise and a shift of the size that matters, learning both (f is
Student's density); the other that differences fall where others fell (f is a sum of kernels), which tells the
modes of a benchmark from their mirror images. What is theirs together is a fair game as well. A pair at most
doubles the capital, so that proof at 1 : 10,000 takes fourteen pairs.

Arrays are (cases, pairs); a pair that was not measured is NaN, and changes nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GUESS, GUESS_WEIGHT = 0.04, 2.0
"""The spread of a pair's difference before any was seen, and how many pairs that guess is worth."""

CENTRE_WEIGHT = 2.0
"""How many pairs the first guess of the shift is worth."""

SHARES = (0.8, 0.2)
"""What of the capital is whose at first: of who believes in normal noise, of who learns the shape."""

KERNEL = 1.0 / 12.0
"""The width of a kernel, in spreads of the differences: it parts modes, and joins the noise within them."""

CLIP = 3.0
"""Past differences farther than so many robust sigmas from their median are drawn there before their spread
is
taken: one hiccup must not make all later stakes small."""

FEWEST_TO_CLIP = 4

WIDE = 5.0
"""Prior spread of the standardised shift in ``student_factor``: quiet benchmarks are many sigmas from a
limit.
"""


def past_shape(differences: Floats) -> tuple[Floats, Floats, Floats]:
    """(number, sum, spread) of each case's pairs so far; the spread mixes in the first guess."""
    seen = ~np.isnan(differences)
    number = seen.sum(axis=1).astype(np.float64)
    if not differences.shape[1] or not number.any():
        return number, np.zeros(len(differences)), np.full(len(differences), GUESS)
    told = np.where(seen, _clipped(differences), 0.0)
    total = told.sum(axis=1)
    mean = total / np.maximum(number, 1.0)
    squares = np.where(seen, (told - mean[:, None]) ** 2, 0.0).sum(axis=1)
    freedom = GUESS_WEIGHT + np.maximum(number - 1.0, 0.0)
    return number, total, np.sqrt((GUESS_WEIGHT * GUESS**2 + squares) / freedom)


def _clipped(differences: Floats) -> Floats:
    if differences.shape[1] < FEWEST_TO_CLIP:
        return differences
    ordered = np.sort(differences, axis=1)  # NaN last
    count = (~np.isnan(ordered)).sum(axis=1)
    middle = _median_of_sorted(ordered, count)
    away = np.sort(np.abs(differences - middle[:, None]), axis=1)
    reach = CLIP * 1.4826 * _median_of_sorted(away, count)
    reach = np.where((count >= FEWEST_TO_CLIP) & (reach > 0), reach, np.inf)
    return np.clip(differences, (middle - reach)[:, None], (middle + reach)[:, None])


def _median_of_sorted(ordered: Floats, count: NDArray[np.int64]) -> Floats:
    rows, last = np.arange(len(ordered)), np.maximum(count - 1, 0)
    middle: Floats = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2
    return np.where(count > 0, middle, 0.0)


def expected_shift(number: Floats, total: Floats, least: float | Floats) -> Floats:
    """The shift that the pairs so far (count and sum) let expect, never below ``least``."""
    return np.maximum((CENTRE_WEIGHT * least + total) / (CENTRE_WEIGHT + number), least)


def growth(x: Floats, number: Floats, total: Floats, spread: Floats, least: float | Floats) -> Floats:
    """What the newest pair does to the logarithm of the capital staked on ``x`` being positive.

    ``number`` and ``total`` are of the pairs before it (count and sum of ``x``); the stake is for a shift of
    at least ``least``. NaN in ``x`` gives 0.
    """
    expected = expected_shift(number, total, least)
    power = (number + GUESS_WEIGHT + 1.0) / 2.0
    freedom = number + GUESS_WEIGHT
    size = np.abs(np.where(np.isnan(x), 0.0, x))
    near = np.log1p(((size - expected) / spread) ** 2 / freedom)
    far = np.log1p(((size + expected) / spread) ** 2 / freedom)
    stake = np.tanh(power * (far - near) / 2.0)
    return np.where(np.isnan(x), 0.0, np.log1p(np.sign(x) * np.minimum(stake, 1.0 - 1e-9)))


def shape_growth(x: Floats, past: Floats, expected: Floats, spread: Floats) -> Floats:
    """What the newest pair does to the logarithm of the capital staked on ``x`` falling where ``past`` fell.

    Where none fell, a Cauchy density about ``expected`` says which sign is likelier. NaN in ``x`` gives 0.
    """
    size = np.abs(np.where(np.isnan(x), 0.0, x))
    near, far = (_density(sign * size, past, expected, spread) for sign in (1.0, -1.0))
    stake = (near - far) / np.maximum(near + far, 1e-300)
    return np.where(np.isnan(x), 0.0, np.log1p(np.sign(x) * np.clip(stake, -1.0 + 1e-9, 1.0 - 1e-9)))


def _density(at: Floats, past: Floats, expected: Floats, spread: Floats) -> Floats:
    """A kernel of weight one at each past difference, and as much about ``expected``; in units of spread."""
    base = 1.0 / (math.pi * (1.0 + ((at - expected) / spread) ** 2))
    away = (at[:, None] - past) / (KERNEL * spread[:, None])
    kernels = np.where(np.isnan(past), 0.0, np.exp(-(away**2) / 2.0)).sum(axis=1)
    told: Floats = base + kernels / (KERNEL * math.sqrt(2.0 * math.pi))
    return told


def student_factor(number: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Log Bayes factor for a mean other than 0, against 0, of normal pairs whose spread nobody knows.

    Never too large more often than it says, at any time of looking (Gronau, Ly and Wagenmakers, "Informed
    Bayesian t-tests", 2020, with a normal prior of ``WIDE`` on the standardised mean). ``deviation`` is the
    sample's; below two pairs it is 0: no evidence.
    """
    freedom = np.maximum(number - 1.0, 1.0)
    wide = 1.0 + number * WIDE**2
    t2 = number * (mean / np.maximum(deviation, 1e-12)) ** 2
    factor = (number / 2.0) * (np.log1p(t2 / freedom) - np.log1p(t2 / freedom / wide)) - np.log(wide) / 2.0
    return np.where(number >= 2, factor, 0.0)


def centre(differences: Floats) -> float:
    """The Hodges-Lehmann centre of one case's differences (no NaN): the median of all pairs' means."""
    i, j = np.triu_indices(len(differences))
    return float(np.median((differences[i] + differences[j]) / 2.0))


def interval(differences: Floats, error: float) -> tuple[float, float]:
    """Where the shift of one case lies, but for ``error``, whenever one looks: shifts that no wager refutes.

    Infinite on a side that too few pairs bound (six at 95 %).
    """
    bar = math.log(2.0 / error)
    if len(differences) * math.log(2.0) < bar:
        return -math.inf, math.inf
    low, high = float(differences.min()), float(differences.max())
    margin = max(2.0 * (high - low), 4.0 * GUESS)  # few quiet pairs refute only what is far from them
    grid = np.linspace(low - margin, high + margin, 401)
    above = _refuted(differences[None, :] - grid[:, None], bar)
    below = _refuted(grid[:, None] - differences[None, :], bar)
    # A shift is refuted from below when the values lie above it; one step of the grid is given away.
    bottom = grid[above][-1] if above.any() else -math.inf
    top = grid[below][0] if below.any() else math.inf
    return float(bottom), float(top)


def _refuted(x: Floats, bar: float) -> NDArray[np.bool_]:
    """For each row, whether the capital staked on its values being positive ever passed ``bar``."""
    capital = np.zeros(len(x))
    passed = np.zeros(len(x), dtype=bool)
    for pair in range(x.shape[1]):
        number, total, spread = past_shape(x[:, :pair])
        capital += growth(x[:, pair], number, total, spread, spread / 4.0)
        passed |= capital >= bar
    return passed
