"""One series: its points with their commits, the levels it went through, and where it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from regress.config import Config
from regress.domain import (
    ChangePoint,
    Commit,
    Event,
    EventKind,
    Failure,
    FailureKind,
    Point,
    SeriesChange,
    SeriesKey,
    SeriesSummary,
    State,
)
from regress.errors import UnknownNameError
from regress.service.browse.common import SPARK_POINTS, Spark, spark
from regress.service.browse.evidence import Tags, tags
from regress.service.browse.remembering import remembered
from regress.service.sight import Sight, sight
from regress.store import Store

SIBLINGS = 24
"""Other series of the benchmark that have a small line; the rest are names."""

SEEN = 2_000
"""Newest points from which a page tells what a series sees: more would tell the same, later."""


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
class Flag:
    """A place of the branch that charts name: a tag (``tag`` is true), or what changed around the code."""

    position: int
    label: str
    tag: bool


class Relation(Enum):
    """What another series of the benchmark has in common with this one: the rest of what makes a series."""

    PARAMETERS = "Other parameters"
    PLACES = "Other machines and environments"
    OTHERS = "Other series"


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another series of the benchmark, with the end of it as a small line."""

    summary: SeriesSummary
    spark: Spark
    relation: Relation


@dataclass(frozen=True, slots=True)
class PointPage:
    """One measurement by itself: its commit, its samples, and the point before it (None: it is the first)."""

    series_id: int
    key: SeriesKey
    here: LocatedPoint
    before: Point | None


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """Everything the series page says but its chart; newest points, marks and failures oldest first.

    ``points`` counts all of them.
    """

    id: int
    key: SeriesKey
    points: int
    newest: tuple[LocatedPoint, ...]
    marks: tuple[Mark, ...]
    failures: tuple[SeriesFailure, ...]
    siblings: tuple[Sibling, ...]
    sight: Sight
    flags: tuple[Flag, ...]

    @property
    def related(self) -> list[tuple[Relation, list[Sibling]]]:
        """The siblings by what they share with this series."""
        groups = [(sort, [row for row in self.siblings if row.relation is sort]) for sort in Relation]
        return [(sort, rows) for sort, rows in groups if rows]

    @property
    def latest(self) -> LocatedPoint | None:
        """The newest point."""
        return self.newest[-1] if self.newest else None


def series_page(store: Store, series_id: int, newest: int = 200, config: Config | None = None) -> SeriesPage:
    """A series by id, with its ``newest`` points. UnknownNameError when there is none."""
    page = _told(store, series_id, newest, config)
    tagged = _tagged(store, page.key.branch, tags(config.root)) if config else ()
    return replace(page, flags=tuple(sorted((*tagged, *page.flags), key=lambda flag: flag.position)))


@remembered()
def _told(store: Store, series_id: int, newest: int, config: Config | None) -> SeriesPage:
    """All of it but what the repository knows."""
    series, total = store.newest_points(series_id, max(newest, SEEN))
    key = series.key
    failures = [failure for failure in store.failures() if _concerns(failure, key)]
    events = store.events(key.branch, series_id=series_id, parts="own")
    parts = [(event, part) for event in events for part in event.changes]
    mine = [(event, part) for event, part in parts if part.series_id == series.id]
    ends = (sha for _, part in mine for sha in (part.last_before, part.first_after))
    commits = store.located(key.branch, [*ends, *(failure.commit for failure in failures)])
    rows = [row for row in store.series_list(key.branch, key.benchmark) if row.id != series_id]
    rows.sort(key=lambda row: list(Relation).index(_relation(key, row.key)))
    lines = store.ends({row.id: None for row in rows[:SIBLINGS]}, SPARK_POINTS)
    siblings = [Sibling(row, spark(lines.get(row.id, ())), _relation(key, row.key)) for row in rows]
    return SeriesPage(
        id=series.id,
        key=key,
        points=total,
        newest=tuple(locate(store, key.branch, series.points[-newest:])),
        marks=_marks(mine, commits),
        failures=_failures(failures, commits),
        siblings=tuple(siblings),
        sight=sight(store, series, events, config),
        flags=_changed(store, series_id),
    )


def point_page(store: Store, series_id: int, position: int) -> PointPage:
    """The measurement of a series at a position of its branch. UnknownNameError when there is none."""
    key = store.series_key(series_id)
    line = [place for place, _ in store.line(series_id, stop=position)]
    here = locate(store, key.branch, store.points_at(series_id, [position]))
    if not here:
        raise UnknownNameError("point", str(position))
    before = store.points_at(series_id, line[-2:-1])
    return PointPage(series_id, key, here[0], before[0] if before else None)


@remembered()
def _tagged(store: Store, branch: str, known: Tags) -> tuple[Flag, ...]:
    named = {sha: name for name, sha in known.named.items()}
    found = store.located(branch, named)
    return tuple(Flag(commit.position, named[sha], tag=True) for sha, commit in found.items())


def _changed(store: Store, series_id: int) -> tuple[Flag, ...]:
    found = []
    for position, changed in store.series_fact_changes(series_id):
        said = "; ".join(f"{name}: {old or 'unknown'} → {new or 'unknown'}" for name, old, new in changed)
        found.append(Flag(position, said, tag=False))
    return tuple(found)


def locate(store: Store, branch: str, points: Sequence[Point]) -> list[LocatedPoint]:
    """Points of a branch with their commits."""
    commits = store.located(branch, (point.commit for point in points))
    return [LocatedPoint(point, commits[point.commit]) for point in points if point.commit in commits]


def _relation(key: SeriesKey, other: SeriesKey) -> Relation:
    if (key.metric, key.version) == (other.metric, other.version):
        if (key.machine, key.environment) == (other.machine, other.environment):
            return Relation.PARAMETERS
        if key.parameters == other.parameters:
            return Relation.PLACES
    return Relation.OTHERS


def _marks(parts: list[tuple[Event, SeriesChange]], commits: dict[str, Commit]) -> tuple[Mark, ...]:
    """The series' part in events; those judged invalid or no longer found are history, not marks."""
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
        for event, part in parts
        if event.has_levels
        if part.last_before in commits and part.first_after in commits
    ]
    return tuple(sorted(marks, key=lambda mark: mark.after))


def _failures(failures: list[Failure], commits: dict[str, Commit]) -> tuple[SeriesFailure, ...]:
    mine = [SeriesFailure(f, commits[f.commit]) for f in failures if f.commit in commits]
    return tuple(sorted(mine, key=lambda row: row.commit.position))


def _concerns(failure: Failure, key: SeriesKey) -> bool:
    if (failure.machine, failure.environment) != (key.machine, key.environment):
        return False
    if failure.kind is FailureKind.BUILD:
        return True
    return failure.benchmark == key.benchmark and failure.parameters in ((), key.parameters)
