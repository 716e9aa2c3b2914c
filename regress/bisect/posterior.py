"""Where did a level shift? Exact Bayesian posterior over the place of one step in noisy, uneven evidence.

Model. Commits 0..n-1 in history's order; hypothesis k (1..n-1): the level of commits from k on is shifted
by d, hypothesis n: nowhere. A measurement is y = b + d * [commit >= k] + mood + noise. Baseline b (a vague
prior), shift d (normal prior of several widths, in units of the noise) and the noise's width (inverse gamma
prior) are unknown and integrated out in closed form (Bayesian linear regression with conjugate priors;
Gelman et al., "Bayesian Data Analysis", 3rd ed., chapter 14). History knows no mood; today's is an offset
(the machine against that of history) and a random walk over the order of measuring: how large either is, is
unknown as well, and averaged over ``MOODS``. So history tells the size of the shift, whatever the machine
does today, and the levels as far as today agrees with it. Steps that are known already are further unknown
shifts. Values are compared as logarithms, so a step is a ratio; those far out are pulled in before (Huber),
since benchmarks have heavy tails that a normal likelihood would believe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from regress.bisect.evidence import Evidence, Floats, Places, Rows, pulled_in

WIDTHS = np.array([1.0, 3.0, 10.0, 30.0, 100.0])
"""Widths of the prior of a shift, in noise widths, equally likely: small and huge shifts surprise nobody."""


@dataclass(frozen=True, slots=True)
class Mood:
    """What a machine may do, in widths of today's noise: the ``drift`` from one measurement to the next, the
    ``offset`` of this search against history (both standard deviations), and ``history``, the width of the
    noise there; how likely that is.
    """

    drift: float
    offset: float
    history: float
    chance: float


MOODS: tuple[Mood, ...] = (
    Mood(0.0, 0.1, 1.0, 0.85),
    Mood(0.0, 1.0, 2**0.5, 0.07),
    Mood(0.0, 10.0, 0.5, 0.04),
    Mood(0.15, 1.0, 1.0, 0.04),
)
"""A machine that stands still; one on which every session has its own offset, which was part of history's
noise; one that is another today, and less quiet; one that drifts."""

STEP_CHANCE = 0.9
"""The chance, before any measurement, that there is a step: somebody saw one."""

NOISE_SHAPE = 2.0
"""How much the prior guess of the noise counts: as four measurements."""

_VAGUE = 1e-4
"""Precision of the prior of levels, in squared noise widths."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What one series says: log evidence for each place 0..size (``size``: no step), and under each place the
    shift with its standard error and the noise, all on the scale of the values.

    ``known`` are the places of steps taken for granted; ``levels`` the baseline, today's offset and their
    shifts, were there no other step, with ``gram`` their covariance in squared noises; ``slopes`` how much
    each falls, by place, for a unit of shift there.
    """

    evidence: Floats
    shift: Floats
    error: Floats
    noise: Floats
    known: tuple[int, ...]
    levels: Floats
    gram: Floats
    slopes: Floats

    def predicted(self, index: int, after: bool) -> tuple[Floats, Floats]:
        """Mean and variance (without the noise of measuring) of a commit's level today, under each place; the
        step is taken to lie before the commit if it is ``after``.
        """
        basis = np.array([1.0, 1.0, *(float(index >= step) for step in self.known)])
        pull = float(after) - basis @ self.slopes
        mean: Floats = basis @ self.levels + self.shift * pull
        return mean, self.noise**2 * float(basis @ self.gram @ basis) + (self.error * pull) ** 2


def fit(size: int, known: Evidence, steps: Sequence[int] = (), sign: int = 0) -> Fit:
    """The fit of one series over ``size`` commits, apart from ``steps`` (places known to begin a level).

    ``sign`` is 1 or -1 where the shift is known to be up or down.
    """
    rows = Rows.of(known)
    parts = _fits(size, rows, steps, sign)
    tame = pulled_in(known, steps, int(parts[0].logs.max(axis=0).argmax()))
    if tame is not known:
        rows = Rows.of(tame)
        parts = _fits(size, rows, steps, sign)
    likeliest = max((part for part in parts if not part.mood.drift), key=_weight).basis
    slopes: Floats = likeliest.gram @ _running(size, rows.places, likeliest.weighted.T)
    return Fit(*_averaged(parts), tuple(steps), likeliest.levels, likeliest.gram, slopes)


def normalised(logs: Floats) -> Floats:
    """Probabilities from their logarithms, up to a constant."""
    weights: Floats = np.exp(logs - logs.max())
    told: Floats = weights / weights.sum()
    return told


@dataclass(frozen=True, slots=True)
class _Basis:
    """Baseline, offset and known steps, and what is left of the values' precision once they are out."""

    projection: Floats
    constant: float
    weighted: Floats
    gram: Floats
    levels: Floats


def _basis(rows: Rows, steps: Sequence[int], mood: Mood) -> _Basis:
    precision, constant = _precision(rows, mood)
    columns = [np.ones(len(rows.places)), rows.turns > 0, *(rows.places >= step for step in steps)]
    basis: Floats = np.stack(columns, axis=1).astype(np.float64)
    weighted = precision @ basis
    inverse: Floats = basis.T @ weighted
    # A baseline or known step beside which nothing was measured is unknown within a huge prior.
    prior = np.full(len(columns), _VAGUE)
    prior[1] = mood.offset**-2
    inverse[np.diag_indices_from(inverse)] += prior
    gram = np.asarray(np.linalg.inv(inverse), dtype=np.float64)
    taken = precision - weighted @ gram @ weighted.T
    constant -= 0.5 * float(np.linalg.slogdet(inverse)[1]) + float(np.log(mood.offset))
    # What lies within rows has left the precision's determinant: history's other measurements.
    past = float(rows.weights[rows.turns == 0].sum()) - int((rows.turns == 0).sum())
    constant -= past * float(np.log(mood.history))
    return _Basis(taken, constant, weighted, gram, gram @ (weighted.T @ rows.y))


@dataclass(frozen=True, slots=True)
class _Part:
    """The fit under one mood: log evidence, shift, its error and the noise by (prior width, place)."""

    mood: Mood
    basis: _Basis
    logs: Floats
    shift: Floats
    error: Floats
    noise: Floats


def _weight(part: _Part) -> float:
    return float(part.logs.max())


def _fits(size: int, rows: Rows, steps: Sequence[int], sign: int) -> list[_Part]:
    """The fits under all moods that the evidence can tell apart."""
    today = rows.turns > 0
    moods = MOODS if today.any() and not today.all() else (MOODS[0], MOODS[-1])
    if int(today.sum()) <= 2:  # in two turns no drift can be seen
        moods = moods[:-1]
    return [_fit_at(size, rows, _basis(rows, steps, mood), mood, sign) for mood in moods]


def _fit_at(size: int, rows: Rows, basis: _Basis, mood: Mood, sign: int) -> _Part:
    pulled = basis.projection @ rows.y
    sxx = _corners(size, rows.places, basis.projection)
    (sxy,) = _running(size, rows.places, pulled[None, :])
    syy = float(rows.y @ pulled) + rows.inner / mood.history**2
    freedom = NOISE_SHAPE + rows.count / 2
    precision = sxx + (WIDTHS**-2)[:, None]
    shift = sxy / precision
    rest = NOISE_SHAPE * rows.noise**2 + 0.5 * np.maximum(syy - sxy * shift, 0.0)
    error = np.sqrt(rest / freedom / precision)
    logs = basis.constant - 0.5 * np.log(precision * (WIDTHS**2)[:, None]) - freedom * np.log(rest)
    if sign:  # the part of the shift's posterior on the right side, by a logistic curve
        logs[:, :-1] += np.log(2.0) - np.logaddexp(0.0, -1.702 * sign * (shift / error)[:, :-1])
    return _Part(mood, basis, logs + np.log(mood.chance), shift, error, np.sqrt(rest / freedom))


def _averaged(parts: Sequence[_Part]) -> tuple[Floats, Floats, Floats, Floats]:
    """Evidence, shift, error and noise by place, from those of all moods and prior widths."""
    evidence = np.concatenate([part.logs for part in parts])
    shifts = np.concatenate([part.shift for part in parts])
    errors = np.concatenate([part.error for part in parts])
    noises = np.concatenate([np.broadcast_to(part.noise, part.logs.shape) for part in parts])
    best = evidence.max(axis=0)
    weights = np.exp(evidence - best)
    total = weights.sum(axis=0)
    share = weights / total
    shift = (share * shifts).sum(axis=0)
    spread = (share * (errors**2 + shifts**2)).sum(axis=0) - shift**2
    noise = (share * noises).sum(axis=0)
    return np.log(total) + best, shift, np.sqrt(np.maximum(spread, 0.0)), noise


def _precision(rows: Rows, mood: Mood) -> tuple[Floats, float]:
    """The inverse of the covariance of a random walk and the noise, and -log|.|/2."""
    weights = np.where(rows.turns > 0, rows.weights, rows.weights / mood.history**2)
    whole, constant = np.diag(weights), 0.5 * float(np.log(weights).sum())
    if mood.drift:
        walked = np.flatnonzero(rows.turns)
        block, lost = _walk(tuple(rows.turns[walked].tolist()), mood.drift)
        whole[np.ix_(walked, walked)] = block
        constant += lost
    return whole, constant


@lru_cache(maxsize=1024)
def _walk(turns: tuple[int, ...], drift: float) -> tuple[Floats, float]:
    at = np.array(turns, dtype=np.float64)
    covariance = np.eye(len(turns)) + drift**2 * np.minimum.outer(at, at)
    inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    return inverse, -0.5 * float(np.linalg.slogdet(covariance)[1])


def _corners(size: int, places: Places, matrix: Floats) -> Floats:
    """X'Mx for x = [place >= k], for every k in 0..size."""
    order = np.argsort(-places, kind="stable")
    ordered = matrix[np.ix_(order, order)]
    sums = np.concatenate(([0.0], ordered.cumsum(axis=0).cumsum(axis=1).diagonal()))
    return np.maximum(sums[_beyond(size, places)], 0.0)


def _running(size: int, places: Places, rows: Floats) -> Floats:
    """Row @ x for x = [place >= k], for each row and every k in 0..size."""
    order = np.argsort(-places, kind="stable")
    sums = np.concatenate((np.zeros((len(rows), 1)), rows[:, order].cumsum(axis=1)), axis=1)
    told: Floats = sums[:, _beyond(size, places)]
    return told


def _beyond(size: int, places: Places) -> Places:
    """How many measurements are at commit k or later, for every k in 0..size."""
    counts: Places = len(places) - np.searchsorted(np.sort(places), np.arange(size + 1), side="left")
    return counts
