"""The heap of one store: allocation, access, and a collector that marks, stops the world and moves nothing.

    allocate ── bump the cursor ── no room: next hole ── none left: collect ── still none: grow ── limit: trap
    collect  ── clear the line table, trace from the roots, free handles that nobody reached

The heap meets the runtime through ``Binding``; types come by number from a ``TypeTable``.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from vm.errors import Trap, TrapCode
from vm.gc import record, words
from vm.gc.cage import LINE, LINE_SHIFT, Cage
from vm.gc.handles import Handles
from vm.gc.layout import ELEMENTS, LENGTH, TYPE_MASK, ArrayLayout, StructLayout, aligned
from vm.gc.marking import trace
from vm.gc.references import References
from vm.gc.types import TypeTable
from vm.memory.native import WORD, Block

MINIMUM_LINES = (16 << 20) >> LINE_SHIFT
"""A heap grows by this much at least, and fills half of it at least between two collections."""

_HOLE_LINES = 1 << 10
"""A hole is taken 256 KiB at a time, so that big arrays find room beside small objects."""

_SMALL = 8 << 10
"""Objects up to this size share holes; bigger ones get lines of their own."""

_COLOURS = 3
_LAST_COLOUR = 250

_HANDLES_BETWEEN = 1024
"""New handles that call for a collection, at least."""

_U32 = struct.Struct("<I")


class Binding(Protocol):
    """What the heap asks of the runtime."""

    def root_ranges(self) -> Iterable[tuple[int, int]]:
        """Native memory that holds references, one to a 64-bit word: (address, number of words)."""


@dataclass(slots=True)
class Statistics:
    """What the heap has done; ``live_bytes`` is what the last collection found."""

    collections: int = 0
    live_objects: int = 0
    live_bytes: int = 0


class Heap:
    """Objects, and handles to Python objects; ``limit`` bounds the objects' bytes.

    ``stress`` collects before every allocation and overwrites what is freed. ``root_words`` is the size of
    the root stack for compiled frames. Every method that returns a reference returns one that Python holds
    (``vm.gc.references``), and ``hold`` makes one of a word that came from elsewhere.
    """

    def __init__(
        self,
        types: TypeTable,
        binding: Binding,
        *,
        limit: int,
        stress: bool = False,
        root_words: int = 1 << 10,
    ) -> None:
        self.types = types
        self.handles = Handles()
        self.references = References()
        self.statistics = Statistics()
        self.hold = self.references.hold
        self._binding = binding
        self._limit = limit
        self._stress = stress
        self._colour = 1
        self._handles_at_last = self._live_lines = self._taken = 0
        self.record = Block(record.SIZE)
        self._root_stack = Block(WORD * root_words)
        self._set(record.TYPES, types.address)
        self._set(record.ROOT_TOP, self._root_stack.address)
        self._set(record.ROOT_LIMIT, self._root_stack.address + WORD * root_words)

    @functools.cached_property
    def cage(self) -> Cage:
        """The objects' memory, reserved when it is first needed."""
        cage = Cage(self._limit)
        self._set(record.BASE, cage.base)
        self._set(record.LINES, cage.lines_address)
        return cage

    # host objects

    def handle(self, value: object) -> int:
        """The reference that stands for a Python object; null for None."""
        if value is None:
            return 0
        if len(self.handles) >= 2 * self._handles_at_last + _HANDLES_BETWEEN:
            self.collect()
        return self.hold(words.handle(self.handles.index(value)))

    def host_value(self, word: int) -> object:
        """The Python object behind a reference that is null or a handle."""
        return None if word == 0 else self.handles.value(word >> words.HANDLE_SHIFT)

    # objects

    def new_struct(self, number: int) -> int:
        """A struct of type ``number`` with all fields 0."""
        layout = self.types.layouts[number]
        assert isinstance(layout, StructLayout)
        return self._new(number, layout.size)

    def new_array(self, number: int, length: int) -> int:
        """An array of type ``number`` with all elements 0."""
        layout = self.types.layouts[number]
        assert isinstance(layout, ArrayLayout)
        reference = self._new(number, layout.size(length))
        _U32.pack_into(self.cage.view, reference + LENGTH, length)
        return reference

    def type_of(self, word: int) -> int:
        """The number of an object's type."""
        number: int = _U32.unpack_from(self.cage.view, word)[0]
        return number & TYPE_MASK

    def length(self, word: int) -> int:
        """The length of an array."""
        length: int = _U32.unpack_from(self.cage.view, word + LENGTH)[0]
        return length

    def element(self, word: int, index: int) -> int:
        """Where element ``index`` of an array lies, from the array's start."""
        layout = self.types.layouts[self.type_of(word)]
        assert isinstance(layout, ArrayLayout)
        return ELEMENTS + (index << layout.shift)

    def load(self, word: int, offset: int, width: int) -> int:
        """The ``width`` bytes at ``offset`` in an object, as an unsigned integer."""
        at = word + offset
        return int.from_bytes(self.cage.view[at : at + width], "little")

    def store(self, word: int, offset: int, width: int, value: int) -> None:
        """Replace ``width`` bytes at ``offset`` in an object."""
        at = word + offset
        self.cage.view[at : at + width] = value.to_bytes(width, "little")

    def load_reference(self, word: int, offset: int) -> int:
        """The reference at ``offset`` in an object."""
        return self.hold(_U32.unpack_from(self.cage.view, word + offset)[0])

    def store_reference(self, word: int, offset: int, value: int) -> None:
        """Replace the reference at ``offset`` in an object."""
        _U32.pack_into(self.cage.view, word + offset, value)

    def _new(self, number: int, size: int) -> int:
        at = self.allocate(size)
        ctypes.memset(self.cage.base + at, 0, size)
        _U32.pack_into(self.cage.view, at, number)
        return self.hold(at)

    # room

    def allocate(self, size: int) -> int:
        """The offset of ``size`` bytes, whose content is anything. Traps when there is no room for them."""
        size = aligned(size)
        if self._stress:
            self.collect()
            return self._wide(size)
        cursor = self._get(record.CURSOR)
        if cursor + size <= self._get(record.LIMIT):
            self._set(record.CURSOR, cursor + size)
            return cursor
        return self._wide(size) if size > _SMALL else self._next_hole(size)

    def _next_hole(self, size: int) -> int:
        """Go on in the next hole that has room for ``size`` bytes."""
        start, stop = self._hole(self._get(record.SEARCH), _lines(size))
        stop = min(stop, start + max(_HOLE_LINES, _lines(size)))
        self._take(start, stop)
        self._set(record.SEARCH, stop)
        self._set(record.CURSOR, start * LINE + size)
        self._set(record.LIMIT, stop * LINE)
        return start * LINE

    def _wide(self, size: int) -> int:
        """Lines of its own for an object."""
        lines = _lines(size)
        start, _ = self._hole(0, lines)
        self._take(start, start + lines)
        return start * LINE

    def _take(self, start: int, stop: int) -> None:
        self.cage.take(start, stop)
        self._taken += stop - start

    def _hole(self, start: int, lines: int) -> tuple[int, int]:
        """A hole of at least so many lines from line ``start`` on; collects and grows to find one."""
        cage = self.cage
        found = cage.hole(start, lines)
        if found is None and self._taken >= max(MINIMUM_LINES, self._live_lines) // 2:
            self.collect()
            found = cage.hole(0, lines)
        if found is None:
            cage.extend(cage.end + max(lines, MINIMUM_LINES))
            found = cage.hole(0, lines)
        if found is None and lines <= cage.maximum:
            self.collect()
            found = cage.hole(0, lines)
        if found is None:
            raise Trap(TrapCode.HEAP_EXHAUSTED)
        return found

    # collection

    def collect(self) -> None:
        """Free what nothing refers to. Every reference in use must lie in a root, or be held by Python."""
        dead = self._collect()
        del dead  # only now: finalizers may run, and use this heap

    def _collect(self) -> object:
        cage, colours = self.cage, self._next_colours()
        self._set(record.CURSOR, 0)
        self._set(record.LIMIT, 0)
        self._set(record.SEARCH, 0)
        cage.clear()
        roots = self.references.held()
        for address, count in self._ranges():
            roots.extend((ctypes.c_uint64 * count).from_address(address))
        reached = trace(cage, self.types, self.handles, roots, colours.start, among=colours)
        if self._stress:
            cage.poison()
        self._account(reached.objects, reached.bytes)
        dead = self.handles.sweep(colours)
        self._handles_at_last = len(self.handles) - len(dead)
        return dead

    def _ranges(self) -> Iterable[tuple[int, int]]:
        yield from self._binding.root_ranges()
        start = self._root_stack.address
        yield start, (self._get(record.ROOT_TOP) - start) // WORD

    def _account(self, objects: int, size: int) -> None:
        statistics = self.statistics
        statistics.collections += 1
        statistics.live_objects, statistics.live_bytes = objects, size
        self._taken, self._live_lines = 0, self.cage.used()
        self.cage.extend(2 * self._live_lines)

    def _next_colours(self) -> range:
        """Colours that no live object has: the marks that a collection gives."""
        self._colour = 1 if self._colour > _LAST_COLOUR - _COLOURS else self._colour + _COLOURS
        return range(self._colour, self._colour + _COLOURS)

    def _get(self, offset: int) -> int:
        return self.record.words[offset // WORD]

    def _set(self, offset: int, value: int) -> None:
        self.record.words[offset // WORD] = value


def _lines(size: int) -> int:
    return -(-size // LINE)
