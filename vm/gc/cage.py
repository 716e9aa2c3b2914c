"""The memory of one heap: 4 GiB of address space, divided into lines of 256 bytes that are in use or free.

    0          4096                                                            4 GiB
    │ no object │ lines ... committed as the heap grows │ inaccessible          │ guard │

A hole is a run of free lines. Whoever takes one marks its lines as used, so that nobody else does; a
collection clears the line table, marks the lines of what is alive, and what is left are the holes. That is
the old space of a mark-region collector (Blackburn and McKinley, "Immix", PLDI 2008) without moving anything.
"""

from __future__ import annotations

import ctypes
import mmap

from vm.memory.reserve import Reservation, discard

SPAN = 1 << 32
LINE = 256
LINE_SHIFT = 8
FIRST_LINE = 16
"""Lines below are never used: a null reference must not name an object."""

_GUARD = 1 << 16
_CHUNK_LINES = 1 << 12
"""Memory is committed in pieces of a MiB, so that the system is not asked often."""

_POISON = 0xA5
"""What freed memory is filled with under stress: as a header it is a type that nobody has."""


class Cage:
    """The address space (``base``) and the line table (``lines``, a byte each, at ``lines_address``)."""

    def __init__(self, limit: int) -> None:
        self._reservation = Reservation(SPAN + _GUARD)
        self.base = self._reservation.address
        self.maximum = max(FIRST_LINE + 1, min(limit, SPAN) >> LINE_SHIFT)
        self.lines = mmap.mmap(-1, self.maximum)
        self._lines_view = ctypes.c_char.from_buffer(self.lines)
        self.lines_address = ctypes.addressof(self._lines_view)
        self.lines[:FIRST_LINE] = b"\1" * FIRST_LINE
        self.end = FIRST_LINE
        self._committed = FIRST_LINE
        whole = (ctypes.c_ubyte * SPAN).from_address(self.base)
        whole._reservation = self._reservation  # type: ignore[attr-defined]  # a view keeps it mapped
        self.view = memoryview(whole).cast("B")

    @property
    def bytes(self) -> int:
        """How many bytes objects can take at present."""
        return self.end * LINE

    def extend(self, end: int) -> bool:
        """Let the heap reach to line ``end``; False when the system has no memory for that."""
        end = min(end, self.maximum)
        if end > self._committed:
            wanted = min(-(-end // _CHUNK_LINES) * _CHUNK_LINES, SPAN >> LINE_SHIFT)
            if not self._reservation.commit(self._committed * LINE, wanted * LINE):
                return False
            self._committed = wanted
        self.end = max(self.end, end)
        return True

    def shrink(self, end: int) -> None:
        """Reach no farther than line ``end``, or the last line in use; memory behind that is freed."""
        end = max(end, self.lines.rfind(b"\1", 0, self.end) + 1)
        if end < self.end:
            discard(self.base + end * LINE, (self.end - end) * LINE)
            self.end = end

    def hole(self, start: int, lines: int) -> tuple[int, int] | None:
        """The first run of at least ``lines`` free lines from line ``start`` on, as far as it goes."""
        at = self.lines.find(b"\0" * lines, start, self.end)
        if at < 0:
            return None
        stop = self.lines.find(b"\1", at, self.end)
        return at, self.end if stop < 0 else stop

    def take(self, start: int, stop: int) -> None:
        """Mark lines as used."""
        self.lines[start:stop] = b"\1" * (stop - start)

    def clear(self) -> None:
        """Everything is free, until marking says otherwise."""
        self.lines[FIRST_LINE : self.end] = bytes(self.end - FIRST_LINE)

    def used(self) -> int:
        """How many lines are in use."""
        return self.lines[FIRST_LINE : self.end].count(1)

    def poison(self) -> None:
        """Overwrite every hole, so that whoever still uses what was there notices."""
        at = FIRST_LINE
        while (hole := self.hole(at, 1)) is not None:
            start, at = hole
            ctypes.memset(self.base + start * LINE, _POISON, (at - start) * LINE)
