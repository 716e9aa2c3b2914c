"""Change points become events, and events outlive re-analysis: same place and kind, same triage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, case, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from regress.domain import (
    OPEN_STATES,
    Cause,
    ChangePoint,
    Event,
    EventKind,
    EventUpdate,
    SeriesChange,
    State,
)
from regress.errors import UnknownNameError
from regress.store import history, outbox
from regress.store.dictionary import batches
from regress.store.grouping import Group, Places, group_changes, meet
from regress.store.models import BranchCommitRow, BranchRow, ChangePointRow, CommitRow, EventRow
from regress.store.series import keys_of
from regress.store.types import storable

Parts = Literal["all", "worst", "own"]
"""Which changes come with events: all, the largest of each, or those of the series that is asked for."""

VANISHED = "later measurements no longer show it"
"""The note of an event that was found once and is not found any more."""


class _Places(Places):
    """Where commits stand on the branch, and their ids."""

    def __init__(self, session: Session, branch_key: int) -> None:
        rows = session.execute(
            select(CommitRow.sha, CommitRow.id, BranchCommitRow.position)
            .join(BranchCommitRow, BranchCommitRow.commit_id == CommitRow.id)
            .where(BranchCommitRow.branch_id == branch_key)
        ).all()
        super().__init__({sha: position for sha, _, position in rows})
        self.ids = {sha: id_ for sha, id_, _ in rows}
        self.by_id = {id_: position for _, id_, position in rows}


def replace_changes(
    session: Session,
    project_id: int,
    branch: str,
    changes: Sequence[SeriesChange],
    channels: Collection[str] = (),
) -> EventUpdate:
    """See ``Store.replace_changes``."""
    branch_key = history.branch_id(session, project_id, branch)
    if branch_key is None:
        raise UnknownNameError("branch", branch, history.branches(session, project_id))
    places = _Places(session, branch_key)
    groups = group_changes(changes, places)
    stored = list(
        session.scalars(select(EventRow).where(EventRow.branch_id == branch_key).order_by(EventRow.id))
    )
    matched = _match(groups, stored, places)
    new: list[int] = []
    kept: list[int] = []
    gone: list[int] = []
    brief: list[int] = []
    away = {row.id for row in stored if row.state == State.WENT_AWAY}
    for number, group in enumerate(groups):
        known = matched.get(number)
        told = known is not None and known.note == group.gone  # then a person may have opened it again
        row = _write(session, branch_key, group, known, places)
        if group.gone and not told and _leave(row, group.gone):
            (brief if known is None else gone).append(row.id)
        elif row.state != State.WENT_AWAY:
            (new if known is None else kept).append(row.id)
    surviving = {row.id for row in matched.values()}
    gone += [row.id for row in stored if row.id not in surviving and _leave(row, VANISHED)]
    news = {
        outbox.News.NEW: new,
        outbox.News.RETURNED: [id_ for id_ in kept if id_ in away],
        outbox.News.WENT_AWAY: sorted(gone),
    }
    outbox.write(session, project_id, channels, news, datetime.now(UTC))
    return EventUpdate(tuple(new), tuple(kept), tuple(sorted(gone)), tuple(brief))


def _match(groups: Sequence[Group], stored: Sequence[EventRow], places: _Places) -> dict[int, EventRow]:
    """Pair groups with the stored events they are, nearest first, each at most once."""
    pairs = []
    for number, group in enumerate(groups):
        for row in stored:
            before, after = places.by_id.get(row.last_before_id), places.by_id.get(row.first_after_id)
            same_sort = row.kind == group.kind or row.cause == group.cause != Cause.CODE
            if not same_sort or before is None or after is None:
                continue
            if meet(group.reach, (before + 1, after)):
                pairs.append((abs(group.place[1] - after), row.id, number, row))
    matched: dict[int, EventRow] = {}
    used: set[int] = set()
    for _, id_, number, row in sorted(pairs, key=lambda pair: pair[:3]):
        if number not in matched and id_ not in used:
            matched[number] = row
            used.add(id_)
    return matched


def _write(
    session: Session, branch_key: int, group: Group, row: EventRow | None, places: _Places
) -> EventRow:
    """Store a group as a new event, or as what a known event now is."""
    if row is None:
        row = EventRow(branch_id=branch_key, kind=group.kind.value, state=State.NEW.value)
        row.state_before, row.first_seen = State.NEW.value, datetime.now(UTC)
        session.add(row)
    elif row.state == State.WENT_AWAY and not group.gone:
        row.state = row.state_before
    row.kind, row.cause = group.kind.value, group.cause.value
    row.note = storable(group.gone or group.lead.note)
    row.last_before_id = places.ids[group.lead.last_before]
    row.first_after_id = places.ids[group.lead.first_after]
    session.flush()
    session.execute(delete(ChangePointRow).where(ChangePointRow.event_id == row.id))
    session.add_all(_change_row(row.id, change, places) for change in group.members)
    session.flush()
    return row


def _change_row(event_id: int, told: SeriesChange, places: _Places) -> ChangePointRow:
    change = told.change
    return ChangePointRow(
        event_id=event_id,
        series_id=told.series_id,
        last_before_id=places.ids[told.last_before],
        first_after_id=places.ids[told.first_after],
        earliest_id=places.ids[told.earliest or told.first_after],
        latest_id=places.ids[told.latest or told.first_after],
        index=change.index,
        earliest=change.earliest,
        latest=change.latest,
        before=change.before,
        after=change.after,
        low=change.low,
        high=change.high,
        p_value=change.p_value,
    )


def _leave(row: EventRow, note: str) -> bool:
    """Mark an event that is over; False where there is nothing to tell."""
    if row.state not in OPEN_STATES:
        return False
    row.state_before, row.state, row.note = row.state, State.WENT_AWAY.value, note
    return True


def _events() -> Select[*tuple[Any, ...]]:
    before, after = aliased(CommitRow), aliased(CommitRow)
    return (
        select(EventRow, before.sha, after.sha)
        .join(BranchRow, BranchRow.id == EventRow.branch_id)
        .join(before, before.id == func.coalesce(EventRow.placed_before_id, EventRow.last_before_id))
        .join(after, after.id == func.coalesce(EventRow.placed_after_id, EventRow.first_after_id))
        .outerjoin(
            BranchCommitRow,
            (BranchCommitRow.branch_id == EventRow.branch_id) & (BranchCommitRow.commit_id == after.id),
        )
        .order_by(BranchCommitRow.position.is_(None), BranchCommitRow.position.desc(), EventRow.id.desc())
    )


def events(
    session: Session,
    project_id: int,
    branch: str | None,
    kind: EventKind | None,
    states: Collection[State] | None,
    limit: int | None,
    series_id: int | None = None,
    first_after: str | None = None,
    parts: Parts = "all",
) -> list[Event]:
    """See ``Store.events``."""
    query = _events().where(*_wanted(project_id, branch, kind, states)).limit(limit)
    if series_id is not None:
        has_it = select(ChangePointRow.event_id).where(ChangePointRow.series_id == series_id)
        query = query.where(EventRow.id.in_(has_it))
    if first_after is not None:
        starts = select(CommitRow.id).where(CommitRow.sha == first_after)
        query = query.where(EventRow.first_after_id.in_(starts))
    return _load(session, query, parts, series_id)


def count(
    session: Session,
    project_id: int,
    branch: str | None,
    kind: EventKind | None,
    states: Collection[State] | None,
) -> int:
    """See ``Store.count_events``."""
    counted = select(func.count()).select_from(EventRow).join(BranchRow, BranchRow.id == EventRow.branch_id)
    return session.scalar(counted.where(*_wanted(project_id, branch, kind, states))) or 0


def _wanted(
    project_id: int, branch: str | None, kind: EventKind | None, states: Collection[State] | None
) -> list[ColumnElement[bool]]:
    wanted = [BranchRow.project_id == project_id]
    if branch is not None:
        wanted.append(BranchRow.name == branch)
    if kind is not None:
        wanted.append(EventRow.kind == kind.value)
    if states is not None:
        wanted.append(EventRow.state.in_([state.value for state in states]))
    return wanted


def event(session: Session, event_id: int) -> Event:
    """See ``Store.event``."""
    found = _load(session, _events().where(EventRow.id == event_id))
    if not found:
        raise UnknownNameError("event", str(event_id))
    return found[0]


def _load(
    session: Session, query: Select[*tuple[Any, ...]], parts: Parts = "all", series_id: int | None = None
) -> list[Event]:
    rows = session.execute(query).all()
    changes = _changes(session, {row.id: (Cause(row.cause), row.note) for row, *_ in rows}, parts, series_id)
    sizes = {} if parts == "all" else _sizes(session, changes)
    return [
        Event(
            row.id,
            EventKind(row.kind),
            before,
            after,
            State(row.state),
            tuple(changes[row.id]),
            row.first_seen,
            Cause(row.cause),
            row.note,
            row.assignee,
            row.fixed_by,
            row.placed_after_id is not None,
            sizes.get(row.id, len(changes[row.id])) - len(changes[row.id]),
        )
        for row, before, after in rows
    ]


def _changes(
    session: Session, causes: Mapping[int, tuple[Cause, str]], parts: Parts, series_id: int | None
) -> defaultdict[int, list[SeriesChange]]:
    """The parts of events, whose causes are told, the surest first; by columns: there may be thousands."""
    row, changes = ChangePointRow, defaultdict[int, list[SeriesChange]](list)
    for batch in batches(causes):
        wanted: ColumnElement[bool] = row.event_id.in_(batch)
        if parts == "worst":
            wanted = row.id.in_(_largest(wanted))
        elif parts == "own":
            wanted = wanted & (row.series_id == series_id)
        found = session.execute(
            select(row.event_id, row.series_id, *_ENDS, *_CHANGE).where(wanted).order_by(row.p_value, row.id)
        ).all()
        series = keys_of(session, {told[1] for told in found})
        shas = _shas(session, {id_ for told in found for id_ in told[2:6]})
        for event_id, series_id, before, after, earliest, latest, *change in found:
            ends = (shas[before], shas[after])
            span = (shas[earliest], shas[latest])
            why = causes[event_id]
            part = SeriesChange(series_id, series[series_id], *ends, ChangePoint(*change), *span, *why)
            changes[event_id].append(part)
    return changes


def _largest(wanted: ColumnElement[bool]) -> Select[int]:
    """The ids of the changes that are ``Event.worst``.

    PostgreSQL refuses to divide by zero, and what leaves the range of its numbers: such a change is the
    largest.
    """
    row, far = ChangePointRow, 1e100
    before, after = func.abs(row.before), func.abs(row.after)
    beyond = or_(before < 1 / far, before > far, after > far, (after > 0) & (after < 1 / far))
    size = case((beyond, far), else_=func.abs(row.after / row.before - 1))
    place = func.row_number().over(partition_by=row.event_id, order_by=(size.desc(), row.p_value, row.id))
    ranked = select(row.id, place.label("place")).where(wanted).subquery()
    return select(ranked.c.id).where(ranked.c.place == 1)


def _sizes(session: Session, ids: Iterable[int]) -> dict[int, int]:
    """How many changes events have."""
    sizes: dict[int, int] = {}
    for batch in batches(ids):
        here = select(ChangePointRow.event_id, func.count()).where(ChangePointRow.event_id.in_(batch))
        sizes |= dict(session.execute(here.group_by(ChangePointRow.event_id)).all())
    return sizes


_ENDS = (
    ChangePointRow.last_before_id,
    ChangePointRow.first_after_id,
    ChangePointRow.earliest_id,
    ChangePointRow.latest_id,
)
_CHANGE = (
    ChangePointRow.index,
    ChangePointRow.before,
    ChangePointRow.after,
    ChangePointRow.low,
    ChangePointRow.high,
    ChangePointRow.p_value,
    ChangePointRow.earliest,
    ChangePointRow.latest,
)  # in the order of ``ChangePoint``


def _shas(session: Session, ids: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for batch in batches(ids):
        rows = session.execute(select(CommitRow.id, CommitRow.sha).where(CommitRow.id.in_(batch)))
        found.update((id_, sha) for id_, sha in rows)
    return found
