"""Deliveries in: measurements merged by rule, failures beside them, all in the caller's transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from regress.domain import Delivery, Measurement, Receipt, Run
from regress.store import failures, history
from regress.store.dictionary import Dictionary, batches
from regress.store.facts import FactsIds
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
Row = tuple[Any, ...]  # facts, and the id of their run
_MANY = 500  # measurements of a delivery from which on
_OLDEST = datetime.min.replace(tzinfo=UTC)


def deliver(session: Session, project_id: int, delivered: Sequence[Delivery]) -> list[Receipt]:
    """See ``Store.deliver_all``."""
    incoming = _Incoming(session, project_id)
    receipts = [incoming.take(delivery) for delivery in delivered]
    incoming.write()
    return receipts


class _Incoming:
    """The deliveries of one transaction: each is merged with what is stored and with those before it.

    Their rows are written last, all at once and in the table's order: a page of a series is then touched
    once for all commits, not once for each.
    """

    def __init__(self, session: Session, project_id: int) -> None:
        self._session = session
        self._project_id = project_id
        self._names = Dictionary(session)
        self._facts = FactsIds()
        self._told: dict[Place, Row] = {}
        self._stored: dict[Place, Facts] = {}
        self._read_whole: set[int] = set()  # commits of which everything is in _stored

    def take(self, delivery: Delivery) -> Receipt:
        """Merge a delivery; its failures are written, its measurements wait for ``write``."""
        session, names = self._session, self._names
        known = session.scalar(select(RunRow.id).where(RunRow.digest == delivery.digest))
        if known is not None:
            return Receipt(known, unchanged=len(delivery.measurements), duplicate=True)
        run = RunRow(
            digest=delivery.digest,
            source=delivery.source,
            origin=delivery.origin,
            machine_id=names.machine(delivery.machine.name, delivery.machine.facts),
            environment_id=names.environment(delivery.environment.name, delivery.environment.facts),
            delivered_at=delivery.delivered_at or datetime.now(UTC),
            facts_id=self._facts.id(session, delivery),
        )
        session.add(run)
        session.flush()
        ids = _commits(session, delivery)
        outcomes = self._merge(run.id, delivery, ids)
        for failure in delivery.failures:
            failures.record(session, names, run.id, failure, ids[storable(failure.commit)])
        run.new, run.updated, run.unchanged = (outcomes[o] for o in ("new", "updated", "unchanged"))
        return Receipt(run.id, run.new, run.updated, run.unchanged, failures=len(delivery.failures))

    def _merge(self, run_id: int, delivery: Delivery, ids: dict[str, int]) -> Counter[Outcome]:
        """Merge every measurement, and forget the failures that they make good."""
        measurements, told, stored = delivery.measurements, self._told, self._stored
        commits = {sha: ids[storable(sha)] for sha in {m.commit for m in measurements}}
        series = self._names.all_series(self._project_id, [m.series for m in measurements], delivery.branch)
        places = list(zip(series, [commits[m.commit] for m in measurements], strict=True))
        self._read(places)
        outcomes: Counter[Outcome] = Counter()
        for place, measurement in zip(places, measurements, strict=True):
            row = _row(measurement, run_id)
            known = told.get(place) or stored.get(place)
            if known is not None:
                outcome = _outcome(known, row)
                outcomes[outcome] += 1
                if outcome == "unchanged":
                    continue
            told[place] = row
        outcomes["new"] = len(measurements) - outcomes.total()
        if measurements and failures.any_at(self._session, commits.values()):
            names = self._names
            failures.clear(
                self._session, {about for m in measurements for about in _made_good(names, m, ids)}
            )
        return outcomes

    def _read(self, places: Sequence[Place]) -> None:
        """Know what is there already of the places in question (and of others at the same commits)."""
        table = MeasurementRow
        chosen = (table.series_id, table.commit_id, table.value, table.low, table.high, table.samples)
        query = select(*chosen, table.measured_at)
        commits = {commit for _, commit in places}
        if commits <= self._read_whole:
            return
        if len(commits) == 1:  # nearly always: tools write one commit a file
            query = query.where(table.commit_id.in_(commits))
        if len(places) > _MANY and len(commits) == 1:  # all of the commit is faster than a selection
            queries = [query]
            self._read_whole |= commits
        else:
            wanted = dict.fromkeys(series for series, _ in places)
            queries = [query.where(table.series_id.in_(batch)) for batch in batches(wanted)]
        for each in queries:
            self._stored.update(((row[0], row[1]), tuple(row[2:])) for row in self._session.execute(each))

    def write(self) -> None:
        """Insert what is new and replace what is not, in the order of the table's key."""
        told, stored = self._told, self._stored
        ordered = sorted(told)
        _insert(self._session, [place + told[place] for place in ordered if place not in stored])
        columns = ("series_id", "commit_id", "value", "low", "high", "samples", "measured_at", "run_id")
        changed = [(*place, *told[place]) for place in ordered if place in stored]
        if changed:
            rows = [dict(zip(columns, row, strict=True)) for row in changed]
            self._session.execute(update(MeasurementRow), rows)


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


def _row(told: Measurement, run_id: int) -> Row:
    """What is stored of a measurement; ValueError for one without a number."""
    value, samples = told.value, told.samples
    if not isfinite(value):
        raise ValueError(f"{told.series.title} at {told.commit}: {value} is no measurement")
    return (value, told.low, told.high, pack_samples(samples) if samples else None, told.measured_at, run_id)


def _outcome(known: Facts | Row, told: Row) -> Outcome:
    """The rule in ``Store.deliver``: the newest ``measured_at`` wins, of equal ones the later delivery."""
    if (known[4] or _OLDEST) > (told[4] or _OLDEST) or known[:5] == told[:5]:
        return "unchanged"
    return "updated"


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
    times = {at: bind(at) if bind else at for at in {row[6] for row in rows}}  # a benchmark's rows share one
    ready: Any = [(*row[:6], times[row[6]], row[7]) for row in rows]
    if not statement.positional:
        names = list(statement.params)
        ready = [dict(zip(names, row, strict=True)) for row in ready]
    connection.exec_driver_sql(str(statement), ready)


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
