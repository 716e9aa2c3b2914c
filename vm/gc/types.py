"""The table of types, in native memory: what marking and casts need to know, by the number of a type.

     0  kind (32 bits)                             16  address of the traced fields' offsets (32 bits each)
     4  struct: size; array: log2 of an element    24  address of the display: the numbers (32 bits each) of
     8  traced fields; array: 1 if traced              the type's supertypes from the root on, itself last
    12  depth: the display's length

A type with number n is a subtype of m exactly when m stands in n's display at m's own depth, less one: a cast
is two loads and two comparisons, however deep the types.
"""

from __future__ import annotations

from array import array

from vm.enums import IntEnum
from vm.errors import VMError
from vm.gc.layout import TYPE_MASK, ArrayLayout, Layout, StructLayout
from vm.memory.native import Heap, poke
from vm.memory.reserve import Reservation
from vm.primitives import Lock
from vm.typed import Sequence

ENTRY_SIZE = 32
ENTRY_KIND, ENTRY_SIZE_OR_SHIFT, ENTRY_TRACED, ENTRY_DEPTH = 0, 4, 8, 12
ENTRY_OFFSETS, ENTRY_DISPLAY = 16, 24

_PAGE = 1 << 16


class Kind(IntEnum):
    """What sort of thing a number stands for. ``OTHER`` types have no objects in the heap (functions)."""

    NONE = 0
    STRUCT = 1
    ARRAY = 2
    OTHER = 3


class TypeTable:
    """Types by number; entries never change once defined. ``address`` is that of entry 0."""

    def __init__(self) -> None:
        self._reservation = Reservation((TYPE_MASK + 1) * ENTRY_SIZE)
        self.address = self._reservation.address
        self._committed = 0
        self._records = Heap()
        self._lock = Lock()
        self._displays: dict[int, tuple[int, ...]] = {}
        self.layouts: dict[int, Layout] = {}

    def define(self, number: int, layout: Layout | None, supertypes: Sequence[int] = ()) -> None:
        """Enter type ``number``; ``supertypes`` from the root on, without itself. Doing it twice is harmless.

        ``layout`` None is a type without objects.
        """
        if not 0 <= number <= TYPE_MASK:
            raise VMError(f"more than {TYPE_MASK} types in one process")
        with self._lock:
            if number not in self._displays:
                self._write(number, layout, (*supertypes, number))

    def knows(self, number: int) -> bool:
        """Whether a type has been entered."""
        return number in self._displays

    def is_subtype(self, number: int, of: int) -> bool:
        """Whether type ``number`` is ``of`` or was declared under it."""
        display, depth = self._displays[number], len(self._displays[of])
        return len(display) >= depth and display[depth - 1] == of

    def _write(self, number: int, layout: Layout | None, display: tuple[int, ...]) -> None:
        entry = self._commit(number)
        kind, second, traced, offsets = Kind.OTHER, 0, 0, 0
        if isinstance(layout, StructLayout):
            kind, second, traced = Kind.STRUCT, layout.size, len(layout.traced)
            offsets = self._list(layout.traced)
        elif isinstance(layout, ArrayLayout):
            kind, second, traced = Kind.ARRAY, layout.shift, int(layout.traced)
        poke(entry + ENTRY_TRACED, traced | len(display) << 32)
        poke(entry + ENTRY_OFFSETS, offsets)
        poke(entry + ENTRY_DISPLAY, self._list(display))
        poke(entry, kind | second << 32)
        self._displays[number] = display
        if layout is not None:
            self.layouts[number] = layout

    def _commit(self, number: int) -> int:
        """Make sure that the entry's memory is there; returns its address."""
        end = (number + 1) * ENTRY_SIZE
        if end > self._committed:
            wanted = -(-end // _PAGE) * _PAGE
            if not self._reservation.commit(self._committed, wanted):
                raise VMError("no memory for the table of types")
            self._committed = wanted
        return self.address + number * ENTRY_SIZE

    def _list(self, numbers: Sequence[int]) -> int:
        """The address of 32-bit numbers; 0 when there are none."""
        if not numbers:
            return 0
        halves = array("I", numbers)
        if len(halves) % 2:
            halves.append(0)
        address = self._records.allocate(4 * len(halves))
        for i, word in enumerate(memoryview(halves).cast("B").cast("Q")):
            poke(address + 8 * i, word)
        return address
