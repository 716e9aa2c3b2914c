"""Room for objects: holes in the cage, and when to collect or grow instead.

    take ── bump the cursor ── no room: next hole ── none left: collect ── still none: grow ── limit: trap

Small objects share a hole; a big one gets lines of its own. Compiled code bumps the cursor itself and asks
for ``make_room`` when that fails; it must then look again, since any Python code may collect.
"""

from __future__ import annotations

from vm.errors import Trap, TrapCode
from vm.gc import record
from vm.gc.cage import LINE, LINE_SHIFT, Cage
from vm.gc.layout import ALIGNMENT, aligned
from vm.gc.record import HeapRecord
from vm.memory.native import WORD
from vm.typed import Callable

MINIMUM_LINES = (16 << 20) >> LINE_SHIFT
"""A heap grows by this much at least, and fills half of it at least between two collections."""

_KEPT_LINES = (64 << 20) >> LINE_SHIFT
"""Memory that a heap keeps though nothing is alive in it: taking it again costs as much as filling it."""

HOLE_LINES = 1 << 10
"""A hole is taken 256 KiB at a time, so that big objects find room beside small ones."""

SMALL = 8 << 10
"""Objects up to this size share holes."""


class Space:
    """The cage's lines, given out. ``collect`` frees some; ``stress`` collects before each gift."""

    def __init__(self, cage: Cage, words: HeapRecord, collect: Callable[[], None], *, stress: bool) -> None:
        self.cage = cage
        self._record = words
        self._collect = collect
        self._stress = stress
        self._live_lines = 0
        self._set(record.BASE, cage.base)
        self._set(record.LINES, cage.lines_address)
        self._forget()

    def allocate(self, size: int) -> int:
        """The offset of ``size`` bytes, whose content is anything. Traps when there is no room for them."""
        size = aligned(size)
        while (found := self._bump(size)) is None:
            self.make_room(size)
        return found

    def _bump(self, size: int) -> int | None:
        for start, limit in ((record.CURSOR, record.LIMIT), (record.WIDE, record.WIDE_LIMIT)):
            cursor = self._get(start)
            if cursor + size <= self._get(limit):
                self._set(start, cursor + size)
                return cursor
        return None

    def make_room(self, size: int) -> None:
        """Find a hole for ``size`` bytes (aligned): at the cursor if they are few, else for them alone."""
        lines = -(-size // LINE)
        if self._stress:
            self._collect()
        if self._stress or size > SMALL:
            start = self._hole(0, lines)[0]
            self._take(start, start + lines, record.WIDE, record.WIDE_LIMIT)
            self._set(record.WIDE_LIMIT, start * LINE + size)
            return
        start, stop = self._hole(self._get(record.SEARCH), lines)
        stop = min(stop, start + HOLE_LINES)
        self._take(start, stop, record.CURSOR, record.LIMIT)
        self._set(record.SEARCH, stop)

    def _take(self, start: int, stop: int, cursor: int, limit: int) -> None:
        self.cage.take(start, stop)
        self._set(record.TAKEN, self._get(record.TAKEN) + stop - start)
        self._set(cursor, start * LINE)
        self._set(limit, stop * LINE)

    def _hole(self, start: int, lines: int) -> tuple[int, int]:
        """A hole of at least so many lines from line ``start`` on; collects and grows to find one."""
        cage = self.cage
        if lines > cage.maximum:  # a search would take as many bytes as there are lines
            raise Trap(TrapCode.HEAP_EXHAUSTED)
        found = cage.hole(start, lines)
        if found is None and self._get(record.TAKEN) >= max(MINIMUM_LINES, self._live_lines) // 2:
            self._collect()
            found = cage.hole(0, lines)
        if found is None:
            self._grow(max(lines, MINIMUM_LINES))
            found = cage.hole(0, lines)
        if found is None:
            self._collect()
            found = cage.hole(0, lines)
        if found is None:
            raise Trap(TrapCode.HEAP_EXHAUSTED)
        return found

    def _grow(self, lines: int) -> None:
        self.cage.extend(self.cage.end + lines)
        if not self._stress:  # compiled code looks for holes up to there by itself
            self._set(record.END, self.cage.end)

    @property
    def taken(self) -> int:
        """Bytes given out since the last collection."""
        return self._get(record.TAKEN) * LINE

    def begin(self) -> None:
        """A collection starts: all lines are free, and nobody has room."""
        self._forget()
        self.cage.clear()

    def _forget(self) -> None:
        """No room anywhere; not at 0, which compiled code takes for impossible."""
        for offset in (record.CURSOR, record.LIMIT, record.WIDE, record.WIDE_LIMIT):
            self._set(offset, ALIGNMENT)
        self._set(record.SEARCH, 0)

    def finish(self) -> None:
        """A collection has marked what is in use: grow to twice that at least, shrink to four times."""
        if self._stress:
            self.cage.poison()
        self._set(record.TAKEN, 0)
        self._live_lines = self.cage.used()
        self.cage.shrink(max(_KEPT_LINES, 4 * self._live_lines))
        self._grow(max(0, 2 * self._live_lines - self.cage.end))

    def _get(self, offset: int) -> int:
        return self._record.words[offset // WORD]

    def _set(self, offset: int, value: int) -> None:
        self._record.words[offset // WORD] = value
