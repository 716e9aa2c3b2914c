"""Runs: the deliveries as the store remembers them, with what they told and what failed in them."""

from __future__ import annotations

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from regress.domain import Run, RunDetail
from regress.errors import UnknownNameError
from regress.store import failures
from regress.store.dictionary import unpack_pairs
from regress.store.models import (
    CentresRow,
    CommitRow,
    EnvironmentRow,
    FactsRow,
    MachineRow,
    RunRow,
)


def runs(session: Session, limit: int | None, first: int = 0, machine: str = "") -> list[Run]:
    """See ``Store.runs``."""
    query = _runs().order_by(RunRow.id.desc()).offset(first).limit(limit)
    if machine:
        query = query.where(MachineRow.name == machine)
    return [_run(row, name, environment) for row, name, environment in session.execute(query)]


def count(session: Session, machine: str = "") -> int:
    """See ``Store.count_runs``."""
    query = select(func.count()).select_from(RunRow)
    if machine:
        query = query.join(MachineRow, MachineRow.id == RunRow.machine_id).where(MachineRow.name == machine)
    return session.scalar(query) or 0


def run(session: Session, project_id: int, run_id: int) -> RunDetail:
    """See ``Store.run``."""
    found = session.execute(_runs().where(RunRow.id == run_id)).first()
    if found is None:
        raise UnknownNameError("run", str(run_id))
    row, machine, environment = found
    pairs = session.scalar(select(FactsRow.pairs).where(FactsRow.id == row.facts_id))
    measured = session.execute(
        select(CommitRow.sha, CentresRow.count)
        .join(CentresRow, CentresRow.commit_id == CommitRow.id)
        .where(CentresRow.run_id == run_id)
        .order_by(CommitRow.id)
    )
    return RunDetail(
        _run(row, machine, environment),
        () if pairs is None else unpack_pairs(pairs),
        tuple((sha, series) for sha, series in measured),
        tuple(failures.failures(session, project_id, None, latest_only=False, run_id=run_id)),
    )


def _runs() -> Select[RunRow, str, str]:
    return (
        select(RunRow, MachineRow.name, EnvironmentRow.name)
        .join(MachineRow, MachineRow.id == RunRow.machine_id)
        .join(EnvironmentRow, EnvironmentRow.id == RunRow.environment_id)
    )


def _run(row: RunRow, machine: str, environment: str) -> Run:
    return Run(
        id=row.id,
        source=row.source,
        origin=row.origin,
        digest=row.digest,
        machine=machine,
        environment=environment,
        delivered_at=row.delivered_at,
        new=row.new,
        updated=row.updated,
        unchanged=row.unchanged,
    )
