"""Who is making what: so that programs that end before their code is there do not all have it made.

A claim is a lock on an empty file in the cache's folder. It goes with the process that has it, however that
ends; a file that is left says nothing. Claims spare work, and keep nobody from doing it.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress

from vm.jit.objects import objects
from vm.jit.request import Request
from vm.typed import Iterator


@contextmanager
def claim(request: Request) -> Iterator[bool]:
    """Others see meanwhile that this process makes what is asked for; False when somebody else does."""
    path = _path(request)
    file = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        ours = file is None or _locked(file)  # without a folder there are no others
        try:
            yield ours
        finally:
            if file is not None and ours:
                with suppress(OSError):
                    os.unlink(path)
    finally:
        if file is not None:
            os.close(file)


def claimed(request: Request) -> bool:
    """Whether a process makes it now."""
    file = _open(_path(request), os.O_RDONLY)
    if file is None:
        return False
    try:
        return not _locked(file)
    finally:
        os.close(file)


def _path(request: Request) -> str:
    """Of the file; empty where nothing is kept."""
    kept = objects(request.config)
    return kept.claim(request.key()) if kept.most else ""


def _open(path: str, flags: int) -> int | None:
    try:
        # no link, and without waiting for a pipe's other end
        return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
