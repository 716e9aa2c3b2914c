"""Which state a database is in: while two answers are equal, no transaction was committed between them."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from sqlalchemy import Connection, Engine


class Version:
    """The version of the database behind an engine, whichever process writes to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._watch: Connection | None = None

    def now(self) -> Hashable:
        """What is read after this call is of this version, or of a later one."""
        if self._engine.dialect.name == "sqlite":
            return self._sqlite()
        with self._engine.connect() as connection:  # what a transaction that began now would see of others
            return str(connection.exec_driver_sql("SELECT txid_current_snapshot()::text").scalar())

    def _sqlite(self) -> int:
        """SQLite counts, for a connection, the commits of all others: so one is kept that never writes."""
        with self._lock:
            if self._watch is None:
                self._watch = self._engine.connect()
                self._watch.detach()
            with self._watch.begin():
                # https://www.sqlite.org/pragma.html#pragma_data_version
                return int(self._watch.exec_driver_sql("PRAGMA data_version").scalar_one())

    def close(self) -> None:
        """Give the connection back; the next question opens another."""
        with self._lock:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
