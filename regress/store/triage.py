"""What people decide about events, and who said what when: sticky across re-analysis."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from regress.domain import Decision, TriageAct, TriageStep
from regress.errors import UnknownNameError
from regress.store import outbox
from regress.store.models import CommitRow, EventRow, TriageRow
from regress.store.types import storable


def decide(session: Session, event_id: int, decision: Decision, who: str) -> None:
    """See ``Store.decide``."""
    row = session.get(EventRow, event_id)
    if row is None:
        raise UnknownNameError("event", str(event_id))
    now = datetime.now(UTC)
    done = list(_carry_out(session, row, decision))
    if done:
        outbox.write_triage(session, event_id, now)
    for act, text in done:
        step = TriageRow(event_id=event_id, at=now, who=storable(who), act=act.value, text=storable(text))
        session.add(step)


def _carry_out(session: Session, row: EventRow, decision: Decision) -> Iterator[tuple[TriageAct, str]]:
    """Make the row what was decided; what that changed."""
    if decision.state is not None and decision.state.value != row.state:
        row.state = row.state_before = decision.state.value
        yield TriageAct.STATE, decision.state.value
    if decision.assignee is not None and decision.assignee != row.assignee:
        row.assignee = storable(decision.assignee)
        yield TriageAct.ASSIGNED, decision.assignee
    if decision.fixed_by is not None and decision.fixed_by != row.fixed_by:
        row.fixed_by = storable(decision.fixed_by)
        yield TriageAct.FIXED_BY, decision.fixed_by
    if decision.place is not None:
        row.placed_before_id, row.placed_after_id = (_commit(session, sha) for sha in decision.place)
        yield TriageAct.MOVED, decision.place[1]
    if decision.note:
        yield TriageAct.NOTE, decision.note


def _commit(session: Session, sha: str) -> int:
    found = session.scalar(select(CommitRow.id).where(CommitRow.sha == sha))
    if found is None:
        raise UnknownNameError("commit", sha)
    return found


def steps(session: Session, event_id: int) -> list[TriageStep]:
    """See ``Store.triage_steps``."""
    query = select(TriageRow).where(TriageRow.event_id == event_id).order_by(TriageRow.id)
    return [TriageStep(row.at, row.who, TriageAct(row.act), row.text) for row in session.scalars(query)]
