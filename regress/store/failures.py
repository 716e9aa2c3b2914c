"""Failures: recorded beside measurements, forgotten when a measurement takes their place."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from regress.domain import Failure, FailureKind
from regress.store.dictionary import Dictionary, batches, unpack_pairs
from regress.store.models import (
    Base,
    BranchCommitRow,
    BranchRow,
    CommitRow,
    EnvironmentRow,
    FailureRow,
    MachineRow,
    ParametersRow,
    SeriesRow,
)
from regress.store.types import storable

Place = tuple[int, int, int, str, int]
"""What a failure is about: ids of commit, machine and environment, benchmark (or empty), id of parameters."""


_TABLE = Base.metadata.tables[FailureRow.__tablename__]
_ONE_AT = select(_TABLE.c.id).where(_TABLE.c.commit_id.in_(bindparam("commits", expanding=True))).limit(1)


def any_at(session: Session, commits: Collection[int]) -> bool:
    """Whether anything failed at one of these commits."""
    asked = ({"commits": batch} for batch in batches(set(commits)))
    return any(session.scalar(_ONE_AT, batch) is not None for batch in asked)


def clear(session: Session, cleared: set[Place]) -> None:
    """Forget failures of what has been measured since."""
    commits = {commit for commit, *_ in cleared}
    for row in session.scalars(select(FailureRow).where(FailureRow.commit_id.in_(commits))):
        if (row.commit_id, row.machine_id, row.environment_id, row.benchmark, row.parameters_id) in cleared:
            session.delete(row)
    session.flush()


def record(session: Session, names: Dictionary, run_id: int, failure: Failure, commit: int) -> None:
    same = {
        "commit_id": commit,
        "machine_id": names.machine(failure.machine),
        "environment_id": names.environment(failure.environment),
        "parameters_id": names.parameters(failure.parameters),
        "kind": failure.kind.value,
        "benchmark": storable(failure.benchmark),
    }
    session.execute(delete(FailureRow).filter_by(**same))
    session.add(FailureRow(**same, log=failure.log, run_id=run_id))


def failures(
    session: Session, project_id: int, sha: str | None, *, latest_only: bool, run_id: int | None = None
) -> list[Failure]:
    """See ``Store.failures``."""
    query = (
        select(FailureRow, CommitRow.sha, MachineRow.name, EnvironmentRow.name, ParametersRow.pairs)
        .join(CommitRow, CommitRow.id == FailureRow.commit_id)
        .join(MachineRow, MachineRow.id == FailureRow.machine_id)
        .join(EnvironmentRow, EnvironmentRow.id == FailureRow.environment_id)
        .join(ParametersRow, ParametersRow.id == FailureRow.parameters_id)
        .order_by(FailureRow.id.desc())
    )
    if sha is not None:
        query = query.where(CommitRow.sha == sha)
    if run_id is not None:
        query = query.where(FailureRow.run_id == run_id)
    if latest_only:
        query = query.where(FailureRow.commit_id.in_(_newest_tried(session, project_id)))
    return [
        Failure(
            kind=FailureKind(row.kind),
            commit=commit,
            log=row.log,
            machine=machine,
            environment=environment,
            benchmark=row.benchmark,
            parameters=unpack_pairs(pairs),
        )
        for row, commit, machine, environment, pairs in session.execute(query)
    ]


def _newest_tried(session: Session, project_id: int) -> list[int]:
    """Per branch, the newest commit that was measured or failed."""
    place = BranchCommitRow
    failed = select(FailureRow.commit_id)
    newest: list[tuple[int, int]] = []
    for branch in session.scalars(select(BranchRow.id).where(BranchRow.project_id == project_id)).all():
        here = select(func.max(place.position)).where(place.branch_id == branch, place.commit_id.in_(failed))
        measured = select(func.max(SeriesRow.newest)).where(SeriesRow.branch_id == branch)
        known = [at for at in (session.scalar(here), session.scalar(measured)) if at is not None]
        newest += [(branch, max(known))] if known else []
    ids = (
        session.scalar(select(place.commit_id).where(place.branch_id == branch, place.position == position))
        for branch, position in newest
    )
    return [id_ for id_ in ids if id_ is not None]
