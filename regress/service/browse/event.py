"""One regression or improvement: its series, where it can have come from, what speaks for it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from regress.config import Config, DetectionConfig, TriageConfig
from regress.domain import BisectionState, ChangedFile, Commit, Event, SeriesChange, TriageStep
from regress.service.browse.bisections import commits_of
from regress.service.browse.common import Spark, commit_or_unknown, spark, whole
from regress.service.browse.evidence import Evidence, evidence, touched_files
from regress.service.browse.remembering import remembered
from regress.service.browse.standing import Standing, factor, standing
from regress.service.sight import seconds_of
from regress.store import Store

SHOWN = 100
"""Affected series that are listed, the largest changes first."""

SEARCHES = 200
"""The newest searches, among which are those that an event's page tells of."""

MANY = 2_000
"""Changes of an event that is kept in memory for the next reader: 1 MB."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One affected series, with small lines: around its change, and all of its history."""

    part: SeriesChange
    factor: float
    spark: Spark
    history: Spark


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Affected series whose change lies between the same two measured commits."""

    last_before: str
    first_after: str
    rows: tuple[ChangeRow, ...]


@dataclass(frozen=True, slots=True)
class EventPage:
    """``suspects`` are the commits after the last good one up to the first bad one, oldest first.

    ``groups`` hold the largest ``SHOWN`` of its changes. ``bisections`` are the searches, newest first, that
    looked at one of its series and ended among the suspects, or still look there. ``differences`` are what
    its runs told of their machine and environment: (name, before, after). ``files`` is None where the
    repository is not at hand, and ``seconds`` is what one measurement of its worst series takes, where times
    tell.
    """

    event: Event
    standing: Standing
    groups: tuple[ChangeGroup, ...]
    before: Commit | None
    after: Commit | None
    suspects: tuple[Commit, ...]
    bisections: tuple[BisectionState, ...]
    evidence: Evidence | None
    differences: tuple[tuple[str, str, str], ...]
    files: tuple[ChangedFile, ...] | None
    steps: tuple[TriageStep, ...]
    seconds: float | None

    @property
    def shown(self) -> int:
        """How many of its changes are listed."""
        return sum(len(group.rows) for group in self.groups)


def event_page(store: Store, event_id: int, config: Config | None = None) -> EventPage:
    """An event by id, its series largest change first. UnknownNameError when there is none."""
    page = _told(store, event_id, config)
    event = page.event
    files = touched_files(config.root, event.last_before, event.first_after) if config else None
    return replace(page, files=files)


@remembered(keep=lambda page: page.event.size <= MANY)
def _told(store: Store, event_id: int, config: Config | None) -> EventPage:
    """All of it but what the repository knows."""
    event = store.event(event_id)
    worst = event.worst
    detection, wanted = (config.detection, config.triage) if config else (DetectionConfig(), TriageConfig())
    before, after = commit_or_unknown(store, event.last_before), commit_or_unknown(store, event.first_after)
    suspects = _suspects(store, event, before, after)
    return EventPage(
        event=event,
        standing=standing(event, detection, wanted),
        groups=_groups(store, event, detection),
        before=before,
        after=after,
        suspects=suspects,
        bisections=_bisections(store, event, suspects),
        evidence=evidence(store, worst),
        differences=store.fact_differences(worst.series_id, worst.last_before, worst.first_after),
        files=None,
        steps=tuple(store.triage_steps(event_id)),
        seconds=seconds_of(store, worst.series_id),
    )


def _groups(store: Store, event: Event, detection: DetectionConfig) -> tuple[ChangeGroup, ...]:
    """The largest changes by where they are: the group with the largest of all first."""
    parts = sorted(event.changes, key=lambda part: -abs(part.change.ratio - 1))[:SHOWN]
    lines = store.lines({part.series_id for part in parts})
    first = {(part.last_before, part.first_after): i for i, part in reversed(list(enumerate(parts)))}

    def place(part: SeriesChange) -> int:
        return first[part.last_before, part.first_after]

    def row(part: SeriesChange) -> ChangeRow:
        line = lines.get(part.series_id, ())
        return ChangeRow(
            part, factor(part, detection), spark(line, part.first_after), whole(line, part.first_after)
        )

    grouped = itertools.groupby(sorted(parts, key=place), key=place)
    found = (tuple(map(row, members)) for _, members in grouped)
    return tuple(ChangeGroup(rows[0].part.last_before, rows[0].part.first_after, rows) for rows in found)


def _suspects(store: Store, event: Event, before: Commit | None, after: Commit | None) -> tuple[Commit, ...]:
    if before is None or after is None:
        return ()
    branch, span = event.worst.series.branch, (before.position + 1, after.position)
    return tuple(store.commits(branch, span=span))


def _bisections(store: Store, event: Event, suspects: tuple[Commit, ...]) -> tuple[BisectionState, ...]:
    series = {part.series for part in event.changes}
    places = {commit.sha for commit in suspects}
    told = [one for one in store.searches.newest(SEARCHES) if one.plan.series in series]
    return tuple(one for one in told if _is_about(store, one, places))


def _is_about(store: Store, search: BisectionState, suspects: set[str]) -> bool:
    """Whether a search named one of the suspects, or has not ended and has one in its range."""
    if search.found is not None:
        return search.found.first in suspects
    return any(commit.sha in suspects for commit in commits_of(store, search)[1:])
