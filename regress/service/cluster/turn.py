"""A host's turn: two measurements beside each other disturb each other, whoever wants them."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regress.runner.events import Listener, Note


@contextmanager
def turn(listen: Listener) -> Iterator[None]:
    """Hold the host while the context lasts; waits for who holds it, and says so."""
    with _file() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            listen(Note("waiting for another measurement on the host"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def turn_if_free() -> Iterator[bool]:
    """Hold the host if nobody does; whether that is so."""
    with _file() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def is_free() -> bool:
    """Whether nobody holds the host now."""
    with turn_if_free() as free:
        return free


@contextmanager
def _file() -> Iterator[int]:
    path = Path(tempfile.gettempdir()) / "regress-measuring.lock"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except PermissionError:  # another user's: a lock needs no more than reading
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        yield file
    finally:
        os.close(file)
