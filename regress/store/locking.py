"""One long job at a time on one database, and a name for who holds it.

SQLite: a lock file beside the database (``holding``). PostgreSQL: a session's advisory lock; the session's
``application_name`` tells who.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from regress import holding
from regress.errors import StoreLockedError
from regress.holding import OnWait
from regress.store.database import Database, translated

_NAME_LIMIT = 63  # PostgreSQL cuts application_name there


def lock(
    database: Database, purpose: str, *, wait: bool, on_wait: OnWait, job: str = ""
) -> contextlib.AbstractContextManager[None]:
    """See ``Store.lock``; ``job`` names a lock beside the usual one."""
    if database.file is not None:
        return holding.held(
            _file(database, job),
            purpose,
            wait=wait,
            on_wait=on_wait,
            busy=lambda holder: StoreLockedError(database.url, holder),
        )
    return _advisory_lock(database, _key(database, job), purpose, wait=wait, on_wait=on_wait)


def holder(database: Database, job: str = "") -> str:
    """See ``Store.holder``; who only asks keeps nobody waiting. ``job``: of the lock of that name."""
    if database.file is None:
        with translated(database.url), database.engine.connect() as connection:
            return _postgres_holder(connection, _key(database, job)) or ""
    return holding.holder(_file(database, job))


def _key(database: Database, job: str = "") -> int:
    return zlib.crc32(f"regress {job or 'job'} {database.project_id}".encode())


def _file(database: Database, job: str) -> Path:
    return Path(f"{database.file}.{job}" if job else str(database.file))


@contextlib.contextmanager
def _advisory_lock(
    database: Database, number: int, purpose: str, *, wait: bool, on_wait: OnWait
) -> Iterator[None]:
    key = {"key": number}
    with translated(database.url), database.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            holder = _postgres_holder(connection, number) or "another process"
            if not wait:
                raise StoreLockedError(database.url, holder)
            if on_wait:
                on_wait(f"waiting for {holder}")
            connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
        name = {"name": holding.named(purpose).encode()[:_NAME_LIMIT].decode("utf-8", "ignore")}
        connection.execute(text("SELECT set_config('application_name', :name, false)"), name)
        try:
            yield
        finally:
            connection.execute(text("SELECT set_config('application_name', '', false)"))
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _postgres_holder(connection: Connection, key: int) -> str | None:
    """The name of the session that holds the advisory lock (a 64-bit key shows as its two halves)."""
    name = connection.scalar(
        text(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objid = CAST(:key AS oid) AND l.classid = 0"
            # The server shows the locks of all its databases, and each has a first project.
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        {"key": key},
    )
    return None if name is None else str(name) or "another process"
