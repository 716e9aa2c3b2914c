"""One series: its points with their commits, the levels it went through, and where it failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from regress.domain import (
    ChangePoint,
    Commit,
    Event,
    EventKind,
    Failure,
    FailureKind,
    Point,
    Series,
    SeriesKey,
    SeriesSummary,
    State,
)
from regress.store import Store


@dataclass(frozen=True, slots=True)
class LocatedPoint:
    """A point with the commit it belongs to."""

    point: Point
    commit: Commit


@dataclass(frozen=True, slots=True)
class Mark:
    """A change point of this series: between positions ``before`` and ``after`` of the branch."""

    event_id: int
    kind: EventKind
    state: State
    change: ChangePoint
    last_before: str
    first_after: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SeriesFailure:
    """A commit at which this series gave no number."""

    failure: Failure
    commit: Commit


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """Everything the series page says; points, marks and failures oldest first."""

    id: int
    key: SeriesKey
    points: tuple[LocatedPoint, ...]
    marks: tuple[Mark, ...]
    failures: tuple[SeriesFailure, ...]
    siblings: tuple[SeriesSummary, ...]

    @property
    def latest(self) -> LocatedPoint | None:
        """The newest point."""
        return self.points[-1] if self.points else None

    @property
    def last_data(self) -> datetime | None:
        """When the newest measured commit was made."""
        return self.points[-1].commit.committed_at if self.points else None


def series_page(store: Store, series_id: int) -> SeriesPage:
    """A series by id. UnknownNameError when there is none."""
    series = store.series(series_id)
    key = series.key
    commits = {commit.sha: commit for commit in store.commits(key.branch)}
    siblings = [row for row in store.series_list(key.branch, key.benchmark) if row.id != series_id]
    return SeriesPage(
        id=series.id,
        key=key,
        points=tuple(LocatedPoint(p, commits[p.commit]) for p in series.points if p.commit in commits),
        marks=_marks(store.events(key.branch), series, commits),
        failures=_failures(store.failures(), key, commits),
        siblings=tuple(siblings),
    )


def _marks(events: list[Event], series: Series, commits: dict[str, Commit]) -> tuple[Mark, ...]:
    """The series' part in events; those judged invalid or gone are history, not marks."""
    marks = [
        Mark(
            event_id=event.id,
            kind=event.kind,
            state=event.state,
            change=part.change,
            last_before=part.last_before,
            first_after=part.first_after,
            before=commits[part.last_before].position,
            after=commits[part.first_after].position,
        )
        for event in events
        if event.state not in (State.INVALID, State.WENT_AWAY)
        for part in event.changes
        if part.series_id == series.id and part.last_before in commits and part.first_after in commits
    ]
    return tuple(sorted(marks, key=lambda mark: mark.after))


def _failures(
    failures: list[Failure], key: SeriesKey, commits: dict[str, Commit]
) -> tuple[SeriesFailure, ...]:
    mine = [
        SeriesFailure(f, commits[f.commit]) for f in failures if f.commit in commits and _concerns(f, key)
    ]
    return tuple(sorted(mine, key=lambda row: row.commit.position))


def _concerns(failure: Failure, key: SeriesKey) -> bool:
    if (failure.machine, failure.environment) != (key.machine, key.environment):
        return False
    if failure.kind is FailureKind.BUILD:
        return True
    return failure.benchmark == key.benchmark and failure.parameters in ((), key.parameters)
