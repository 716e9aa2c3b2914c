"""Rows of measurements into their table, many at once, straight through the driver.

SQLAlchemy's own way to the driver takes longer for each row than the database does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from regress.store.models import Base, MeasurementRow
from regress.store.types import Instant

Row = tuple[int, int, float, float | None, float | None, bytes | None, int | None, int]
"""A row of the table, its columns in their order: as it comes from the database, and as it goes there."""

TABLE = Base.metadata.tables[MeasurementRow.__tablename__]
_TYPES = {each.name: sa.BigInteger() if isinstance(each.type, Instant) else each.type for each in TABLE.c}


def rows() -> sa.Select[*Row]:
    """The query for all rows, to be narrowed."""
    return sa.select(*(sa.type_coerce(TABLE.c[name], kind) for name, kind in _TYPES.items()))


def insert(session: Session, rows: Sequence[Row]) -> None:
    """Insert rows; the order of the table's key is the quickest."""
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _copy(connection, rows)
        return
    places = ", ".join("?" * len(_TYPES))
    connection.exec_driver_sql(f"INSERT INTO {TABLE.name} VALUES ({places})", rows)  # noqa: S608 - our own words


def _copy(connection: Connection, rows: Sequence[Row]) -> None:
    """PostgreSQL's bulk load, which takes a tenth of the time of its INSERT."""
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {TABLE.name} ({', '.join(_TYPES)}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except driver.Error as error:  # as if SQLAlchemy had sent it
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(statement, None, error, base) from error


def replace(session: Session, rows: Sequence[Row]) -> None:
    """Give rows that are there (by series and commit) other values."""
    if not rows:
        return
    key = [column.name for column in TABLE.primary_key]
    told = {name: bindparam(f"the_{name}", type_=kind) for name, kind in _TYPES.items()}
    here = [TABLE.c[name] == told.pop(name) for name in key]
    names = [f"the_{name}" for name in _TYPES]
    statement = sa.update(TABLE).where(*here).values(told)
    session.connection().execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
