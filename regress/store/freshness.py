"""Which branches hold what no analysis has seen, and when the newest analysis of a branch ended.

A branch's row in ``ledger`` is the last thing that an analysis writes. Its time is taken away when one
begins, so that an analysis that was killed leaves a branch that asks for another.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from regress.store.models import BranchRow, ExaminationRow, LedgerRow, SeriesRow

_UNFINISHED = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a ledger whose branch is being analysed, or was when its process died."""


def begin(session: Session, project_id: int, branch: str) -> None:
    """See ``Store.begin_analysis``."""
    here = select(BranchRow.id).where(BranchRow.project_id == project_id, BranchRow.name == branch)
    row = update(LedgerRow).where(LedgerRow.branch_id.in_(here))
    session.execute(row.values(recorded_at=_UNFINISHED))


def unanalysed(session: Session, project_id: int, settings: str) -> list[str]:
    """See ``Store.unanalysed``."""
    measured = (SeriesRow.branch_id == BranchRow.id, SeriesRow.points > 0)
    examined = exists().where(
        ExaminationRow.series_id == SeriesRow.id,
        ExaminationRow.edition == SeriesRow.edition,
        ExaminationRow.settings == settings,
    )
    finished = exists().where(LedgerRow.branch_id == BranchRow.id, LedgerRow.recorded_at > _UNFINISHED)
    query = (
        select(BranchRow.name)
        .where(BranchRow.project_id == project_id, exists().where(*measured))
        .where(or_(~finished, exists().where(*measured, ~examined)))
        .order_by(BranchRow.id)
    )
    return list(session.scalars(query))


def analysed_at(session: Session, project_id: int, branch: str) -> datetime | None:
    """See ``Store.analysed_at``."""
    query = (
        select(LedgerRow.recorded_at)
        .join(BranchRow, BranchRow.id == LedgerRow.branch_id)
        .where(BranchRow.project_id == project_id, BranchRow.name == branch)
    )
    at = session.scalar(query)
    return None if at is None or at <= _UNFINISHED else at
