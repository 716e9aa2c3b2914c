"""The search for a culprit, without any measuring: it says what to measure next and what it knows so far.

    search = Search(size=20, noise=0.01)
    search.add(0, old_values); search.add(19, old_values)      free evidence
    while (index := search.next()) is not None:
        search.add(index, [measure(index)])                    or search.skip(index): it does not build
    search.answer()

It measures where the posterior says that "before or after the step?" is most open: the commit that halves the
remaining chance. With noise-free measurements that is bisection; with noisy ones it comes back to a commit
until the answer is sure enough, and never asks for one that cannot be built.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from regress.bisect.posterior import Posterior, posterior

SURE_OF_STEP = 0.95
"""The chance of a step above which the search stops doubting that there is one."""

LIKELIER_THAN_NOT = 0.5
"""The chance of a step below which, its ends measured enough, the search gives up."""

END_RUNS = 6
"""Runs of each end that are enough to see whether there is a step between them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search knows. The culprit is one of ``first``..``last`` (equal, unless commits between them do
    not build) with chance ``confidence``; ``step`` is the chance that there is a step at all.
    """

    first: int
    last: int
    confidence: float
    step: float


class Search:
    """One search over ``size`` commits, the first known good and the last known bad."""

    def __init__(
        self, size: int, *, noise: float = 0.01, confidence: float = 0.95, budget: int = 100
    ) -> None:
        """``noise``: prior guess of one run's relative noise; ``budget``: the most runs it may ask for.

        ValueError with fewer than two commits: then there is nothing to search.
        """
        if size < 2:
            raise ValueError(f"a search needs two commits or more, got {size}")
        self.size = size
        self.noise = noise
        self.confidence = confidence
        self.budget = budget
        self.runs = 0
        self._evidence: dict[int, list[float]] = {}
        self._unbuilt: set[int] = set()
        self._posterior: Posterior | None = None

    def add(self, index: int, values: Iterable[float], *, free: bool = False) -> None:
        """Take measurements of a commit; ``free`` ones (known before) don't count as runs."""
        taken = list(values)
        self._evidence.setdefault(index, []).extend(taken)
        self.runs += 0 if free else len(taken)
        self._posterior = None

    def skip(self, index: int) -> None:
        """Never ask for this commit: it cannot be measured."""
        self._unbuilt.add(index)

    @property
    def skipped(self) -> tuple[int, ...]:
        """The commits that cannot be measured."""
        return tuple(sorted(self._unbuilt))

    def posterior(self) -> Posterior:
        """The posterior over places, after all evidence so far."""
        if self._posterior is None:
            self._posterior = posterior(self.size, self._evidence, self.noise)
        return self._posterior

    def next(self) -> int | None:
        """The commit to measure next; None when the answer is sure enough, or can get no surer in budget."""
        if self.runs >= self.budget:
            return None
        step = self.posterior().step
        end = self._next_end() if step < SURE_OF_STEP else None
        if end is not None:
            return end
        if step < LIKELIER_THAN_NOT or self.answer().confidence * step >= self.confidence:
            return None
        return self._halving_commit()

    def answer(self) -> Answer:
        """The likeliest culprit now."""
        known = self.posterior()
        chances = [float(known.places[first : last + 1].sum()) for first, last in self._groups()]
        best = int(np.argmax(chances))
        first, last = self._groups()[best]
        return Answer(first, last, chances[best], known.step)

    def _groups(self) -> list[tuple[int, int]]:
        """Runs of places that no measurement can tell apart: those with only unbuilt commits between."""
        groups: list[tuple[int, int]] = []
        for place in range(1, self.size):
            if groups and place - 1 in self._unbuilt and groups[-1][1] == place - 1:
                groups[-1] = (groups[-1][0], place)
            else:
                groups.append((place, place))
        return groups

    def _next_end(self) -> int | None:
        """The end that was measured less, while the ends do not yet differ."""
        buildable = [index for index in range(self.size) if index not in self._unbuilt]
        if len(buildable) < 2:
            return None
        ends = sorted((buildable[-1], buildable[0]), key=self._count)
        return ends[0] if self._count(ends[0]) < END_RUNS else None

    def _halving_commit(self) -> int | None:
        """Where the chance of being after the step is closest to one half, the least measured of equals."""
        after = self.posterior().places.cumsum()
        # The chance that commit i has the new level is the chance of a place at or below i.
        open_ones = [index for index in range(self.size) if index not in self._unbuilt]
        if not open_ones:
            return None
        return min(
            open_ones, key=lambda index: (round(abs(float(after[index]) - 0.5), 6), self._count(index))
        )

    def _count(self, index: int) -> int:
        return len(self._evidence.get(index, ()))
