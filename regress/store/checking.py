"""Is a database sound? Its file, its schema, what refers to what, and whether every row can be read.

Nothing is changed, so that a database may be looked at before it is trusted.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, func, select
from sqlalchemy.exc import DatabaseError

from regress.domain import Cause, Direction, EventKind, State, TriageAct
from regress.store import centres, summaries
from regress.store.database import Database, reason, translated
from regress.store.dictionary import unpack_pairs
from regress.store.models import SCHEMA, Base, BranchCommitRow, CentresRow, MeasurementRow, RunRow
from regress.store.samples import unpack

RESTORE = "Restore the last backup (`regress db backup` made it), or move the database away and ingest again."
_SHOWN = 5  # damages of a file that are named; there may be thousands
_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong: where (a table, or the whole), what, how many rows, and what to do."""

    where: str
    message: str
    rows: int
    hint: str


@dataclass(frozen=True, slots=True)
class Health:
    """What a check found; ``rows`` are those that were looked at, by table."""

    url: str
    schema: str | None
    rows: dict[str, int]
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


Step = Callable[[str], None]


def check(database: Database, step: Step) -> Health:
    """Everything that is wrong; ``step`` is told what is looked at next. StoreError where it is not ours."""
    with translated(database.url), database.engine.connect() as connection:
        schema = database.schema(connection)
        if schema != SCHEMA:
            return Health(database.url, schema, {}, (_outdated(schema),))
        faults = list(_faults(connection, step))
        if any(fault.where == "file" for fault in faults):
            return Health(database.url, schema, {}, tuple(faults))
        rows = {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }
    return Health(database.url, schema, rows, tuple(faults))


def _faults(connection: Connection, step: Step) -> Iterator[Fault]:
    """What each check finds, as far as the file can be read."""
    for look in CHECKS:
        step(look.__name__.strip("_"))
        try:
            found = list(look(connection))
        except DatabaseError as error:
            found = [Fault("file", reason(error), 1, RESTORE)]
        yield from found
        if any(fault.where == "file" for fault in found):
            return


def _outdated(schema: str | None) -> Fault:
    if schema is None:
        return Fault("schema", "the database is empty", 0, "`regress run` or `regress ingest` fills it.")
    told = f"is of schema {schema}, this Regress writes {SCHEMA}"
    return Fault("schema", told, 0, "`regress db migrate` brings it up, with a backup first.")


def _file(connection: Connection) -> Iterator[Fault]:
    """SQLite reads every page and compares every index with its table; PostgreSQL guards itself."""
    if connection.dialect.name != "sqlite":
        return
    said = [row[0] for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_SHOWN})")]
    for line in said:
        if line != "ok":
            yield Fault("file", str(line), 1, RESTORE)


def _references(connection: Connection) -> Iterator[Fault]:
    """Rows that refer to rows that are not there."""
    for table in Base.metadata.sorted_tables:
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            there = key.column.table.alias()
            lost = ~exists().where(there.c[key.column.name] == key.parent)
            query = select(func.count()).select_from(table).where(key.parent.is_not(None), lost)
            count = connection.scalar(query) or 0
            if count:
                told = f"{key.parent.name} names no row of {key.column.table.name!r}"
                yield Fault(table.name, told, count, RESTORE)


def _positions(connection: Connection) -> Iterator[Fault]:
    """Two commits at one place of a branch."""
    places = (BranchCommitRow.branch_id, BranchCommitRow.position)
    twice = select(*places).group_by(*places).having(func.count() > 1).subquery()
    count = connection.scalar(select(func.count()).select_from(twice)) or 0
    if count:
        hint = "`regress run` or `regress ingest` in the repository tells the history anew."
        yield Fault("branch_commit", "positions with several commits", count, hint)


def _numbers(connection: Connection) -> Iterator[Fault]:
    """Deliveries were acknowledged with a count; the measurements of all of them must be there."""
    told = connection.scalar(select(func.coalesce(func.sum(RunRow.new), 0))) or 0
    there = connection.scalar(select(func.count()).select_from(MeasurementRow)) or 0
    if told != there:
        message = f"{there} measurements are there, {told} were delivered"
        yield Fault("measurement", message, abs(int(told) - there), RESTORE)


def _summaries(connection: Connection) -> Iterator[Fault]:
    """What lists say of each series is what its measurements say."""
    bad = summaries.wrong(connection)
    if bad:
        yield Fault("series", "points and newest are not what the measurements say", bad, RESTORE)


def _packed(connection: Connection) -> Iterator[Fault]:
    """The packed rows of each commit, by which its measurements are found, name as many series as it has."""
    row = MeasurementRow
    counts = dict(connection.execute(select(row.commit_id, func.count()).group_by(row.commit_id)).all())
    commits = counts.keys() | set(connection.scalars(select(CentresRow.commit_id)))
    bad = sum(counts.get(commit, 0) != _named(connection, commit) for commit in commits)
    if bad:
        yield Fault("centres", "name other series than were measured at their commit", bad, RESTORE)


def _named(connection: Connection, commit: int) -> int:
    try:
        return len(centres.series(connection, commit))
    except (ValueError, zlib.error):
        return -1


def _values(connection: Connection) -> Iterator[Fault]:
    """Every stored text, number and packed sample can be read for what it is."""
    for (table, name), readable in READABLE.items():
        column = Base.metadata.tables[table].c[name]
        rows = connection.execute(select(column), execution_options={"yield_per": _ROWS})
        bad = sum(not _reads(readable, value) for value in rows.scalars())
        if bad:
            yield Fault(table, f"{name} cannot be read", bad, RESTORE)


def _reads(readable: Callable[[Any], Any], value: Any) -> bool:
    try:
        return readable(value) is not False
    except (ValueError, TypeError, KeyError, zlib.error):
        return False


READABLE: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("machine", "facts"): unpack_pairs,
    ("environment", "facts"): unpack_pairs,
    ("parameters", "pairs"): unpack_pairs,
    ("facts", "pairs"): unpack_pairs,
    ("metric", "direction"): Direction,
    ("event", "cause"): Cause,
    ("event", "kind"): EventKind,
    ("event", "state"): State,
    ("triage", "act"): TriageAct,
    ("bisection", "record"): json.loads,
    ("bisection_plan", "record"): json.loads,
    ("bisection_plan", "posterior"): lambda text: text is None or json.loads(text),
    ("self_test", "record"): json.loads,
    ("examination", "record"): json.loads,
    ("ledger", "record"): json.loads,
    ("centres", "body"): centres.unpack,
    ("measurement", "value"): math.isfinite,
    ("measurement", "samples"): unpack,
}
"""Columns that mean more than their type, and what reads them (it raises, or gives False)."""

CHECKS = (_file, _references, _positions, _numbers, _summaries, _packed, _values)
"""What is looked at, in this order: what lies below is sound before what stands on it is read."""
