"""``regress bisect``: find the commit that changed a series, by measuring as few commits as the noise allows.

What was measured before is free evidence, as are the series' points on both sides of the range. The search
itself is ``regress.bisect``; here it gets a series, commits, and a runner that measures only that benchmark.
The culprit is then measured in turns with its parent, from scratch, before anybody is told its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from regress.bisect.posterior import logarithms
from regress.bisect.search import Answer, Search
from regress.bisect.verify import Check, check
from regress.domain import Bisection, Commit, EventKind, Series, SeriesKey
from regress.errors import RegressError, UnknownNameError
from regress.runner import Outcome, Runner
from regress.runner.events import CommitStarted, Listener, Note, ignore
from regress.service.project import Project
from regress.service.run import Selection, record_history, run
from regress.store import Store

SMALLEST_NOISE = 1e-6
"""Relative noise assumed of what seems to have none: exact counters still deserve a finite likelihood."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is searched: a series, from ``good`` (hash, at the old level) to ``bad`` (at the new one)."""

    series: Series
    good: str
    bad: str


def bisect(
    project: Project,
    store: Store,
    *,
    benchmark: str = "",
    good: str = "",
    bad: str = "",
    confidence: float = 0.95,
    budget: int = 150,
    listen: Listener = ignore,
    wait: bool = False,
) -> Bisection:
    """Search for the culprit and store the bisection.

    Without ``benchmark`` the latest open regression is taken; ``good`` and ``bad`` (revisions) widen or move
    its range. RegressError when there is nothing to search, UnknownNameError for an unknown benchmark.
    """
    started = datetime.now(UTC)
    if benchmark and good and bad:
        _measure_ends(project, store, benchmark, (good, bad), listen, wait)
    target = find_target(project, store, benchmark, good, bad)
    commits = project.history.select(f"{target.good}..{target.bad}", project.branch)
    start = project.history.select(target.good, project.branch)
    commits = [*start, *commits]
    if len(commits) < 2:
        raise RegressError("the range holds no commit to suspect", hint="Is --good older than --bad?")
    with store.lock("regress bisect", wait=wait, on_wait=lambda text: listen(Note(text))):
        record_history(project, store, commits)
        session = _Session(project, store, target.series.key, commits, listen)
        noise = noise_of(target.series)
        search = Search(len(commits), [noise], confidence=confidence, budget=budget)
        _give_free_evidence(search, target.series, commits)
        found = _record(session, search, session.search_on(search), target, started)
        store.save_bisection(found)
    return found


def find_target(project: Project, store: Store, benchmark: str, good: str, bad: str) -> Target:
    """The series and range that the user's words mean."""
    branch, history = project.branch, project.history
    if good and bad and benchmark:
        a, b = history.resolve(good), history.resolve(bad)
        return Target(_most_changed(project, store, benchmark, a, b), a, b)
    events = store.events(branch, EventKind.REGRESSION)
    changes = [
        change
        for event in events
        if event.is_open
        for change in sorted(event.changes, key=lambda c: -abs(c.change.ratio - 1))
        if not benchmark or change.series.is_called(benchmark)
    ]
    if not changes:
        if benchmark and benchmark not in store.benchmarks():
            raise UnknownNameError("benchmark", benchmark, store.benchmarks())
        hint = "Name what to search: --benchmark NAME --good REV --bad REV."
        raise RegressError("there is no open regression to bisect", hint=hint)
    series = store.series(changes[0].series_id)
    change = changes[0].change
    # Where the shift lies is itself uncertain: take the whole span that the detector allows for.
    first, last = change.span
    before, after = max(0, first - change.slack - 1), min(len(series.points) - 1, last + change.slack)
    a = history.resolve(good) if good else series.points[before].commit
    b = history.resolve(bad) if bad else series.points[after].commit
    return Target(series, a, b)


def noise_of(series: Series) -> float:
    """A series' relative run-to-run noise, from differences of neighbours: a step hardly moves it."""
    values = logarithms(np.array([point.value for point in series.points], dtype=np.float64))
    if len(values) < 3:
        return 0.01
    deviation = float(np.median(np.abs(np.diff(values)))) * 1.4826 / float(np.sqrt(2))
    return max(deviation, SMALLEST_NOISE)


def _measure_ends(
    project: Project, store: Store, benchmark: str, ends: tuple[str, str], listen: Listener, wait: bool
) -> None:
    """Measure a range's ends in a store that does not know the benchmark: they tell its series."""
    known = store.series_list(branch=project.branch)
    if any(s.key.is_called(benchmark) for s in known):
        return
    shas = [project.history.resolve(end) for end in ends]
    if any(not store.measurements_at(sha) for sha in shas):
        listen(Note(f"{benchmark} was not measured yet: both ends of the range come first"))
        if run(project, store, Selection(revisions=tuple(shas)), listen=listen, wait=wait).interrupted:
            raise KeyboardInterrupt  # a run ends in order; the search that wanted it has nothing to go on


def _most_changed(project: Project, store: Store, benchmark: str, good: str, bad: str) -> Series:
    """Of a benchmark's series (its parameters and metrics), the one that differs most between two commits."""
    of_branch = store.series_list(branch=project.branch)
    names = [s.id for s in of_branch if s.key.is_called(benchmark)]
    if not names:
        known = {name for s in of_branch for name in (s.key.benchmark, s.key.title)}
        raise UnknownNameError("benchmark", benchmark, sorted(known))
    at_good, at_bad = dict(store.measurements_at(good)), dict(store.measurements_at(bad))

    def change(series_id: int) -> float:
        if series_id not in at_good or series_id not in at_bad or not at_good[series_id].value:
            return 0.0
        return abs(at_bad[series_id].value / at_good[series_id].value - 1)

    return store.series(max(names, key=change))


def _give_free_evidence(search: Search, series: Series, commits: Sequence[Commit]) -> None:
    """Known points: inside the range at their commit, before and after it at its ends.

    Points beyond another step must not blur an end's level: only the few nearest ones count.
    """
    index = {commit.sha: place for place, commit in enumerate(commits)}
    before = [p.value for p in series.points if p.position < commits[0].position][-5:]
    after = [p.value for p in series.points if p.position > commits[-1].position][:5]
    known = [(0, value) for value in before] + [(len(commits) - 1, value) for value in after]
    for place, value in known:
        search.add(place, [value], free=True)
    for point in series.points:
        if point.commit in index:
            search.add(index[point.commit], [point.value], free=True)


class _Session:
    """Measures one series at commits of a range, and remembers how often and what could not be."""

    def __init__(
        self, project: Project, store: Store, key: SeriesKey, commits: Sequence[Commit], listen: Listener
    ) -> None:
        self.commits = commits
        self.runs = 0
        self._store = store
        self._key = key
        self._listen = listen
        self._runner: Runner = project.runner_of(key.machine)

    def search_on(self, search: Search) -> Answer | None:
        """Measure what the search asks for, until it asks no more; the culprit, when it is sure of one."""
        while (index := search.next()) is not None:
            value = self.measure(index)
            if value is None:
                search.skip(index)
            else:
                search.add(index, [value])
        return search.conclude()

    def measure(self, index: int) -> float | None:
        """The series' value at a commit, measured now; None when it does not build or gives no number."""
        commit = self.commits[index]
        self._listen(CommitStarted(commit, self.runs, 0))
        self.runs += 1
        outcome = self._runner.measure(
            commit, branch=self._key.branch, benchmarks=[self._key.benchmark], listen=self._listen
        )
        if not outcome.built:
            # Worth keeping, unlike the numbers: with one benchmark's a commit would count as measured.
            for delivery in outcome.deliveries:
                self._store.deliver(delivery)
        return self._value(outcome)

    def _value(self, outcome: Outcome) -> float | None:
        """The series' value; RegressError when its benchmark was measured, but as another series."""
        for measurement in outcome.measurements:
            if measurement.series == self._key:
                return measurement.value
        others = {m.series for m in outcome.measurements if m.series.title == self._key.title}
        if others:
            hint = "Measure both ends anew, then bisect: regress run --again GOOD BAD"
            what = f"{self._key.title}: its code or environment changed since it was measured"
            raise RegressError(what, hint=hint)
        return None


def _record(
    session: _Session, search: Search, answer: Answer | None, target: Target, started: datetime
) -> Bisection:
    commits = session.commits
    size = check(*search.sides(answer)) if answer else Check(1.0, 1.0, 1.0)
    return Bisection(
        series=target.series.key,
        good=target.good,
        bad=target.bad,
        first=commits[answer.first].sha if answer else "",
        last=commits[answer.last].sha if answer else "",
        confidence=answer.confidence if answer else search.answer().confidence,
        ratio=size.ratio,
        low=size.low,
        high=size.high,
        verified=answer is not None,
        runs=session.runs,
        skipped=tuple(commits[index].sha for index in search.skipped),
        started_at=started,
        finished_at=datetime.now(UTC),
    )
