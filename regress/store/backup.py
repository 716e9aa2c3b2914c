"""A database's copy in a file, made while others write: SQLite's own online backup; PostgreSQL row by row.

The file appears under its name when it is whole, checked and on the disk; before, it is called ``.part``.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from regress.errors import StoreError
from regress.store.copying import Listener, copy, silent
from regress.store.database import Database
from regress.store.models import SCHEMA

_PAGES = 2_000  # pages a step: 8 MB, so that a bar moves


def backup(database: Database, to: Path, listen: Listener = silent) -> Path:
    """Write everything to a SQLite file that does not exist yet; the path.

    StoreError where the file exists, cannot be written, or is not sound when it is done. `regress db copy`
    brings it into a database again, or the file is used as it is.
    """
    if to.exists():
        raise StoreError(str(to), "exists already", hint="Name a file that does not exist yet.")
    if database.file is None:
        _made(to, lambda part: _copy(database, part, listen))
    else:
        file = database.file
        _made(to, lambda part: _online(file, part, listen))
    return to


def _made(to: Path, write: Callable[[Path], None]) -> None:
    """A file that another name has until it is whole, sound and on the disk."""
    part = to.with_name(to.name + ".part")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)
        write(part)
        _sound(part)
        _sync(part)
        os.replace(part, to)
        _sync(to.parent)
    except (OSError, sqlite3.Error) as error:
        hint = "Is the folder writable and the disk not full? Nothing else was changed."
        raise StoreError(str(to), f"cannot back up: {error}", hint=hint) from error
    finally:
        _remove(part)


def kept(file: Path, why: str) -> Path:
    """A copy of a SQLite file beside it, its name told by the reason and the time; the path."""
    to = file.with_name(f"{file.name}.{why}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    _made(to, lambda part: _online(file, part, silent))
    return to


def _online(file: Path, part: Path, listen: Listener) -> None:
    """SQLite's backup. A read transaction pins the moment: without, each writer would start it afresh."""
    with (
        contextlib.closing(sqlite3.connect(file)) as source,
        contextlib.closing(sqlite3.connect(part)) as made,
    ):
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(made, pages=_PAGES, progress=lambda _, left, all_: listen("back up", all_ - left, all_))
        made.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def _copy(database: Database, part: Path, listen: Listener) -> None:
    with database.read() as session:
        found = database.schema(session.connection())
    if found != SCHEMA:
        hint = "Back it up with pg_dump, then run `regress db migrate --no-backup`."
        raise StoreError(database.url, f"is of schema {found}, rows of {SCHEMA} are copied", hint=hint)
    target = Database.open(f"sqlite:///{part.absolute()}", create=True, project="default")
    try:
        copy(database, target, listen)
    finally:
        target.close()


def _sound(part: Path) -> None:
    with contextlib.closing(sqlite3.connect(part)) as made:
        (said,) = made.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        hint = "The database itself is damaged: `regress db check` tells where."
        raise StoreError(str(part), f"the backup is not sound: {said}", hint=hint)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(part: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{part}{suffix}").unlink(missing_ok=True)
