"""What a search is going to cost, told before it measures anything: from simulated searches of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regress.bisect.posterior import logarithms
from regress.bisect.simulate import Scenario, simulate
from regress.domain import BisectionPlan, Commit, Series
from regress.service.bisect_target import free_evidence, noise_of
from regress.service.sight import seconds_of
from regress.store import Store

TRIALS = 8
"""Simulated searches: enough to tell ten runs from a hundred, in a second or two."""

KNOWN = 3
"""Measurements that each end must have before the size of the shift can be guessed."""

TRIED = 150
"""The largest budget that is simulated: beyond it the price would itself cost minutes."""

CLEAR = 20.0
"""A shift of more noise widths costs no less."""


@dataclass(frozen=True, slots=True)
class Price:
    """Of a search for a ``shift`` in noise widths: ``runs`` on average. ``hard``: half of such searches, or
    more, name nobody within their budget.
    """

    shift: float
    runs: float
    hard: bool


def price(
    commits: int, free: Sequence[tuple[int, float]], noise: float, confidence: float, budget: int
) -> Price | None:
    """The price, from what is known of both ends (place and value); None where that is too little."""
    values = logarithms(np.array([value for _, value in free], dtype=np.float64))
    places = np.array([place for place, _ in free], dtype=np.intp)
    before, after = values[places == 0], values[places == commits - 1]
    known = min(len(before), len(after))
    if known < KNOWN:
        return None
    shift = abs(float(after.mean() - before.mean())) / noise
    kind = Scenario(commits, min(shift, CLEAR), known=known, confidence=confidence, budget=budget)
    told = simulate(kind, TRIALS)
    return Price(shift, told.mean_runs, told.undecided >= 0.5)


def price_of(series: Series, commits: Sequence[Commit], plan: BisectionPlan) -> Price | None:
    """The price of a search among ``commits``, the good one first; None where too little is known."""
    free, noise = free_evidence(series, commits), noise_of(series)
    return price(len(commits), free, noise, plan.confidence, min(plan.budget, TRIED))


def told_price(
    store: Store, series: Series, commits: Sequence[Commit], plan: BisectionPlan, told: Price | None
) -> str:
    """A sentence on what the search is going to cost: on ``told``, which is ``price_of`` it."""
    budget = min(plan.budget, TRIED)
    if told is None:
        return f"what it costs is not known: too little was measured; {plan.budget} runs at most (--budget)"
    each = seconds_of(store, series.id)
    time = f", each {each:.1f} s and a build" if each else ""
    shift = f"{told.shift:.1f} times the noise" if told.shift < CLEAR else "far above the noise"
    what = f"a shift {shift} among {len(commits) - 1} commits"
    if told.hard:
        return f"{what}: half of such searches, or more, name nobody in {budget} runs{time}; see --budget"
    return f"{what}: about {told.runs:.0f} runs{time} (--budget {plan.budget})"
