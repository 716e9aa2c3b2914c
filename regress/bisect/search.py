"""The search for a culprit, without any measuring: it says what to measure next and what it knows so far.

    search = Search(20, [0.01])                                one series with 1 % noise
    search.add(0, [old_value], free=True)                      free evidence
    while (index := search.next()) is not None:
        search.add(index, [measure(index)])                    or search.skip(index): it does not build
    search.answer()

It measures where a second of measuring is expected to tell most of the place of the step. With noise-free
measurements that is bisection; with noisy ones it comes back to commits until the answer is sure enough, and
until culprit and parent, measured in turns, differ by themselves. It never asks for what cannot be built.

Several series share the measurements of a commit: each has its own levels and noise, and the evidence for a
common place is the product. One that does not follow the others has a small vote only (``STRANGER``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np

from regress.bisect.batches import WIDEST, picks
from regress.bisect.costs import Costs
from regress.bisect.evidence import Floats
from regress.bisect.information import told
from regress.bisect.ledger import Ledger
from regress.bisect.posterior import STEP_CHANCE, Fit, fit, normalised
from regress.bisect.verify import Check, wherever

END_RUNS = 2
"""Measurements of each end, known ones among them, before anything else: they tell the size to search for."""

DOUBT = 0.3
"""The chance of no step from which on the ends of the range are compared before anything else."""

NO_STEP = 0.5
"""The chance of no step at which a search gives up."""

STRANGER = 0.02
"""The chance that one of several series has its step elsewhere, or none."""

ANOTHER = 0.2
"""The chance, once a step is found, that there is a further one."""

WORTH_SEARCHING = 0.5
"""The chance of a further step, after the first, from which on it is searched for."""

SUPPOSED = 0.9
"""The chance of a further step beside the likeliest from which on it is taken for granted for now."""

MOST_SUPPOSED = 3
"""How many steps are supposed at once."""

PROOF = 0.7
"""Log likelihood ratio at which culprit and parent, measured in turns, confirm the step: two to one."""

PAIRS = 2
"""Measurements of each of the two that it takes in any case."""

PARTS = ((1.0, 0.8), (0.5, 0.1), (0.25, 0.1))
"""What the culprit's own step may be of the whole shift, and how likely: there may be further culprits."""

REPEATS = (1, 2, 4, 8)
"""How many measurements of a commit in a row are weighed: a build is shared by them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search knows. The culprit is one of ``first``..``last`` (equal, unless commits between them do
    not build) with chance ``confidence``, which counts that there may be none; ``step`` is that of a step, as
    far as what can be measured would show one. ``verified``: what was measured in this search confirms it.
    """

    first: int
    last: int
    confidence: float
    step: float
    verified: bool = False


class Search:
    """One search over ``size`` commits, the first known good and the last known bad."""

    def __init__(
        self,
        size: int,
        noises: Sequence[float],
        *,
        confidence: float = 0.95,
        budget: int = 100,
        prior: Sequence[float] = (),
        signs: Sequence[int] = (),
        costs: Costs | None = None,
        independence: float = 1.0,
    ) -> None:
        """``noises``: prior guess of one run's relative noise, by series; ``budget``: the most runs it takes.

        ``prior``: how likely each commit is the culprit, by what it touches (the first counts for nothing);
        ``signs``: 1 or -1 for a series known to shift up or down; ``costs`` may be set anew at any time;
        ``independence``: for how much each series' evidence counts, 1 where their noises share nothing.
        ValueError with fewer than two commits.
        """
        if size < 2:
            raise ValueError(f"a search needs two commits or more, got {size}")
        self.size = size
        self.confidence = confidence
        self.budget = budget
        self.found: list[Answer] = []
        self.costs = costs or Costs()
        self._independence = independence
        self._signs = tuple(signs) or (0,) * len(noises)
        weights = np.array(prior, dtype=np.float64) if len(prior) else np.ones(size)
        weights[0] = 0.0
        self._prior = weights / weights.sum()
        self._taken = Ledger(size, noises)
        self._known: tuple[Floats, list[Fit]] | None = None

    # -- what is known ---------------------------------------------------------------------------------

    def add(self, index: int, values: Sequence[float], *, free: bool = False, worth: float = 1.0) -> None:
        """Take a measurement of a commit, a value for each series (nan: none); a ``free`` one is no run but
        history, and counts for ``worth`` independent ones.
        """
        self._taken.add(index, values, free=free, worth=worth)
        self._known = None

    def skip(self, index: int) -> None:
        """Never ask for this commit: it cannot be measured."""
        self._taken.unbuilt.add(index)

    def conclude(self) -> Answer | None:
        """The culprit, once it is sure enough and verified; None when it is not, or already in ``found``.

        One that does not build any more, or whose parent does not, cannot be verified: history made it sure.
        From then on it is taken for granted, and ``batch`` asks for what tells of a further one, if what is
        left of the shift makes that likely.
        """
        answer = self.answer()
        if answer.confidence < self.confidence:
            return None
        answer = replace(answer, verified=self.verified())
        if not answer.verified and self._verifiable(answer):
            return None
        self.found.append(answer)
        self._prior[answer.first : answer.last + 1] = 0.0
        self._prior /= max(float(self._prior.sum()), 1e-300)
        self._known = None
        return answer

    @property
    def runs(self) -> int:
        """Measurements so far, without those that were free."""
        return self._taken.runs

    @property
    def skipped(self) -> tuple[int, ...]:
        """The commits that cannot be measured."""
        return tuple(sorted(self._taken.unbuilt))

    def posterior(self) -> Floats:
        """The chance of each place 0..size to be the first of the new level; ``size`` stands for no step."""
        return self._knowledge()[0]

    def size_of_step(self) -> Check | None:
        """That of the first series, wherever the step lies; None while it is unknown, or has no ratio."""
        places, fits = self._knowledge()
        return wherever(places, fits[0]) if self._taken.positive(0) else None

    def answer(self) -> Answer:
        """The likeliest culprit now."""
        places = self.posterior()
        groups = self._taken.groups()
        chances = [float(places[first : last + 1].sum()) for first, last in groups]
        step = sum(chances)
        if not groups:
            return Answer(1, self.size - 1, 0.0, 0.0)
        best = int(np.argmax(chances))
        return Answer(*groups[best], chances[best], step / max(step + float(places[-1]), 1e-300))

    def sides(self, answer: Answer, series: int = 0) -> tuple[list[float], list[float]]:
        """What this search measured of a series at the commit before a culprit, and at the culprit; what was
        known before, where it measured none.
        """
        return self._taken.sides((answer.first - 1, answer.last), series)

    def verified(self) -> bool:
        """Whether measurements of the likeliest culprit and its parent, taken in this search, differ."""
        answer = self.answer()
        proof = 0.0
        for series, one in enumerate(self._knowledge()[1]):
            before, after = (self._taken.measured(series, place) for place in (answer.first - 1, answer.last))
            if min(len(before), len(after)) < PAIRS:
                continue
            shift, noise = one.shift[answer.last], one.noise[answer.last]
            weight = len(before) * len(after) / (len(before) + len(after)) / noise**2
            seen = float(after.mean() - before.mean())
            likely = [
                np.log(chance) + weight * (seen * part * shift - (part * shift) ** 2 / 2)
                for part, chance in PARTS
            ]
            proof += float(np.logaddexp.reduce(likely))
        return self._independence * proof >= PROOF

    # -- what to measure -------------------------------------------------------------------------------

    def next(self) -> int | None:
        """The commit to measure next; None when the answer is sure enough, or can get no surer in budget."""
        batch = self.batch(1)
        return batch[0] if batch else None

    def batch(self, width: int) -> list[int]:
        """Commits to measure next, at once (``WIDEST`` at most); none when the search is over."""
        width = min(width, WIDEST)
        buildable = self._taken.buildable
        if self.runs >= self.budget or len(buildable) < 2:
            return []
        ends = [end for end in self._ends(buildable) if self._taken.entries(end) < END_RUNS]
        if ends:
            return _in_turns(ends, min(width, END_RUNS * len(ends)))
        answer = self.answer()
        if answer.step <= (WORTH_SEARCHING if self.found else 1 - NO_STEP):
            return []
        if not self.found and answer.step <= 1 - DOUBT:
            return _in_turns(self._ends(buildable), width)
        if answer.confidence >= self.confidence:
            if self.verified() or not self._verifiable(answer):
                return []
            pair = sorted((answer.first - 1, answer.last), key=self._taken.count)
            return _in_turns(pair, min(width, 2 * PAIRS))
        return self._most_telling(buildable, width)

    def turn(self, workers: int) -> list[int]:
        """What so many workers measure next, concluding culprits on the way; none when the search is over."""
        width = max(1, min(workers, self.budget - self.runs))
        while not (batch := self.batch(width)):
            if self.conclude() is None:
                break
        return batch

    def _verifiable(self, answer: Answer) -> bool:
        """Whether a culprit and its parent can be measured, as far as anybody knows."""
        return not self._taken.unbuilt & {answer.first - 1, answer.last}

    def _ends(self, buildable: Sequence[int]) -> list[int]:
        """The ends of the range, the less measured first."""
        return sorted((buildable[-1], buildable[0]), key=self._taken.count)

    def _most_telling(self, buildable: Sequence[int], width: int) -> list[int]:
        """The commits of which a second of measuring tells most; of equals, the least measured."""
        places, fits = self._knowledge()

        def best(worth: Floats) -> int:
            rate = worth[list(buildable)]
            found = np.flatnonzero(rate >= rate.max() * (1 - 1e-9))
            return min((buildable[int(i)] for i in found), key=self._taken.count)

        def nats(posterior: Floats) -> Floats:
            every: Floats = np.sum([told(one, posterior, 1) for one in fits], axis=0)
            return every

        return picks(places, lambda posterior: self._rates(posterior, fits), nats, best, width)

    def _rates(self, places: Floats, fits: Sequence[Fit]) -> Floats:
        """Nats a second of measuring each commit, at its best number of repeats."""
        build = np.array([self.price(index) - self.costs.run for index in range(self.size)])
        rates = [
            sum(told(one, places, count) for one in fits) / (build + count * self.costs.run)
            for count in (REPEATS if build.any() else REPEATS[:1])
        ]
        best: Floats = np.max(rates, axis=0)
        return best

    def price(self, index: int) -> float:
        """Seconds that a measurement of this commit takes now: its build may still be at hand."""
        return self.costs.run + (0.0 if index in self._taken.built else self.costs.build)

    # -- how it is known -------------------------------------------------------------------------------

    def _knowledge(self) -> tuple[Floats, list[Fit]]:
        if self._known is None:
            self._known = self._suppose()
        return self._known

    def _suppose(self) -> tuple[Floats, list[Fit]]:
        """What is known of a step, given those found and whatever else what was measured makes sure.

        Steps of one size are as likely the one that a model of one step looks for. So where a further one
        beside the likeliest is all but sure, it is supposed, and the place of the first is what is left.
        """
        found = [one.last for one in self.found]
        supposed: list[int] = []
        known = self._given(found)
        while len(supposed) < MOST_SUPPOSED:
            likeliest = int(known[0][:-1].argmax())
            further = self._given([*found, *supposed, likeliest])[0]
            if further[-1] > 1 - SUPPOSED:
                break
            supposed.append(int(further[:-1].argmax()))
            known = self._given([*found, *supposed])
        return known

    def _given(self, steps: Sequence[int]) -> tuple[Floats, list[Fit]]:
        """What is known of a step beside some others."""
        # What is left of a change may go either way.
        signs = (0,) * len(self._signs) if steps else self._signs
        fits = [fit(self.size, self._taken.evidence(i), steps, sign) for i, sign in enumerate(signs)]
        chance = ANOTHER if steps else STEP_CHANCE
        prior = np.append(chance * self._prior, 1 - chance)
        prior[list(steps)] = 0.0
        with np.errstate(divide="ignore"):
            logs = np.log(prior)
        logs += self._independence * np.sum([self._vote(one.evidence) for one in fits], axis=0)
        return normalised(logs), fits

    def _vote(self, evidence: Floats) -> Floats:
        """One series' log evidence, bounded below where there are several: it may have a step of its own."""
        if len(self._signs) == 1:
            return evidence
        own = float(np.logaddexp.reduce(evidence[1:]) - np.log(self.size))
        vote: Floats = np.logaddexp(evidence + np.log(1 - STRANGER), own + np.log(STRANGER))
        return vote


def _in_turns(places: Sequence[int], width: int) -> list[int]:
    """So many measurements, one place after the other."""
    return list(islice(cycle(places), width))
