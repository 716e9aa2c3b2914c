"""What ``regress bisect`` searches: the series and range that the user's words mean, what is known of it."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import EventKind, Series, SeriesChange
from regress.errors import RegressError, UnknownNameError
from regress.runner.events import Listener, Note
from regress.service.project import Project
from regress.service.run import Selection, run
from regress.service.run_distributed import Where, run_distributed
from regress.store import Store


@dataclass(frozen=True, slots=True)
class Target:
    """What is searched: a series, from ``good`` (hash, at the old level) to ``bad`` (at the new one)."""

    series: Series
    good: str
    bad: str


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
    found = target_of(store, changes[0])
    a = history.resolve(good) if good else found.good
    b = history.resolve(bad) if bad else found.bad
    return Target(found.series, a, b)


def target_of(store: Store, part: SeriesChange) -> Target:
    """What to search for a change of a series: the whole span that the detector allows for."""
    series = store.series(part.series_id)
    first, last = part.change.span
    before = max(0, first - part.change.slack - 1)
    after = min(len(series.points) - 1, last + part.change.slack)
    return Target(series, series.points[before].commit, series.points[after].commit)


def measure_ends(
    project: Project,
    store: Store,
    benchmark: str,
    ends: tuple[str, str],
    where: Where | None,
    listen: Listener,
    wait: bool,
) -> None:
    """Measure a range's ends in a store that does not know the benchmark: they tell its series."""
    known = store.series_list(branch=project.branch)
    if any(s.key.is_called(benchmark) for s in known):
        return
    shas = [project.history.resolve(end) for end in ends]
    if any(not store.measurements_at(sha) for sha in shas):
        listen(Note(f"{benchmark} was not measured yet: both ends of the range come first"))
        chosen = Selection(revisions=tuple(shas))
        if where:
            report = run_distributed(project, store, chosen, where, listen=listen, wait=wait)
        else:
            report = run(project, store, chosen, listen=listen, wait=wait)
        if report.interrupted:
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
