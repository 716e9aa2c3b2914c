"""All rows of one database into another, compared before they count: SQLite to PostgreSQL, and back.

The source is read as it stood at one moment, and the target written in one transaction: a copy that is cut
off, or that does not compare, leaves nothing behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, insert, select, text

from regress.errors import StoreError
from regress.store.database import Database, translated
from regress.store.models import Base, ProjectRow

Listener = Callable[[str, int, int], None]
"""Told now and then: the step ("copy measurement"), how many are done, and of how many."""

_ROWS = 5_000  # rows that are in memory at once
_DIGEST_BITS = 64


@dataclass(frozen=True, slots=True)
class TableSum:
    """What a table holds: how many rows, and the sum of their digests, in whatever order they lie."""

    rows: int
    digest: int


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, table by table, and found the same on both sides."""

    source: str
    target: str
    tables: dict[str, TableSum]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables.values())


def silent(_step: str, _done: int, _total: int) -> None:
    """Nobody listens."""


def copy(source: Database, target: Database, listen: Listener = silent) -> Copied:
    """Copy everything into an empty database; StoreError where it is not empty or the rows differ after."""
    with _moment(source) as reading, target.write(quiet=True) as session:  # its count is copied, too
        writing = session.connection()
        _refuse_rows(writing, target.url)
        sums = {}
        for table in Base.metadata.sorted_tables:
            sums[table.name] = _copy_table(reading, writing, table, listen)
            found = summed(writing, table, listen)
            if found != sums[table.name]:
                raise _differs(target.url, table.name, sums[table.name], found)
        if writing.dialect.name == "postgresql":
            _set_sequences(writing)
    return Copied(source.url, target.url, sums)


@contextmanager
def _moment(database: Database) -> Iterator[Connection]:
    """A connection whose every query sees the same moment."""
    engine = database.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with translated(database.url), engine.connect() as connection:
        yield connection


def _refuse_rows(writing: Connection, url: str) -> None:
    """An empty target is one that knows no more than the project it was opened for."""
    for table in Base.metadata.sorted_tables:
        if table is ProjectRow.__table__:
            continue
        if writing.execute(select(table).limit(1)).first() is not None:
            hint = "Name a database that is empty or does not exist yet."
            raise StoreError(url, f"is not empty: table {table.name!r} has rows", hint=hint)
    writing.execute(delete(ProjectRow))


def _copy_table(reading: Connection, writing: Connection, table: Table, listen: Listener) -> TableSum:
    total = _count(reading, table)
    rows = digest = 0
    statement = insert(table)
    with _read(reading, table) as batches:
        for batch in batches:
            writing.execute(statement, [dict(row._mapping) for row in batch])
            rows += len(batch)
            digest += sum(map(_digest, batch))
            listen(f"copy {table.name}", rows, total)
    return TableSum(rows, digest % 2**_DIGEST_BITS)


def summed(connection: Connection, table: Table, listen: Listener = silent) -> TableSum:
    """What a table holds."""
    total = _count(connection, table)
    rows = digest = 0
    with _read(connection, table) as batches:
        for batch in batches:
            rows += len(batch)
            digest += sum(map(_digest, batch))
            listen(f"compare {table.name}", rows, total)
    return TableSum(rows, digest % 2**_DIGEST_BITS)


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


@contextmanager
def _read(connection: Connection, table: Table) -> Iterator[Iterator[Sequence[Row[Any]]]]:
    """A table's rows, some at a time: neither end holds more in memory."""
    with connection.execute(select(table), execution_options={"yield_per": _ROWS}) as streamed:
        yield streamed.partitions(_ROWS)


def _digest(row: Row[Any]) -> int:
    """A number that two rows share only if they say the same, wherever they lie."""
    said = repr([_plain(value) for value in row]).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(said, digest_size=_DIGEST_BITS // 8).digest(), "big")


def _plain(value: Any) -> Any:
    """A value as both databases give it back: SQLite has no negative zero, and no zones."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value + 0.0 if isinstance(value, float) else value


def _differs(url: str, table: str, wanted: TableSum, found: TableSum) -> StoreError:
    told = f"has {found.rows} rows for {wanted.rows}" if found.rows != wanted.rows else "has other values"
    hint = "Nothing was kept. Run `regress db check` on the source, then try again."
    return StoreError(url, f"the copy of table {table!r} {told}", hint=hint)


def _set_sequences(writing: Connection) -> None:
    """New rows must get ids beyond the copied ones, which PostgreSQL's sequences have not seen."""
    for table in Base.metadata.sorted_tables:
        key = table.autoincrement_column
        if key is None:
            continue
        highest = writing.scalar(select(func.max(key)))
        if highest is not None:
            sequence = text("SELECT setval(pg_get_serial_sequence(:name, :key), :highest)")
            named = writing.dialect.identifier_preparer.format_table(table)
            writing.execute(sequence, {"name": named, "key": key.name, "highest": highest})
