"""Deliveries in: measurements merged by rule, failures beside them, all in the caller's transaction."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from regress.domain import Delivery, Failure, FailureKind, Measurement, Receipt, Run
from regress.store import history
from regress.store.dictionary import Dictionary, unpack_pairs
from regress.store.models import (
    BranchCommitRow,
    BranchRow,
    CommitRow,
    EnvironmentRow,
    FailureRow,
    MachineRow,
    MeasurementRow,
    ParametersRow,
    RunRow,
    SeriesRow,
)
from regress.store.types import pack_samples, storable

Outcome = Literal["new", "updated", "unchanged"]
_OLDEST = datetime.min.replace(tzinfo=UTC)


def deliver(session: Session, project_id: int, delivery: Delivery) -> Receipt:
    """See ``Store.deliver``."""
    known = session.scalar(select(RunRow.id).where(RunRow.digest == delivery.digest))
    if known is not None:
        return Receipt(known, unchanged=len(delivery.measurements), duplicate=True)
    names = Dictionary(session)
    run = RunRow(
        digest=delivery.digest,
        source=delivery.source,
        origin=delivery.origin,
        machine_id=names.machine(delivery.machine.name, delivery.machine.facts),
        environment_id=names.environment(delivery.environment.name, delivery.environment.facts),
        delivered_at=delivery.delivered_at or datetime.now(UTC),
    )
    session.add(run)
    session.flush()
    ids = _commits(session, delivery)
    outcomes = _merge_all(session, project_id, names, run, delivery.measurements, ids)
    for failure in delivery.failures:
        _record_failure(session, names, run.id, failure, ids[storable(failure.commit)])
    run.new, run.updated, run.unchanged = (outcomes[o] for o in ("new", "updated", "unchanged"))
    return Receipt(run.id, run.new, run.updated, run.unchanged, failures=len(delivery.failures))


def _commits(session: Session, delivery: Delivery) -> dict[str, int]:
    """Ids of the commits a delivery speaks of; a commit known by its hash only gets the time it tells."""
    times = {storable(sha): at for sha, at in delivery.commit_times}
    results: Iterable[Measurement | Failure] = (*delivery.measurements, *delivery.failures)
    ids = history.commit_ids(session, (*(storable(r.commit) for r in results), *times))
    for sha, at in times.items():
        row = session.get_one(CommitRow, ids[sha])
        row.committed_at = row.committed_at or at
        row.authored_at = row.authored_at or at
    return ids


def _merge_all(
    session: Session,
    project_id: int,
    names: Dictionary,
    run: RunRow,
    measurements: Iterable[Measurement],
    ids: dict[str, int],
) -> Counter[Outcome]:
    outcomes: Counter[Outcome] = Counter()
    cleared: set[tuple[int, int, int, str, int]] = set()
    for measurement in measurements:
        key, commit = measurement.series, ids[storable(measurement.commit)]
        machine, environment = names.machine(key.machine), names.environment(key.environment)
        series = names.series(project_id, key, machine, environment)
        outcomes[_merge(session, run.id, series, commit, measurement)] += 1
        where = (commit, machine, environment)
        cleared.add((*where, storable(key.benchmark), names.parameters(key.parameters)))
        cleared.add((*where, "", names.parameters(())))
    session.flush()
    _clear_failures(session, cleared)
    return outcomes


def _merge(session: Session, run_id: int, series: int, commit: int, told: Measurement) -> Outcome:
    """Insert or replace one measurement by the rule in ``Store.deliver``."""
    if not math.isfinite(told.value):
        raise ValueError(f"{told.series.title} at {told.commit}: {told.value} is no measurement")
    row = session.get(MeasurementRow, (series, commit))
    facts = (told.value, told.low, told.high, pack_samples(told.samples), told.measured_at)
    if row is None:
        outcome: Outcome = "new"
        row = MeasurementRow(series_id=series, commit_id=commit)
        session.add(row)
    elif (row.measured_at or _OLDEST) > (told.measured_at or _OLDEST) or facts == (
        row.value,
        row.low,
        row.high,
        row.samples,
        row.measured_at,
    ):
        return "unchanged"
    else:
        outcome = "updated"
    row.value, row.low, row.high, row.samples, row.measured_at = facts
    row.run_id = run_id
    return outcome


def _clear_failures(session: Session, cleared: set[tuple[int, int, int, str, int]]) -> None:
    """Forget failures of what has been measured since."""
    commits = {commit for commit, *_ in cleared}
    for row in session.scalars(select(FailureRow).where(FailureRow.commit_id.in_(commits))):
        if (row.commit_id, row.machine_id, row.environment_id, row.benchmark, row.parameters_id) in cleared:
            session.delete(row)
    session.flush()


def _record_failure(session: Session, names: Dictionary, run_id: int, failure: Failure, commit: int) -> None:
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


def runs(session: Session, limit: int | None) -> list[Run]:
    """See ``Store.runs``."""
    rows = session.execute(
        select(RunRow, MachineRow.name, EnvironmentRow.name)
        .join(MachineRow, MachineRow.id == RunRow.machine_id)
        .join(EnvironmentRow, EnvironmentRow.id == RunRow.environment_id)
        .order_by(RunRow.id.desc())
        .limit(limit)
    )
    return [
        Run(
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
        for row, machine, environment in rows
    ]


def failures(session: Session, project_id: int, sha: str | None, *, latest_only: bool) -> list[Failure]:
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
    tried = select(FailureRow.commit_id).union(
        select(MeasurementRow.commit_id).join(SeriesRow, SeriesRow.id == MeasurementRow.series_id)
    )
    newest = (
        select(BranchCommitRow.branch_id, func.max(BranchCommitRow.position).label("position"))
        .join(BranchRow, BranchRow.id == BranchCommitRow.branch_id)
        .where(BranchRow.project_id == project_id, BranchCommitRow.commit_id.in_(tried))
        .group_by(BranchCommitRow.branch_id)
        .subquery()
    )
    here = (newest.c.branch_id == BranchCommitRow.branch_id, newest.c.position == BranchCommitRow.position)
    return list(session.scalars(select(BranchCommitRow.commit_id).join(newest, (here[0]) & (here[1]))))
