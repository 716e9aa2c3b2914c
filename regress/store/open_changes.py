"""Which series are in an open event: for lists, which show it beside each of many series."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from regress.domain import OPEN_STATES, EventKind, OpenChange, relative
from regress.store.dictionary import batches
from regress.store.models import BranchCommitRow, ChangePointRow, CommitRow, EventRow


def open_changes(session: Session, series_ids: Iterable[int]) -> dict[int, OpenChange]:
    """See ``Store.open_changes``."""
    part, found = ChangePointRow, dict[int, OpenChange]()
    told = (
        select(part.series_id, EventRow.id, EventRow.kind, CommitRow.sha, part.before, part.after)
        .join(EventRow, EventRow.id == part.event_id)
        .join(CommitRow, CommitRow.id == func.coalesce(EventRow.placed_after_id, part.first_after_id))
        .outerjoin(
            BranchCommitRow,
            (BranchCommitRow.branch_id == EventRow.branch_id) & (BranchCommitRow.commit_id == CommitRow.id),
        )
        .where(EventRow.state.in_([state.value for state in OPEN_STATES]))
        # the latest is what stays; of commits that left the branch databases disagree where they come
        .order_by(BranchCommitRow.position.is_not(None), BranchCommitRow.position, part.id)
    )
    for batch in batches(series_ids):
        rows = session.execute(told.where(part.series_id.in_(batch)))
        for series_id, event, kind, sha, before, after in rows:
            found[series_id] = OpenChange(event, EventKind(kind), sha, relative(before, after))
    return found
