"""Compiled functions with their code for ``perf inject --jit``: the file ``/tmp/jit-PID.dump``.

    perf record -k mono -o raw wasmvm run --set profiler=jitdump p.wasm
    perf inject --jit -i raw -o data; perf annotate -i data

Beside what a perf map says there is each function's code, so that ``perf annotate`` shows where in it the
time goes, and when it was put there: where code takes the place of another function's, samples of both find
their own. The format is Linux's, tools/perf/Documentation/jitdump-specification.txt.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import threading
import time
from collections.abc import Sequence

from vm.native import ownfile
from vm.records import Record
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.native.perf import Extent

HEADER = struct.Struct("=4sIIIIIQQ")
"""Magic, version, its own size, the machine by ELF's numbers, padding, process, nanoseconds, flags."""

MAGIC, VERSION = b"DTiJ", 1
"""The magic is the number 0x4A695444 in the machine's order of bytes: all machines here are little-endian."""

LOAD = struct.Struct("=IIQIIQQQQ")
"""Kind, size, nanoseconds; process, thread, address, address again (where perf finds samples), size of the
code, number of the code. The name with a zero byte, and the code, follow.
"""

CODE_LOAD = 0
"""The kind of a record that says that there is code now."""

_MACHINES = {"x86_64": 62, "aarch64": 183}


class _Dump(Record):
    """An open file; ``mark`` is a mapping by which perf learns that it exists; ``count`` codes are in it."""

    descriptor: int
    mark: mmap.mmap
    count: int = 0


_lock = threading.Lock()
_opened: dict[int, _Dump] = {}
"""By process: a forked child has a file of its own."""


def path() -> str:
    """The file of this process: perf goes by the name."""
    return f"/tmp/jit-{os.getpid()}.dump"  # noqa: S108 - where others of its kind are


def write(extents: Sequence[Extent]) -> None:
    """Add functions, whose code is in place."""
    with _lock:
        number = os.getpid()
        if number not in _opened:
            _opened[number] = _begun()
        dump = _opened[number]
        for start, size, name in extents:
            os.write(dump.descriptor, _loaded(start, size, name.encode() + b"\0", dump.count))
            dump.count += 1


def _begun() -> _Dump:
    """A file with its header. Mapping it to run is what ``perf record`` sees; nobody runs it."""
    descriptor = ownfile.opened(path(), readable=True)
    machine = _MACHINES.get(os.uname().machine, 0)
    protection = mmap.PROT_READ | mmap.PROT_EXEC
    try:
        os.write(descriptor, HEADER.pack(MAGIC, VERSION, HEADER.size, machine, 0, os.getpid(), _now(), 0))
        mark = mmap.mmap(descriptor, HEADER.size, flags=mmap.MAP_PRIVATE, prot=protection)
    except OSError:  # a full disk, or a folder from which nothing may be run
        os.close(descriptor)
        raise
    return _Dump(descriptor, mark)


def _loaded(start: int, size: int, name: bytes, number: int) -> bytes:
    code = ctypes.string_at(start, size)
    process, thread = os.getpid(), threading.get_native_id()
    whole = LOAD.size + len(name) + size
    return LOAD.pack(CODE_LOAD, whole, _now(), process, thread, start, start, size, number) + name + code


def _now() -> int:
    """By the clock that ``perf record -k mono`` goes by."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
