"""One regression or improvement: every series in it, and the commits it can have come from."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import Bisection, Commit, Event, SeriesChange
from regress.service.browse.common import Spark, commit_or_unknown, spark
from regress.store import Store


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One affected series with a small line around its change."""

    part: SeriesChange
    spark: Spark


@dataclass(frozen=True, slots=True)
class EventPage:
    """``suspects`` are the commits after the last good one up to the first bad one, oldest first.

    ``bisections`` are the searches, newest first, that looked at one of its series and ended among them.
    """

    event: Event
    rows: tuple[ChangeRow, ...]
    before: Commit | None
    after: Commit | None
    suspects: tuple[Commit, ...]
    bisections: tuple[Bisection, ...]


def event_page(store: Store, event_id: int) -> EventPage:
    """An event by id, its series largest change first. UnknownNameError when there is none."""
    event = store.event(event_id)
    parts = sorted(event.changes, key=lambda part: -abs(part.change.ratio - 1))
    before, after = commit_or_unknown(store, event.last_before), commit_or_unknown(store, event.first_after)
    lines = store.lines({part.series_id for part in parts})
    rows = [ChangeRow(part, spark(lines.get(part.series_id, ()), part.first_after)) for part in parts]
    suspects = _suspects(store, event, before, after)
    return EventPage(event, tuple(rows), before, after, suspects, _bisections(store, event, suspects))


def _suspects(store: Store, event: Event, before: Commit | None, after: Commit | None) -> tuple[Commit, ...]:
    if before is None or after is None or not event.changes:
        return ()
    branch, span = event.changes[0].series.branch, (before.position + 1, after.position)
    return tuple(store.commits(branch, span=span))


def _bisections(store: Store, event: Event, suspects: tuple[Commit, ...]) -> tuple[Bisection, ...]:
    series = {part.series for part in event.changes}
    places = {commit.sha for commit in suspects}
    found = [row for row in store.bisections() if row.series in series and row.first in places]
    return tuple(sorted(found, key=lambda row: row.finished_at, reverse=True))
