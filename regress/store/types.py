"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


def storable(text: str) -> str:
    """``text`` with what UTF-8 databases refuse (NUL, lone surrogates) replaced by U+FFFD."""
    return _UNSTORABLE.sub("�", text)


class SafeText(TypeDecorator[str]):
    """Text of any length; what a database could not hold is replaced (see ``storable``)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Called for each value on its way in."""
        return None if value is None else storable(value)


class ByteOrdered(SafeText):
    """Text that sorts by its bytes on every database, as SQLite's does; PostgreSQL's goes by language."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """The type in a database."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out; SQLite has no zones, so it is given naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Called for each value on its way in; a naive datetime is a programmer's mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: times are stored in UTC")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Called for each value on its way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Instant(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out; in the database, microseconds since 1970 (UTC).

    For what there are millions of: SQLite would store 26 characters for each.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Called for each value on its way in."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Called for each value on its way out."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def microseconds(at: datetime) -> int:
    """An aware datetime as an ``Instant`` is stored; a naive one is a programmer's mistake."""
    if at.tzinfo is None:
        raise ValueError(f"naive datetime {at!r}: times are stored in UTC")
    return (at - _EPOCH) // _MICROSECOND
