"""One database: its engine, its connection settings, and its way from nothing to the newest schema.

Opening costs one query when the schema is current. A missing or older schema is migrated under the
database's own write lock, so that two processes may open a fresh database at once.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from regress.domain import Deed
from regress.errors import StoreError
from regress.store import audit
from regress.store.models import SCHEMA, Base, ProjectRow

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for another one; a delivery takes milliseconds."""

CACHE_KIB = 64 * 1024
"""SQLite's page cache: a large ingest touches the last page of every series (SQLite's own: 2 MB)."""

CONNECTIONS = {"postgresql": 16, "sqlite": 5}
"""Connections that stay open once so many were wanted at a time. One of PostgreSQL's takes longer to make
than most pages (a process, and its memory of what tables there are); one of SQLite's holds a page cache."""

MOST_CONNECTIONS = 48
"""Connections at a time: a server has 40 threads. Those beyond CONNECTIONS are closed after use."""

_LOG = logging.getLogger(__name__)

_PROJECTS = Base.metadata.tables[ProjectRow.__tablename__].c
_TOLD = update(ProjectRow.__table__).values(told=_PROJECTS.told + 1)  # type: ignore[arg-type] # a Table
_VERSION = select(_PROJECTS.told).where(_PROJECTS.id == bindparam("project"))

_POSTGRES_WRITER = 0x7265_6772  # "regr": an arbitrary number, the same in every process


@dataclass(slots=True)
class _Own:
    """What those who write for different people through one engine share."""

    version: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reached(self, version: int) -> None:
        """Note a change, after its commit: of two writers the earlier may come last."""
        with self.lock:
            self.version = max(self.version, version)


class Database:
    """An engine that is open, migrated, and bound to one project."""

    def __init__(
        self,
        url: URL,
        engine: Engine,
        project_id: int,
        project: str = "",
        deed: Deed | None = None,
        own: _Own | None = None,
    ) -> None:
        self._parsed = url
        self._deed = deed
        self._own = own or _Own()
        self._here = threading.local()  # the session of the moment that a thread reads in
        self.url = _shown(url)
        self.engine = engine
        self.project_id = project_id
        self.project = project

    @classmethod
    def open(cls, url: str, *, create: bool, project: str) -> Database:
        """See ``Store.open``."""
        parsed = _parse(url)
        if parsed.get_backend_name() == "sqlite":
            _prepare_file(parsed, create=create)
        engine = _engine(parsed)
        shown = _shown(parsed)
        try:
            with translated(shown):
                _migrate(engine, shown, keep=True)
                project_id = _project(engine, project)
        except BaseException:
            engine.dispose()
            raise
        return cls(parsed, engine, project_id, project)

    @classmethod
    def look(cls, url: str) -> Database:
        """The database as it is, of whatever schema: for upkeep. StoreError where there is none."""
        parsed = _parse(url)
        if parsed.get_backend_name() == "sqlite":
            _prepare_file(parsed, create=False)
        return cls(parsed, _engine(parsed), project_id=0)

    def schema(self, connection: Connection) -> str | None:
        """The revision it is at; None when it is empty. StoreError when it is not ours, or newer than we."""
        return _schema(connection, self.url)

    def migrate(self) -> None:
        """Bring it to the newest schema; the caller has kept it as it was, or need not."""
        with translated(self.url):
            _migrate(self.engine, self.url, keep=False)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL."""
        database = self.engine.url.database
        return Path(database) if database and self.engine.dialect.name == "sqlite" else None

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database: that of ``moment``, where the thread is in one."""
        shared: Session | None = getattr(self._here, "session", None)
        if shared is not None:
            yield shared
            return
        with translated(self.url), Session(self.engine) as session:
            yield session

    @contextlib.contextmanager
    def moment(self) -> Iterator[None]:
        """All that this thread reads in this context is of one moment, and comes through one connection.

        What others, or this thread, write meanwhile is not seen. It is for pages, which read a dozen things:
        they agree, and each of them saves the beginning and the end of a transaction, on PostgreSQL three
        ways to the server and back.
        """
        if getattr(self._here, "session", None) is not None:
            yield
            return
        options = {"isolation_level": "REPEATABLE READ"} if self.engine.dialect.name == "postgresql" else {}
        with translated(self.url), Session(self.engine.execution_options(**options)) as session:
            self._here.session = session
            try:
                yield
            finally:
                self._here.session = None

    @contextlib.contextmanager
    def write(self, *, quiet: bool = False) -> Iterator[Session]:
        """A session that commits at the end, or rolls all of it back; writers take turns.

        After a ``quiet`` one pages may go on telling what they told before, until one that is not.
        """
        with translated(self.url), _writing(self.engine) as session:
            if self._deed is not None:
                audit.record(session, self.project_id, self._deed)
            yield session
            changed = session.in_transaction() and not quiet  # who rolled back has changed nothing
            told = self._count(session.connection()) if changed else None
        if told is not None:
            self._own.reached(told)

    def _count(self, connection: Connection) -> int:
        connection.execute(_TOLD)
        return self._version(connection)

    def _version(self, connection: Connection) -> int:
        return connection.scalar(_VERSION, {"project": self.project_id}) or 0

    def version(self) -> int:
        """Which state pages tell of: what is read after this call is of this version, or of a later one."""
        with translated(self.url), self.engine.connect() as connection:
            return self._version(connection)

    def own_version(self) -> int:
        """The version that the last change by this process (through this object) led to; 0 before."""
        return self._own.version

    def on_behalf(self, deed: Deed) -> Database:
        """The same database, each of whose writing transactions leaves ``deed`` in the audit log."""
        return Database(self._parsed, self.engine, self.project_id, self.project, deed, self._own)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(url, "not a database URL", hint="Write sqlite:///path/to/file.db.") from error
    if backend not in ("sqlite", "postgresql"):
        raise StoreError(url, f"unsupported database {backend!r}", hint="Use sqlite:/// or postgresql://.")
    if backend == "sqlite" and (not parsed.database or parsed.database == ":memory:"):
        raise StoreError(url, "names no file", hint="Write sqlite:///path/to/file.db.")
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def _shown(url: URL) -> str:
    """A URL for messages: without a password, a file's path as its owner would type it."""
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    return url.render_as_string(hide_password=True)


def _prepare_file(url: URL, *, create: bool) -> None:
    """Make the folder of a SQLite file, or complain that the file is missing."""
    path = Path(str(url.database))
    shown = _shown(url)
    if path.is_dir():
        raise StoreError(shown, "is a folder", hint="Name a file in it.")
    if path.exists():
        return
    if not create:
        raise StoreError(shown, "no such file", hint="`regress run` or `regress ingest` creates it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(shown, f"cannot create its folder: {error}", hint="Choose another place.") from error


def _engine(url: URL) -> Engine:
    backend = url.get_backend_name()
    try:
        engine = create_engine(
            url,
            pool_pre_ping=backend != "sqlite",
            pool_size=CONNECTIONS[backend],
            max_overflow=MOST_CONNECTIONS - CONNECTIONS[backend],
            pool_use_lifo=True,  # the one used last has most of what is read at hand
        )
    except ModuleNotFoundError as error:
        shown = _shown(url)
        hint = "Install the driver: pip install 'regress[postgres]'."
        raise StoreError(shown, f"no driver {error.name!r}", hint=hint) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        event.listen(engine, "connect", _postgres_settings)
    return engine


def _sqlite_settings(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Readers beside a writer (WAL), waiting instead of failing, and foreign keys that hold."""
    connection.isolation_level = None  # the driver must not begin transactions by itself: _sqlite_begin does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = FULL")  # an acknowledged delivery survives power loss
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.close()


def _postgres_settings(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Nothing is compiled: it takes 100 ms and more, for statements that read some hundred rows of a large
    table in 10 (PostgreSQL's estimates, of which its ``jit_above_cost`` is one, tell those apart badly).
    """
    cursor = connection.cursor()
    cursor.execute("SET jit = off")
    cursor.close()
    connection.commit()


def _write_ahead(cursor: DBAPICursor) -> None:
    """Turn WAL on. Where several connections do that to a new file at once, SQLite does not wait as
    ``busy_timeout`` says, but fails: it must lock out readers while it is one.
    """
    ends = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.005)


def _sqlite_begin(connection: Connection) -> None:
    """Take the write lock at once when writing: upgrading a read lock later could fail as busy."""
    writing = connection.get_execution_options().get("regress_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextlib.contextmanager
def _writing(engine: Engine) -> Iterator[Session]:
    """A transaction that no other writer runs beside: SQLite's own rule, and PostgreSQL by a lock.

    Two deliveries that meet the same new name would else both make a row for it.
    """
    engine = engine.execution_options(regress_write=True)
    with Session(engine, expire_on_commit=False) as session, session.begin():
        if engine.dialect.name == "postgresql":
            session.execute(text(f"SELECT pg_advisory_xact_lock({_POSTGRES_WRITER})"))
        yield session


def _migrate(engine: Engine, shown: str, *, keep: bool) -> None:
    """Bring a database to the newest schema; ``keep``: a SQLite file that holds something, as it was, too."""
    with engine.connect() as connection:
        if _schema(connection, shown) == SCHEMA:
            return
    from alembic import command  # 0.2 s that only a new or old database pays
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with _rebuilding(engine, shown) as session:
        before = _schema(session.connection(), shown)
        if before != SCHEMA:  # another process may have been faster
            if before is not None and keep:
                _keep(engine, shown, before)
            config.attributes["connection"] = session.connection()
            command.upgrade(config, "head")


def _keep(engine: Engine, shown: str, schema: str) -> None:
    """A copy of a SQLite file beside it, made under the migration's lock; StoreError if it fails."""
    said = f"{shown} is brought from schema {schema} to {SCHEMA}"
    if engine.dialect.name != "sqlite":
        _LOG.warning("%s", said)
        return
    from regress.store.backup import kept  # which knows databases

    _LOG.warning("%s; as it was: %s", said, kept(Path(str(engine.url.database)), f"schema-{schema}"))


@contextlib.contextmanager
def _rebuilding(engine: Engine, shown: str) -> Iterator[Session]:
    """A writing transaction in which SQLite's tables may be rebuilt though others refer to them.

    SQLite minds foreign keys when a table is dropped, and only before a transaction can it be told not to
    (https://www.sqlite.org/lang_altertable.html, section 7); they are checked before the commit instead.
    """
    if engine.dialect.name != "sqlite":
        with _writing(engine) as session:
            yield session
        return
    with engine.execution_options(regress_write=True).connect() as connection:
        _foreign_keys(connection, on=False)
        try:
            with Session(connection, expire_on_commit=False) as session, session.begin():
                yield session
                if session.connection().exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    hint = "It is left as it was: `regress db check` tells what is wrong."
                    raise StoreError(shown, "a migration would leave rows that refer to nothing", hint=hint)
        finally:
            _foreign_keys(connection, on=True)


def _foreign_keys(connection: Connection, *, on: bool) -> None:
    """Past SQLAlchemy, which would begin a transaction, in which the setting means nothing."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")
    cursor.close()


def _schema(connection: Connection, shown: str) -> str | None:
    """The revision the database is at; None when it is empty."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables or "branch_commit" not in tables:
        hint = "Name another file or database; this one is left as it is."
        raise StoreError(shown, f"holds other tables ({', '.join(sorted(tables)[:3])}, ...)", hint=hint)
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if str(revision) > SCHEMA:
        hint = "Upgrade: pip install -U regress."
        raise StoreError(
            shown, f"written by a newer Regress (schema {revision}, this one knows {SCHEMA})", hint=hint
        )
    return str(revision)


def _project(engine: Engine, name: str) -> int:
    known = select(ProjectRow.id).where(ProjectRow.name == name)
    with Session(engine) as session:
        found = session.scalar(known)
    if found is not None:
        return found
    with _writing(engine) as session:
        if (found := session.scalar(known)) is None:
            row = ProjectRow(name=name)
            session.add(row)
            session.flush()
            found = row.id
        return found


@contextlib.contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn what the driver raises for a broken or unreachable database into a StoreError."""
    try:
        yield
    except OperationalError as error:
        raise StoreError(
            url, reason(error), hint="Is the path or server right, the disk not full, and writing allowed?"
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # its subclasses (broken constraint, wrong SQL) are our own bugs
            raise
        hint = "Restore it from a backup, or move it away to start afresh."
        raise StoreError(url, reason(error), hint=hint) from error


def reason(error: DBAPIError) -> str:
    """What the driver said, in one line."""
    return str(error.orig).strip().splitlines()[0]
