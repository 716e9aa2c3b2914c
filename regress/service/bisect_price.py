"""What a search is going to cost, told before it measures anything: from simulated searches of its kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regress.bisect.evidence import logarithms
from regress.bisect.information import information
from regress.bisect.simulate import Scenario, simulate
from regress.domain import BisectionPlan, Commit, Series
from regress.errors import RegressError
from regress.service.bisect_history import Known, free_evidence, noise_of
from regress.service.sight import seconds_of
from regress.store import Store

TRIALS = 8
"""Simulated searches: enough to tell ten runs from a hundred, in a second or two."""

KNOWN = 3
"""Measurements that each end must have before the size of the shift can be guessed."""

TRIED = 150
"""The largest budget that is simulated: beyond it the price would itself cost minutes."""

CERTAINTY = 1.6
"""Nats beyond the place's own that it takes to be sure and to verify."""

AMPLE = 2.0
"""In so many times their mean most searches (95 of 100) have ended."""

ENDLESS = 10_000.0
"""Runs beyond which nobody searches."""

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

    @property
    def clear(self) -> bool:
        """Whether a larger shift would cost no less."""
        return self.shift >= CLEAR

    @property
    def endless(self) -> bool:
        """Whether no search would find it."""
        return self.runs >= ENDLESS


def price(commits: int, free: Sequence[Known], noise: float, confidence: float, budget: int) -> Price | None:
    """The price, from what is known of both ends; None where that is too little."""
    values = logarithms(np.array([one.value for one in free], dtype=np.float64))
    places, worth = np.array([one.place for one in free]), np.array([one.worth for one in free])
    old, new = places == 0, places == commits - 1
    if min(old.sum(), new.sum()) < KNOWN:
        return None
    levels = [float(np.average(values[side], weights=worth[side])) for side in (old, new)]
    shift = abs(levels[1] - levels[0]) / noise
    needed = needed_runs(commits, shift)
    if needed > min(budget, TRIED):
        return Price(shift, min(needed, ENDLESS), needed > budget)
    known, after = (max(round(float(worth[side].sum())), 1) for side in (old, new))
    tried = min(budget, TRIED)
    kind = Scenario(commits, min(shift, CLEAR), known=known, after=after, confidence=confidence, budget=tried)
    told = simulate(kind, TRIALS)
    hard = told.undecided >= 0.5
    return Price(shift, max(told.mean_runs, needed), hard and budget <= tried)


def needed_runs(commits: int, shift: float) -> float:
    """Runs that a search takes on average at least, where both levels are known: infinite without a shift.

    What the place is worth in nats, by what a run tells of "before or after?" where both are as likely; the
    constant is that of simulated searches (60 runs for one noise width among 128 commits).
    """
    told = float(information(np.array([0.5]), shift**2)[0])
    return (math.log(max(commits - 1, 1)) + CERTAINTY) / told if told > 1e-9 else math.inf


def price_of(series: Series, commits: Sequence[Commit], plan: BisectionPlan) -> Price | None:
    """The price of a search among ``commits``, the good one first; None where too little is known."""
    return price(len(commits), free_evidence(series, commits), noise_of(series), plan.confidence, plan.budget)


def told_price(
    store: Store, series: Series, commits: Sequence[Commit], plan: BisectionPlan, told: Price | None
) -> str:
    """A sentence on what the search is going to cost: on ``told``, which is ``price_of`` it."""
    if told is None:
        return f"what it costs is not known: too little was measured; {plan.budget} runs at most (--budget)"
    each = seconds_of(store, series.id)
    shift = f"{told.shift:.1f} times the noise" if not told.clear else "far above the noise"
    what = f"a shift {shift} among {len(commits) - 1} commits"
    if told.endless:
        return f"{what}: no search finds that in {ENDLESS:,.0f} runs"
    time = f", each {each:.1f} s and a build" if each else ""
    if told.hard and told.runs <= plan.budget:
        return f"{what}: half of such searches, or more, name nobody in {plan.budget} runs{time}"
    return f"{what}: about {told.runs:.0f} runs{time} (--budget {plan.budget})"


def refuse(said: str, told: Price | None, budget: int) -> None:
    """RegressError for a search that most likely names nobody within its budget; ``said`` is its price."""
    if told is None or not told.hard:
        return
    enough = math.ceil(AMPLE * max(told.runs, budget) / 10) * 10 if not told.endless else 0
    longer = f"--budget {enough} is enough for most; " if enough else ""
    hint = f"{longer}--anyway begins with {budget} all the same; a larger range or quieter machine may help."
    raise RegressError(f"this search would most likely name nobody: {said}", hint=hint)
