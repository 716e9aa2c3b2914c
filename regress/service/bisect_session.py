"""A search under way: it measures what ``regress.bisect`` asks for, and keeps each measurement as it arrives.

One that was cut off goes on from there: told the same measurements in the same order, ``Search`` asks what it
would have asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from regress.bisect.costs import costs_of
from regress.bisect.search import Search
from regress.domain import BegunBisection, Bisection, BisectionStep, Commit, Posterior, Series, Suspicion
from regress.errors import RegressError
from regress.runner import Outcome
from regress.service.bisect_answer import answered
from regress.service.bisect_company import independence
from regress.service.bisect_history import free_evidence, noise_of
from regress.service.bisect_measure import Measurer
from regress.store import Store

TOLD = 2_000
"""Commits of which the chance is kept while a search goes on: 100 kB, written after each measurement."""


class SearchInterrupted(KeyboardInterrupt):
    """Ctrl-C in a search: ``kept`` measurements are stored, and the search ``number`` can go on."""

    def __init__(self, number: int, kept: int) -> None:
        self.number = number
        self.kept = kept
        super().__init__()


def posterior_of(search: Search, commits: Sequence[Commit]) -> Posterior:
    """What a search knows, as it is kept: all of its commits, or the likeliest of a huge range."""
    *chances, none = search.posterior().tolist()
    likeliest = sorted(range(1, len(commits)), key=lambda place: -chances[place])[:TOLD]
    told = tuple((commits[place].sha, chances[place]) for place in sorted(likeliest))
    size = search.size_of_step()
    return Posterior(told, none, (size.ratio, size.low, size.high) if size else None)


class Session:
    """One search: measures its series at commits of the range, and keeps each measurement as it arrives."""

    def __init__(
        self,
        store: Store,
        begun: BegunBisection,
        series: Sequence[Series],
        commits: Sequence[Commit],
        suspects: Sequence[Suspicion],
        measuring: Measurer,
    ) -> None:
        self.begun = begun
        self.commits = commits
        self.steps: list[BisectionStep] = []
        self._store = store
        self._measurer = measuring
        plan = begun.plan
        self._suspects = suspects
        self._search = Search(
            len(commits),
            [noise_of(one) for one in series],
            confidence=plan.confidence,
            budget=plan.budget,
            signs=[plan.sign, *(0 for _ in plan.others)],
            prior=[one.weight for one in self._suspects],
            independence=independence(series),
        )
        self._known = free_evidence(series[0], commits)
        for number, one in enumerate(series):
            for known in free_evidence(one, commits) if number else self._known:
                row = [math.nan] * len(series)
                row[number] = known.value
                self._search.add(known.place, row, free=True, worth=known.worth)
        self._taken: list[tuple[int, float]] = []
        for step in begun.steps:
            self._search.turn(measuring.width)
            self._take(step)

    def run(self) -> Bisection:
        """Measure what the search asks for, until it asks no more, and store what it came to."""
        try:
            with self._store.searches.going_on(self.begun.id):
                while batch := self._next():
                    for commit, outcome in self._measurer.measure(batch, len(self.steps)):
                        self._take(self._keep(commit, outcome))
        except KeyboardInterrupt as stopped:
            raise SearchInterrupted(self.begun.id, len(self.steps)) from stopped
        found = self._record()
        self._store.begun_bisections.finish(self.begun.id, found)
        return found

    def _next(self) -> list[Commit]:
        """The commits to measure next; what is known so far is told to whoever looks at the search."""
        first = not self._search.found
        told = posterior_of(self._search, self.commits)
        places = self._search.turn(self._measurer.width)
        if first:  # the picture of the first culprit stays
            self._store.searches.tell(self.begun.id, told)
        return [self.commits[place] for place in places]

    def _take(self, step: BisectionStep) -> None:
        """Tell the search a measurement; RegressError when its commit left the range."""
        places = [place for place, commit in enumerate(self.commits) if commit.sha == step.commit]
        if not places:
            what = (
                f"commit {step.commit[:10]}, measured by search {self.begun.id}, is not in its range any more"
            )
            raise RegressError(what, hint="Was the branch rewritten? Begin a new search: regress bisect")
        self.steps.append(step)
        row = [math.nan if value is None else value for value in (step.value, *step.others)]
        if not any(map(math.isfinite, row)):
            self._search.skip(places[0])
        else:
            self._search.add(places[0], row)
            self._taken.append((places[0], step.seconds))
            self._search.costs = costs_of(self._taken)

    def _keep(self, commit: Commit, outcome: Outcome) -> BisectionStep:
        """What measuring a commit gave, stored."""
        plan = self.begun.plan
        others = {one.series: one.value for one in outcome.measurements}
        step = BisectionStep(
            commit.sha, self._value(outcome), outcome.seconds, tuple(others.get(key) for key in plan.others)
        )
        # That it does not build is for everybody; the numbers are not: with one benchmark's a commit would
        # count as measured.
        self._store.begun_bisections.add(self.begun.id, step, () if outcome.built else outcome.deliveries)
        return step

    def _value(self, outcome: Outcome) -> float | None:
        """The series' value; RegressError when its benchmark was measured, but as another series."""
        key = self.begun.plan.series
        for measurement in outcome.measurements:
            if measurement.series == key:
                return measurement.value
        others = {m.series for m in outcome.measurements if m.series.title == key.title}
        if others:
            hint = "Measure both ends anew, then bisect: regress run --again GOOD BAD"
            what = f"{key.title}: its code or environment changed since it was measured"
            raise RegressError(what, hint=hint)
        return None

    def _record(self) -> Bisection:
        return answered(self.begun.plan, self.commits, self._search, self._known, self.steps, self._suspects)
