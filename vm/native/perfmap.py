"""Names of compiled functions for ``perf``: the file ``/tmp/perf-PID.map``, with the knob ``profiler``.

A line is a function's address, its size (both hexadecimal) and its name (Linux,
tools/perf/Documentation/jit-interface.txt). ``perf report`` reads the file when its owner is who asks.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterable

from vm.errors import VMError
from vm.module.model import ModuleData

Extent = tuple[int, int, str]
"""Where code begins, how many bytes it has, and its name."""

_lock = threading.Lock()
_opened: dict[int, int] = {}
"""Descriptors by process: a forked child has a file of its own."""


def path() -> str:
    """The file of this process."""
    return f"/tmp/perf-{os.getpid()}.map"  # noqa: S108 - where perf looks


def note(extents: Iterable[Extent]) -> None:
    """Add functions; VMError when the file cannot be written."""
    lines = "".join(f"{start:x} {size:x} {_printable(name)}\n" for start, size, name in extents)
    with _lock:
        try:
            os.write(_descriptor(), lines.encode())
        except OSError as error:
            raise VMError(f"{path()}: {error.strerror}; remove it, or set profiler to none") from None


def symbol(module: ModuleData, index: int, tier: str) -> str:
    """What a module's function is called in the file."""
    return f"{module.names.functions.get(index, f'function {index}')} [{tier}]"


def _descriptor() -> int:
    """Of this process's file, begun anew by who opens it first: one that is there is of an earlier process
    with the same number. Nobody else's is followed or written to.
    """
    number = os.getpid()
    if number not in _opened:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path(), flags, 0o600)
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            os.close(descriptor)
            raise PermissionError(1, "somebody else's")
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:  # what others can put here: a link, a pipe
            os.close(descriptor)
            raise PermissionError(1, "not a file of this name only")
        os.ftruncate(descriptor, 0)
        _opened[number] = descriptor
    return _opened[number]


def _printable(name: str) -> str:
    """A name from a module may hold anything, such as line feeds."""
    return "".join(c if c.isprintable() else "?" for c in name)
