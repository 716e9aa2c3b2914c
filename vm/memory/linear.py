"""Linear memories: one contiguous reservation each, so that the base never moves.

    reservation                                          base                base + length
    │  inaccessible  │ header page: ... waiting │ length │  committed pages   │ inaccessible ... guard │
                                          base-16  base-8

Compiled code finds the length (bytes), and how many threads wait, just below the base. Growing is one
``mprotect``. In guarded mode the reservation covers every address that a 32-bit index plus a 32-bit offset
can name, so that a wild access always meets an inaccessible page; in checked mode it covers what the memory
may grow to.
"""

from __future__ import annotations

import ctypes
import mmap

from vm.errors import Trap, TrapCode
from vm.isa.types import PAGE_SIZE, Limits, MemoryType
from vm.memory.native import poke
from vm.memory.reserve import Reservation
from vm.primitives import Lock
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.memory.waiting import Look, Waiters

HEADER = PAGE_SIZE
"""Bytes reserved below the base; the record sits at its end."""

LENGTH = -8
"""Where the length in bytes lies, relative to the base."""

WAITING = -16
"""Where the number of threads that wait for an address in it lies, relative to the base."""

GUARDED_SPAN = (8 << 30) + PAGE_SIZE
"""Bytes above the base in guarded mode: index and offset of 32 bits each, plus the widest access."""


def _waiters(waiting: int) -> Waiters:
    from vm.memory.waiting import Waiters  # few memories are shared

    return Waiters(waiting)


_CELLS = {4: ctypes.c_uint32, 8: ctypes.c_uint64}


class LinearMemory:
    """One memory: ``type`` as declared, ``size`` in pages, ``length`` in bytes, ``view`` those bytes,
    ``address`` its base, ``owner`` its store.

    ``view`` is a new object after each growth; older views stay readable but do not show the new pages.
    A shared memory belongs to no store, has ``waiters``, and can be used by several threads at once.
    """

    def __init__(self, type: MemoryType, *, max_bytes: int = 1 << 32, guarded: bool = False) -> None:
        self.type = type
        self.owner: object = None
        declared = type.limits.maximum
        self._most = min(max_bytes >> type.page_bits, type.most_pages if declared is None else declared)
        self._max_pages = self._most
        self.guarded = guarded
        self._growing = Lock()
        span = GUARDED_SPAN if guarded else _whole(self._most << type.page_bits)
        self._reservation = Reservation(HEADER + span)
        self.address = self._reservation.address + HEADER
        self._reservation.commit(0, HEADER)
        self.waiters = _waiters(self.address + WAITING) if type.shared else None
        self.size = self.length = 0
        self.view = memoryview(b"")
        if type.limits.minimum > self._max_pages or not self._resize(type.limits.minimum):
            raise Trap(None, f"no room for a memory of {type.limits.minimum} pages")

    @property
    def limits(self) -> Limits:
        """Present size in pages, and the declared maximum: what an import is matched against."""
        return Limits(self.size, self.type.limits.maximum, self.type.address)

    def grow(self, delta: int) -> int:
        """Add ``delta`` pages; returns the size before, or -1 when that is more than there may be."""
        with self._growing:  # a shared memory may grow in two threads at once
            before = self.size
            if before + delta > self._max_pages or not self._resize(before + delta):
                return -1
            return before

    def limit(self, length: int) -> None:
        """Let it grow to no more than ``length`` bytes, nor than it was made for; what it has, it keeps."""
        self._max_pages = min(self._most, length >> self.type.page_bits)

    def fill(self, start: int, byte: int, count: int) -> None:
        """``memory.fill``: set ``count`` bytes to the low 8 bits of ``byte``."""
        self.check(start, count)
        if count:
            ctypes.memset(self.address + start, byte & 0xFF, count)

    def copy(self, start: int, source: LinearMemory, source_start: int, count: int) -> None:
        """``memory.copy``: as if through a buffer, so that overlapping ranges are fine."""
        source.check(source_start, count)
        self.check(start, count)
        if count:
            ctypes.memmove(self.address + start, source.address + source_start, count)

    def write(self, start: int, data: bytes | memoryview) -> None:
        """Copy ``data`` in; traps, and writes nothing, when it does not fit."""
        self.check(start, len(data))
        self.view[start : start + len(data)] = data

    def wait(self, address: int, width: int, expected: int, timeout: int, look: Look | None = None) -> int:
        """``memory.atomic.wait``: see ``Waiters.wait``; traps where it makes no sense to wait."""
        self.check_atomic(address, width)
        if self.waiters is None:
            raise Trap(TrapCode.ATOMIC_WAIT_NON_SHARED_MEMORY)
        cell = _CELLS[width].from_address(self.address + address)
        return self.waiters.wait(address, cell, expected, timeout, look)

    def notify(self, address: int, count: int) -> int:
        """``memory.atomic.notify``: wake up to ``count`` threads; gives how many there were."""
        self.check_atomic(address, 4)
        return 0 if self.waiters is None else self.waiters.notify(address, count)

    def check_atomic(self, address: int, width: int) -> None:
        """Trap unless an atomic access of ``width`` bytes at ``address`` is aligned and lies inside."""
        if address % width:
            raise Trap(TrapCode.HEAP_MISALIGNED)
        self.check(address, width)

    def check(self, start: int, count: int) -> None:
        """Trap unless ``count`` bytes from ``start`` lie inside."""
        if start + count > self.length:
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS)

    def _resize(self, pages: int) -> bool:
        length = pages << self.type.page_bits
        if not self._reservation.commit(HEADER + _whole(self.length), HEADER + _whole(length)):
            return False
        self.size, self.length = pages, length
        poke(self.address + LENGTH, length)
        whole = (ctypes.c_ubyte * length).from_address(self.address)
        whole._reservation = self._reservation  # type: ignore[attr-defined]  # a view keeps its pages mapped
        self.view = memoryview(whole).cast("B")
        return True


def _whole(length: int) -> int:
    """``length`` rounded up to what the system can make accessible."""
    return -(-length // mmap.PAGESIZE) * mmap.PAGESIZE
