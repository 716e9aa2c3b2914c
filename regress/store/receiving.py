"""What a delivery from elsewhere brings: history and results, in the caller's one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from regress.domain import Commit, Delivery, Receipt
from regress.measurements import Measurements
from regress.store import deliveries, history


def receive(
    session: Session, project_id: int, delivery: Delivery, told: Sequence[Commit]
) -> tuple[Receipt, tuple[str, ...]]:
    """See ``Store.receive``."""
    (receipt,) = deliveries.deliver(session, project_id, [delivery])
    if told:
        history.record_commits(session, project_id, delivery.branch, told, default=False)
    elif not receipt.duplicate:
        _order_by_time(session, project_id, delivery)
    shas = dict.fromkeys(Measurements.of(delivery.measurements).commits)
    placed = history.located(session, project_id, delivery.branch, shas)
    return receipt, tuple(sha for sha in shas if sha not in placed)


def _order_by_time(session: Session, project_id: int, delivery: Delivery) -> None:
    """Place commits by their times, unless a repository has told the branch's history."""
    known = history.commits(session, project_id, delivery.branch)
    if any(commit.author for commit in known) or not delivery.commit_times:
        return
    times = {commit.sha: commit.committed_at for commit in known} | dict(delivery.commit_times)
    if len(times) == len(known):
        return
    ordered = sorted(times.items(), key=lambda item: (item[1], item[0]))
    commits = [Commit(sha, (), "", at, at, "", position) for position, (sha, at) in enumerate(ordered)]
    history.record_commits(session, project_id, delivery.branch, commits, default=False)
