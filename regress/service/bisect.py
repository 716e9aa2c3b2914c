"""``regress bisect``: find the commit that changed a series, by measuring as few commits as the noise allows.

What was measured before is free evidence, as are the series' points on both sides of the range. The search
itself is ``regress.bisect``; here it gets a series, commits, and a runner that measures only that benchmark.
The culprit is then measured in turns with its parent, from scratch, before anybody is told its name.

Each measurement is stored as it arrives. A search that is cut off goes on from there: told the same
measurements in the same order, ``Search`` asks what it would have asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from regress.bisect import BUDGET, CONFIDENCE
from regress.bisect.costs import costs_of
from regress.bisect.search import Search
from regress.domain import (
    BegunBisection,
    Bisection,
    BisectionPlan,
    BisectionStep,
    Commit,
    Direction,
    Posterior,
    Series,
    Suspicion,
)
from regress.errors import RegressError, UnknownNameError
from regress.runner import Outcome
from regress.runner.events import Listener, Note, ignore
from regress.service.bisect_answer import answered
from regress.service.bisect_company import companions, independence
from regress.service.bisect_history import free_evidence, noise_of
from regress.service.bisect_measure import Measurer, measurer
from regress.service.bisect_price import price_of, refuse, told_price
from regress.service.bisect_suspects import suspicions, told_suspicions
from regress.service.bisect_target import find_target, measure_ends
from regress.service.project import Project
from regress.service.run import record_history
from regress.service.run_distributed import Where
from regress.store import Store

TOLD = 2_000
"""Commits of which the chance is kept while a search goes on: 100 kB, written after each measurement."""


class SearchInterrupted(KeyboardInterrupt):
    """Ctrl-C in a search: ``kept`` measurements are stored, and the search ``number`` can go on."""

    def __init__(self, number: int, kept: int) -> None:
        self.number = number
        self.kept = kept
        super().__init__()


def bisect(
    project: Project,
    store: Store,
    *,
    benchmark: str = "",
    good: str = "",
    bad: str = "",
    confidence: float = CONFIDENCE,
    budget: int = BUDGET,
    anyway: bool = False,
    where: Where | None = None,
    listen: Listener = ignore,
    wait: bool = False,
) -> Bisection:
    """Search for the culprit and store the bisection; on the workers of a cluster, if ``where`` names one.

    Without ``benchmark`` the latest open regression is taken; ``good`` and ``bad`` (revisions) widen or move
    its range. RegressError when there is nothing to search, or (unless ``anyway``) when such a search would
    most likely name nobody within ``budget``; UnknownNameError for an unknown benchmark, SearchInterrupted on
    Ctrl-C once it measures: ``resume`` goes on.
    """
    started = datetime.now(UTC)
    if benchmark and good and bad:
        measure_ends(project, store, benchmark, (good, bad), where, listen, wait)
    target = find_target(project, store, benchmark, good, bad)
    sign = 0 if good and bad else _worse(target.series)
    others = companions(store, target.series, target.good, target.bad)
    plan = BisectionPlan(
        target.series.key, target.good, target.bad, confidence, budget, started, sign, others
    )
    commits = _commits(project, plan)
    with store.lock("regress bisect", wait=wait, on_wait=lambda text: listen(Note(text))):
        record_history(project, store, commits)
        for other in store.begun_bisections.like(plan):
            listen(Note(f"this begins anew; regress bisect --resume {other} would go on with the last"))
        cost = price_of(target.series, commits, plan)
        said = told_price(store, target.series, commits, plan, cost)
        if not anyway:
            refuse(said, cost, budget)
        listen(Note(said))
        begun = BegunBisection(store.begun_bisections.begin(plan), plan, ())
        store.searches.price(begun.id, cost.runs if cost else None)
        return _search(project, store, begun, commits, where, listen)


def resume(
    project: Project,
    store: Store,
    number: int | None = None,
    *,
    confidence: float | None = None,
    budget: int | None = None,
    where: Where | None = None,
    listen: Listener = ignore,
    wait: bool = False,
) -> Bisection:
    """Go on with a search that was cut off (by its number, else the newest) and store the bisection.

    ``confidence`` and ``budget`` take the place of those it was begun with; what it measured before counts
    for the budget. UnknownNameError for a number that is no unfinished search, RegressError when there is
    none, or what it was measured with is gone.
    """
    with store.lock("regress bisect", wait=wait, on_wait=lambda text: listen(Note(text))):
        begun = _unfinished(store, number)
        asked = begun.plan
        plan = replace(asked, confidence=confidence or asked.confidence, budget=budget or asked.budget)
        commits = _commits(project, plan)
        record_history(project, store, commits)
        listen(Note(f"search {begun.id} goes on; measured so far: {len(begun.steps)}"))
        return _search(project, store, replace(begun, plan=plan), commits, where, listen)


def _search(
    project: Project,
    store: Store,
    begun: BegunBisection,
    commits: Sequence[Commit],
    where: Where | None,
    listen: Listener,
) -> Bisection:
    """Search, or go on, among ``commits``; RegressError when a series that it is about is gone."""
    keys = [begun.plan.series, *begun.plan.others]
    if begun.plan.others:
        listen(Note(f"measured with it, since they changed alike: {', '.join(k.title for k in keys[1:])}"))
    stored = {one.key: one.id for one in store.series_list(branch=keys[0].branch)}
    gone = [key for key in keys if key not in stored]
    if gone:
        raise RegressError(f"{gone[0].title}, which search {begun.id} was about, is not stored any more")
    suspects = suspicions(project.history, commits, keys[0].benchmark)
    if said := told_suspicions(suspects):
        listen(Note(said))
    series = [store.series(stored[key]) for key in keys]
    with measurer(project, keys, where, listen) as measuring:
        return _Session(store, begun, series, commits, suspects, measuring).run()


def _unfinished(store: Store, number: int | None) -> BegunBisection:
    begun = store.begun_bisections.all()
    if not begun:
        raise RegressError("there is no unfinished search", hint="Begin one: regress bisect")
    for one in begun:
        if number in (None, one.id):
            return one
    raise UnknownNameError("unfinished search", str(number), [str(one.id) for one in begun])


def _worse(series: Series) -> int:
    """Which way a regression of a series goes."""
    return 1 if series.key.metric.direction is Direction.LOWER else -1


def _commits(project: Project, plan: BisectionPlan) -> list[Commit]:
    """The range's commits, the good one first; RegressError when it holds none to suspect."""
    branch = plan.series.branch
    start = project.history.select(plan.good, branch)
    commits = [*start, *project.history.select(f"{plan.good}..{plan.bad}", branch)]
    if len(commits) < 2:
        raise RegressError("the range holds no commit to suspect", hint="Is --good older than --bad?")
    return commits


def posterior_of(search: Search, commits: Sequence[Commit]) -> Posterior:
    """What a search knows, as it is kept: all of its commits, or the likeliest of a huge range."""
    *chances, none = search.posterior().tolist()
    likeliest = sorted(range(1, len(commits)), key=lambda place: -chances[place])[:TOLD]
    return Posterior(tuple((commits[place].sha, chances[place]) for place in sorted(likeliest)), none)


class _Session:
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
            self._asked()
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
        places = self._asked()
        if first:  # the picture of the first culprit stays
            self._store.searches.tell(self.begun.id, told)
        return [self.commits[place] for place in places]

    def _asked(self) -> list[int]:
        """What the search asks for: after a culprit, whatever tells of a further one."""
        width = max(1, min(self._measurer.width, self.begun.plan.budget - self._search.runs))
        while not (places := self._search.batch(width)):
            if self._search.conclude() is None:
                break
        return places

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
