"""Tables of references, in native memory behind a record of fixed place."""

from __future__ import annotations

from vm.errors import Trap, TrapCode
from vm.isa.types import Limits, TableType
from vm.memory.native import Block, poke
from vm.runtime.layout import TABLE_ELEMENTS, TABLE_LENGTH
from vm.typed import Callable, Sequence


class Table:
    """One table: ``record`` is the address of its native record, ``size`` the number of elements.

    Elements are bit patterns as in ``vm.tiers.base``: 0 is null. ``owner`` is the store it belongs to.
    """

    def __init__(
        self,
        type: TableType,
        record: int,
        *,
        max_elements: int,
        init: int = 0,
        owner: object = None,
        hold: Callable[[int], int] | None = None,
    ) -> None:
        """``hold`` makes references that Python holds, where elements refer to managed objects."""
        self._hold = hold
        self.type = type
        self.owner = owner
        self.record = record
        declared = type.limits.maximum
        self._max_elements = max_elements if declared is None else min(declared, max_elements)
        self._most = self._max_elements
        self._capacity = 0
        self._block = Block(0)
        self.size = 0
        if self.grow(type.limits.minimum, init) < 0:
            raise Trap(None, f"no room for a table of {type.limits.minimum} elements (max_table_elements)")

    @property
    def limits(self) -> Limits:
        """The present size as the minimum, and the declared maximum (what an import is matched against)."""
        return Limits(self.size, self.type.limits.maximum, self.type.address)

    def limit(self, elements: int) -> None:
        """Let it grow to no more than ``elements``, nor than it was made for; what it has, it keeps."""
        self._max_elements = min(self._most, elements)

    def get(self, index: int) -> int:
        """Element ``index``; traps when there is none."""
        if index >= self.size:
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        word = self._block.words[index]
        return word if self._hold is None else self._hold(word)

    @property
    def elements(self) -> int:
        """The address of the elements, a word each."""
        return self._block.address

    def set(self, index: int, value: int) -> None:
        """Replace element ``index``; traps when there is none."""
        if index >= self.size:
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        self._block.words[index] = value

    def grow(self, delta: int, init: int) -> int:
        """Add ``delta`` elements ``init``; returns the size before, or -1 when there may not be so many."""
        before, after = self.size, self.size + delta
        if after > self._max_elements:
            return -1
        if after > self._capacity:
            self._move(max(after, min(2 * self._capacity, self._max_elements)))
        self.size = after
        poke(self.record + TABLE_LENGTH, after)
        if init:
            self.fill(before, init, delta)
        return before

    def fill(self, start: int, value: int, count: int) -> None:
        """``table.fill``."""
        self._check(start, count)
        self._block.words[start : start + count] = memoryview(_words([value]) * count).cast("B").cast("Q")

    def copy(self, start: int, source: Table, source_start: int, count: int) -> None:
        """``table.copy``: as if through a buffer."""
        source._check(source_start, count)
        self._check(start, count)
        self._block.words[start : start + count] = source._block.words[source_start : source_start + count]

    def init(self, start: int, values: Sequence[int], source_start: int, count: int) -> None:
        """``table.init``: ``count`` of a segment's ``values`` from ``source_start``."""
        if source_start + count > len(values):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        self._check(start, count)
        chosen = values[source_start : source_start + count]
        self._block.words[start : start + count] = memoryview(_words(chosen)).cast("B").cast("Q")

    def _check(self, start: int, count: int) -> None:
        if start + count > self.size:
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)

    def _move(self, capacity: int) -> None:
        block = Block(8 * capacity)
        block.words[: self.size] = self._block.words[: self.size]
        self._block, self._capacity = block, capacity
        poke(self.record + TABLE_ELEMENTS, block.address)


def _words(values: Sequence[int]) -> bytes:
    return b"".join(value.to_bytes(8, "little") for value in values)
