"""The audit log: who did what; only ever added to."""

from __future__ import annotations

from dataclasses import astuple, fields
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from regress.domain import AuditEntry, Deed
from regress.store.models import AuditRow

_FACTS = tuple(field.name for field in fields(Deed))


def record(session: Session, project_id: int, deed: Deed) -> None:
    """Add an deed, in the caller's transaction: it is remembered exactly if what it did is."""
    facts = dict(zip(_FACTS, astuple(deed), strict=True))
    session.add(AuditRow(project_id=project_id, at=datetime.now(UTC), **facts))


def entries(
    session: Session,
    project_id: int,
    limit: int,
    before: int | None,
    target: str | None,
    action: str | None,
) -> list[AuditEntry]:
    """See ``Store.audit``."""
    query = select(AuditRow).where(AuditRow.project_id == project_id)
    if before is not None:
        query = query.where(AuditRow.id < before)
    if target is not None:
        query = query.where(AuditRow.target == target)
    if action is not None:
        query = query.where(AuditRow.action == action)
    rows = session.scalars(query.order_by(AuditRow.id.desc()).limit(limit))
    return [AuditEntry(row.id, row.at, Deed(*(getattr(row, name) for name in _FACTS))) for row in rows]
