"""Names of compiled functions for ``perf report``: the file ``/tmp/perf-PID.map``.

A line is a function's address, its size (both hexadecimal) and its name (Linux,
tools/perf/Documentation/jit-interface.txt). ``perf report`` reads the file when its owner is who asks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from vm.native import ownfile
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.native.perf import Extent

_lock = threading.Lock()
_opened: dict[int, int] = {}
"""Descriptors by process: a forked child has a file of its own."""


def path() -> str:
    """The file of this process."""
    return f"/tmp/perf-{os.getpid()}.map"  # noqa: S108 - where perf looks


def write(extents: Sequence[Extent]) -> None:
    """Add functions."""
    lines = "".join(f"{start:x} {size:x} {name}\n" for start, size, name in extents)
    with _lock:
        number = os.getpid()
        if number not in _opened:
            _opened[number] = ownfile.opened(path())
        os.write(_opened[number], lines.encode())
