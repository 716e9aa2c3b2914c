"""The upkeep of a database: check it, back it up, bring it to the newest schema, move it to another one.

Each verb opens what it works on by URL, since what is to be repaired may not open as a ``Store``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from regress.errors import StoreError
from regress.store import backup as backups
from regress.store import checking, copying
from regress.store.checking import Fault, Health
from regress.store.copying import Copied, Listener, silent
from regress.store.database import Database
from regress.store.models import SCHEMA

__all__ = ["Copied", "Fault", "Health", "Listener", "Migrated", "backup", "check", "copy", "migrate"]


@dataclass(frozen=True, slots=True)
class Migrated:
    """From which schema to which; ``backup`` is the file with the database as it was, if made."""

    before: str
    after: str
    backup: Path | None


def check(url: str, listen: Listener = silent) -> Health:
    """Everything that is wrong with a database; nothing is changed. StoreError where it is none of ours."""
    steps = iter(range(len(checking.CHECKS)))
    with _looked(url) as database:
        return checking.check(
            database, lambda name: listen(f"check {name}", next(steps), len(checking.CHECKS))
        )


def backup(url: str, to: Path, listen: Listener = silent) -> Path:
    """A database as a SQLite file that does not exist yet; others may write meanwhile."""
    with _looked(url) as database:
        return backups.backup(database, to, listen)


def migrate(url: str, to: Path | None, listen: Listener = silent) -> Migrated:
    """Bring a database to the newest schema, after a backup to ``to`` (None: without one).

    Nothing is done, and no backup made, where the schema is the newest. StoreError for a PostgreSQL database
    of an older schema with ``to``: its own tools back it up.
    """
    with _looked(url) as database:
        before = _schema(database)
        if before == SCHEMA:
            return Migrated(before, SCHEMA, None)
        if to is not None:
            if database.file is None:
                hint = "Back it up with pg_dump, then pass --no-backup."
                raise StoreError(
                    database.url, f"of schema {before}, cannot be backed up by Regress", hint=hint
                )
            backups.backup(database, to, listen)
        database.migrate()
        return Migrated(before, _schema(database), to)


def _schema(database: Database) -> str:
    with database.read() as session:
        found = database.schema(session.connection())
    if found is None:
        raise StoreError(database.url, "is empty", hint="`regress run` or `regress ingest` fills it.")
    return found


def copy(source: str, target: str, listen: Listener = silent) -> Copied:
    """Everything of one database into another that is empty, verified; all of it or nothing."""
    with _opened(source, create=False) as reading, _opened(target, create=True) as writing:
        return copying.copy(reading, writing, listen)


@contextlib.contextmanager
def _looked(url: str) -> Iterator[Database]:
    with contextlib.closing(Database.look(url)) as database:
        yield database


@contextlib.contextmanager
def _opened(url: str, *, create: bool) -> Iterator[Database]:
    with contextlib.closing(Database.open(url, create=create, project="default")) as database:
        yield database
