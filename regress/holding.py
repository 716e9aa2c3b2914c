"""What one process does at a time, and a name for who does: a lock file, and beside it its holder's name.

The operating system holds the lock, so that it is free as soon as its process is dead.
"""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from regress.errors import RegressError

OnWait = Callable[[str], None] | None
"""Told once who is waited for."""


@contextmanager
def held(
    file: Path, purpose: str, *, wait: bool, on_wait: OnWait, busy: Callable[[str], RegressError]
) -> Iterator[None]:
    """Hold ``file``.lock while the context lasts; where another does, wait, or raise ``busy`` of its name."""
    lock, told = FileLock(f"{file}.lock"), _told(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        other = _read(told)
        if not wait:
            raise busy(other) from None
        if on_wait:
            on_wait(f"waiting for {other}")
        lock.acquire()
    try:
        told.write_text(named(purpose) + "\n", "utf-8")
        yield
    finally:
        told.unlink(missing_ok=True)
        lock.release()


def holder(file: Path) -> str:
    """Who holds ``file``.lock, empty when nobody does; who only asks keeps nobody waiting."""
    told = _told(file)
    if not told.exists():
        return ""
    try:
        with FileLock(f"{file}.lock", timeout=0):
            return ""  # whoever wrote its name there is dead
    except Timeout:
        return _read(told)


def named(purpose: str) -> str:
    """How this process is named as the holder."""
    since = datetime.now(UTC).strftime("%H:%M UTC")
    return f"{purpose} (process {os.getpid()} on {_host()}, since {since})"


def is_here(holder: str) -> bool:
    """Whether whoever holds a lock does so on this host."""
    return f" on {_host()}," in holder


def _host() -> str:
    """The name of this host in at most 20 characters; a longer one ends with what tells it from others."""
    name = socket.gethostname()
    return name if len(name) <= 20 else f"{name[:13]}~{zlib.crc32(name.encode()) & 0xFFFFFF:06x}"


def _told(file: Path) -> Path:
    return Path(f"{file}.holder")


def _read(told: Path) -> str:
    try:
        name = told.read_text("utf-8").strip()
    except FileNotFoundError:  # it has just ended, or has just begun
        name = ""
    return name or "another process"  # a file is empty until its first line is written
