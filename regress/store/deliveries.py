"""Deliveries in: measurements merged by rule, failures beside them, all in the caller's transaction."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from regress.domain import Delivery, Failure, Measurement, Receipt, Run
from regress.store import failures, history
from regress.store.dictionary import Dictionary, batches
from regress.store.models import (
    CommitRow,
    EnvironmentRow,
    MachineRow,
    MeasurementRow,
    RunRow,
)
from regress.store.types import pack_samples, storable

Outcome = Literal["new", "updated", "unchanged"]
Place = tuple[int, int]  # ids of series and commit
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
        failures.record(session, names, run.id, failure, ids[storable(failure.commit)])
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
    measurements: Sequence[Measurement],
    ids: dict[str, int],
) -> Counter[Outcome]:
    """Merge every measurement, and forget the failures that they make good."""
    names.expect([measurement.series for measurement in measurements])
    places = [
        (names.series(project_id, measurement.series), ids[storable(measurement.commit)])
        for measurement in measurements
    ]
    stored = _stored(session, places)
    outcomes: Counter[Outcome] = Counter()
    for place, measurement in zip(places, measurements, strict=True):
        outcomes[_merge(session, run.id, place, stored, measurement)] += 1
    session.flush()
    failures.clear(session, {about for m in measurements for about in _made_good(names, m, ids)})
    return outcomes


def _stored(session: Session, places: Sequence[Place]) -> dict[Place, MeasurementRow]:
    """The measurements that are there already, of the commits in question."""
    commits = {commit for _, commit in places}
    if len(commits) > 1:  # rare: tools write one commit a file
        return {place: row for place in places if (row := session.get(MeasurementRow, place))}
    rows = (
        row
        for batch in batches(dict.fromkeys(series for series, _ in places))
        for row in session.scalars(
            select(MeasurementRow).where(
                MeasurementRow.series_id.in_(batch), MeasurementRow.commit_id.in_(commits)
            )
        )
    )
    return {(row.series_id, row.commit_id): row for row in rows}


def _merge(
    session: Session, run_id: int, place: Place, stored: dict[Place, MeasurementRow], told: Measurement
) -> Outcome:
    """Insert or replace one measurement by the rule in ``Store.deliver``."""
    if not math.isfinite(told.value):
        raise ValueError(f"{told.series.title} at {told.commit}: {told.value} is no measurement")
    row = stored.get(place)
    facts = (told.value, told.low, told.high, pack_samples(told.samples), told.measured_at)
    if row is None:
        outcome: Outcome = "new"
        row = stored[place] = MeasurementRow(series_id=place[0], commit_id=place[1])
        session.add(row)
    elif (row.measured_at or _OLDEST) > (told.measured_at or _OLDEST) or facts == _facts(row):
        return "unchanged"
    else:
        outcome = "updated"
    row.value, row.low, row.high, row.samples, row.measured_at = facts
    row.run_id = run_id
    return outcome


def _facts(row: MeasurementRow) -> tuple[object, ...]:
    return row.value, row.low, row.high, row.samples, row.measured_at


def _made_good(names: Dictionary, told: Measurement, ids: dict[str, int]) -> Iterator[failures.Place]:
    """The failures that a measurement ends: its benchmark's, and the build's."""
    key = told.series
    where = (ids[storable(told.commit)], names.machine(key.machine), names.environment(key.environment))
    yield (*where, storable(key.benchmark), names.parameters(key.parameters))
    yield (*where, "", names.parameters(()))


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
