"""All regressions and improvements, latest in history first, filtered by kind and state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from regress.config import Config, DetectionConfig, TriageConfig
from regress.domain import OPEN_STATES, Commit, Event, EventKind, SeriesChange, State
from regress.service.browse.common import SPARK_POINTS, Line, Spark, pick_branch, spark
from regress.service.browse.remembering import remembered
from regress.service.browse.standing import Standing, standing
from regress.store import Store


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of a list: the event, its worst change, the commit it starts at (if known), a small line.

    ``standing`` says how sure it is, and whether somebody is waited for.
    """

    event: Event
    worst: SeriesChange
    commit: Commit | None
    spark: Spark
    standing: Standing


@dataclass(frozen=True, slots=True)
class EventsPage:
    """The list and the filters that made it."""

    branch: str | None
    kind: EventKind | None
    state: State | None
    rows: tuple[EventRow, ...]


def event_rows(store: Store, events: Iterable[Event], config: Config | None = None) -> tuple[EventRow, ...]:
    """Events with what a list shows beside them."""
    worst = [(event, event.worst) for event in events if event.changes]
    branches = {change.series.branch for _, change in worst}
    shas = {event.first_after for event, _ in worst}
    commits = {sha: commit for branch in branches for sha, commit in store.located(branch, shas).items()}
    lines = _lines(store, [change for _, change in worst])
    detection, wanted = (config.detection, config.triage) if config else (DetectionConfig(), TriageConfig())
    return tuple(
        EventRow(
            event,
            change,
            commits.get(event.first_after),
            spark(lines.get(change.series_id, ()), change.first_after),
            standing(event, detection, wanted),
        )
        for event, change in worst
    )


def _lines(store: Store, changes: Sequence[SeriesChange]) -> dict[int, Line]:
    """The points around changes, by series; all of a series that has several of the changes."""
    marks = {change.series_id: change.first_after for change in changes}
    several = [id_ for id_, count in Counter(change.series_id for change in changes).items() if count > 1]
    single = {id_: sha for id_, sha in marks.items() if id_ not in several}
    return {**store.ends(single, SPARK_POINTS), **store.lines(several)}


@remembered()
def events_page(
    store: Store,
    branch: str | None = None,
    kind: EventKind | None = None,
    state: State | None = None,
    limit: int = 200,
    config: Config | None = None,
) -> EventsPage:
    """Up to ``limit`` events of a branch (default: the main one)."""
    branch = pick_branch(store, branch)
    events = store.events(branch, kind, state, limit, parts="worst")
    return EventsPage(branch, kind, state, event_rows(store, events, config))


def open_regressions(store: Store, branch: str | None = None) -> tuple[int, bool]:
    """How many regressions of a branch are open, and whether anything is measured there at all."""
    branch = pick_branch(store, branch)
    if branch is None:
        return 0, False
    return store.count_events(branch, EventKind.REGRESSION, OPEN_STATES), store.count_series(branch) > 0
