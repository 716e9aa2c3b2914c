"""Retention: raw samples that are old enough give way to what they were rolled up to.

A measurement keeps its value and bounds for ever. Its raw samples are kept too where they are the only record
of its spread (no bounds), around every change point, and where nobody knows when or where in history it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from regress.store.models import BranchCommitRow, BranchRow, ChangePointRow, MeasurementRow, SeriesRow


@dataclass(frozen=True, slots=True)
class Pruned:
    """Measurements that lose their raw samples, and the bytes that those take."""

    measurements: int
    bytes: int


def prune(session: Session, project_id: int, before: datetime, around: int, *, dry_run: bool) -> Pruned:
    """See ``Store.prune``."""
    old = _old(project_id, before, around).subquery()
    found = session.execute(select(func.count(), func.coalesce(func.sum(old.c.size), 0))).one()
    if not dry_run:
        place = tuple_(MeasurementRow.series_id, MeasurementRow.commit_id)
        gone = update(MeasurementRow).where(place.in_(select(old.c.series_id, old.c.commit_id)))
        session.execute(gone.values(samples=None), execution_options={"synchronize_session": False})
    return Pruned(int(found[0]), int(found[1]))


def _old(project_id: int, before: datetime, around: int) -> Select[tuple[int, int, int]]:
    """The measurements whose samples may go."""
    row, here = MeasurementRow, aliased(BranchCommitRow)
    first, last = aliased(BranchCommitRow), aliased(BranchCommitRow)
    near_a_change = exists().where(
        ChangePointRow.series_id == row.series_id,
        first.branch_id == here.branch_id,
        first.commit_id == ChangePointRow.earliest_id,
        last.branch_id == here.branch_id,
        last.commit_id == ChangePointRow.latest_id,
        here.position.between(first.position - around, last.position + around),
    )
    return (
        select(row.series_id, row.commit_id, func.length(row.samples).label("size"))
        .join(SeriesRow, SeriesRow.id == row.series_id)
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .join(here, (here.branch_id == SeriesRow.branch_id) & (here.commit_id == row.commit_id))
        .where(BranchRow.project_id == project_id, row.samples.is_not(None), row.measured_at < before)
        .where(row.low.is_not(None), row.high.is_not(None), ~near_a_change)
    )
