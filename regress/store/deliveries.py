"""Deliveries in: measurements merged by rule, failures beside them, all in the caller's transaction."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from regress.domain import Delivery, Measurement, Receipt, Run
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
Facts = tuple[Any, ...]  # value, low, high, packed samples, measured_at
_MANY = 500  # measurements of a delivery from which on
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
    outcomes = _merge_all(session, project_id, names, run, delivery, ids)
    for failure in delivery.failures:
        failures.record(session, names, run.id, failure, ids[storable(failure.commit)])
    run.new, run.updated, run.unchanged = (outcomes[o] for o in ("new", "updated", "unchanged"))
    return Receipt(run.id, run.new, run.updated, run.unchanged, failures=len(delivery.failures))


def _commits(session: Session, delivery: Delivery) -> dict[str, int]:
    """Ids of the commits a delivery speaks of; a commit known by its hash only gets the time it tells."""
    times = {storable(sha): at for sha, at in delivery.commit_times}
    named = dict.fromkeys(m.commit for m in delivery.measurements)
    named |= dict.fromkeys(failure.commit for failure in delivery.failures)
    ids = history.commit_ids(session, (*map(storable, named), *times))
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
    delivery: Delivery,
    ids: dict[str, int],
) -> Counter[Outcome]:
    """Merge every measurement, and forget the failures that they make good."""
    measurements = delivery.measurements
    commits = {sha: ids[storable(sha)] for sha in {m.commit for m in measurements}}
    series = names.all_series(project_id, [m.series for m in measurements], delivery.branch)
    places = list(zip(series, (commits[m.commit] for m in measurements), strict=True))
    stored = _stored(session, places)
    outcomes: Counter[Outcome] = Counter()
    told: dict[Place, Facts] = {}
    for place, measurement in zip(places, measurements, strict=True):
        facts = _facts(measurement)
        known = told.get(place) or stored.get(place)
        outcome = _outcome(known, facts)
        outcomes[outcome] += 1
        if outcome != "unchanged":
            told[place] = facts
    _write(session, run.id, told, stored)
    if measurements and failures.any_at(session, commits.values()):
        failures.clear(session, {about for m in measurements for about in _made_good(names, m, ids)})
    return outcomes


def _stored(session: Session, places: Sequence[Place]) -> dict[Place, Facts]:
    """What is there already of the places in question (and of others at the same commits)."""
    table = MeasurementRow
    chosen = (table.series_id, table.commit_id, table.value, table.low, table.high, table.samples)
    query = select(*chosen, table.measured_at)
    commits = {commit for _, commit in places}
    if len(commits) == 1:  # nearly always: tools write one commit a file
        query = query.where(table.commit_id.in_(commits))
    wanted: Iterable[Sequence[int]] = batches(dict.fromkeys(series for series, _ in places))
    if len(places) > _MANY and len(commits) == 1:  # all of the commit is faster than a selection
        queries = [query]
    else:
        queries = [query.where(table.series_id.in_(batch)) for batch in wanted]
    return {(row[0], row[1]): tuple(row[2:]) for each in queries for row in session.execute(each)}


def _facts(told: Measurement) -> Facts:
    """What is stored of a measurement; ValueError for one without a number."""
    if not math.isfinite(told.value):
        raise ValueError(f"{told.series.title} at {told.commit}: {told.value} is no measurement")
    return (told.value, told.low, told.high, pack_samples(told.samples), told.measured_at)


def _outcome(known: Facts | None, told: Facts) -> Outcome:
    """The rule in ``Store.deliver``: the newest ``measured_at`` wins, of equal ones the later delivery."""
    if known is None:
        return "new"
    if (known[4] or _OLDEST) > (told[4] or _OLDEST) or known == told:
        return "unchanged"
    return "updated"


def _write(session: Session, run_id: int, told: dict[Place, Facts], stored: dict[Place, Facts]) -> None:
    """Insert what is new and replace what is not, in the order of the table's key."""
    ordered = sorted(told.items(), key=_place)
    _insert(session, [(*place, *facts, run_id) for place, facts in ordered if place not in stored])
    columns = ("series_id", "commit_id", "value", "low", "high", "samples", "measured_at", "run_id")
    changed = [(*place, *facts, run_id) for place, facts in ordered if place in stored]
    if changed:
        session.execute(update(MeasurementRow), [dict(zip(columns, row, strict=True)) for row in changed])


def _insert(session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, in the order of the table's columns, straight through the driver.

    SQLAlchemy's own way to the driver takes longer for each row than the database does.
    """
    if not rows:
        return
    connection = session.connection()
    statement = insert(MeasurementRow).compile(dialect=connection.dialect)
    time = MeasurementRow.__table__.c.measured_at.type.dialect_impl(connection.dialect)
    bind = time.bind_processor(connection.dialect)
    times = {row[6]: bind(row[6]) if bind else row[6] for row in rows}
    ready: Any = [(*row[:6], times[row[6]], row[7]) for row in rows]
    if not statement.positional:
        names = list(statement.params)
        ready = [dict(zip(names, row, strict=True)) for row in ready]
    connection.exec_driver_sql(str(statement), ready)


def _place(item: tuple[Place, Facts]) -> Place:
    return item[0]


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
