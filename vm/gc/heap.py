"""The heap of one store: objects, handles to Python objects, and a collector that marks and moves nothing.

The heap meets the runtime through ``Binding``; types come by number from a ``TypeTable``. ``vm.gc.space``
says where room comes from, ``vm.gc.collector`` what is alive.
"""

from __future__ import annotations

import ctypes
import functools
import struct
import weakref
from contextlib import contextmanager

from vm.gc import cycles, words
from vm.gc.cage import Cage
from vm.gc.collector import Collector, Statistics, Tracer
from vm.gc.handles import Cell, Handles
from vm.gc.layout import ELEMENTS, LENGTH, TYPE_MASK, ArrayLayout, StructLayout
from vm.gc.marking import PythonTracer
from vm.gc.record import ROOT_TOP, TYPES, HeapRecord
from vm.gc.references import Anchor, References
from vm.gc.space import Space
from vm.gc.types import TypeTable
from vm.memory.native import WORD
from vm.primitives import RLock
from vm.typed import Callable, Iterable, Iterator, Protocol

_HANDLES_BETWEEN = 1024
"""New handles that call for a collection, at least; more when many are in use."""

_SMALL_HEAP = 128 << 10
"""Bytes up to which a collection in Python is quicker than making native code for it."""

_U32 = struct.Struct("<I")


class Binding(Protocol):
    """What the heap asks of the runtime."""

    def root_ranges(self) -> Iterable[tuple[int, int]]:
        """Native memory that holds references, one to a 64-bit word: (address, number of words)."""

    def settled(self) -> bool:
        """Whether every reference in use lies there at this moment, or is held by Python."""

    def alone(self) -> bool:
        """Whether no other thread than this one is running, or about to run, code that uses the heap."""


MakeTracer = Callable[[Cage, TypeTable, Handles], Tracer]


class Heap:
    """Objects, and handles to Python objects; ``limit`` bounds the objects' bytes.

    ``stress`` collects before every allocation and overwrites what is freed. Every
    method that returns a reference returns one that Python holds
    (``vm.gc.references``); ``hold`` makes one of a word that came from elsewhere, and must still lie there.
    """

    def __init__(
        self,
        types: TypeTable,
        binding: Binding,
        *,
        limit: int,
        stress: bool = False,
        shared: HeapRecord | None = None,
        small: int = _SMALL_HEAP,
    ) -> None:
        self.types = types
        self.record = HeapRecord() if shared is None else shared
        self.handles = Handles()
        self.references = References(self._weakly("thaw"))
        self.statistics = Statistics()
        self.hold = self.references.hold
        self._binding = binding
        self._limit = limit
        self._stress = stress
        self._small = small
        self._make_native: MakeTracer | None = None
        self._collector = Collector(self.handles, self.references, self.statistics)
        self._handles_at_last = 0
        self._busy = 0
        self._freezing = RLock()
        self._loose: list[weakref.ref[Anchor]] = []
        self.record.words[TYPES // WORD] = types.address

    @functools.cached_property
    def space(self) -> Space:
        """The objects' memory, reserved when it is first needed."""
        return Space(Cage(self._limit), self.record, self._weakly("collect"), stress=self._stress)

    def trace_with(self, make: MakeTracer) -> None:
        """Let collections of heaps that are not small use another tracer."""
        self._make_native = make

    @functools.cached_property
    def _python_tracer(self) -> Tracer:
        return PythonTracer(self.space.cage, self.types, self.handles)

    @functools.cached_property
    def _native_tracer(self) -> Tracer:
        assert self._make_native is not None
        return self._make_native(self.space.cage, self.types, self.handles)

    def _tracer(self) -> Tracer:
        """Under stress the one in Python, which notices damage."""
        small = self.statistics.live_bytes + self.space.taken < self._small
        return self._python_tracer if self._stress or small or not self._make_native else self._native_tracer

    def reserve(self) -> None:
        """Make sure that there is memory for objects; compiled code relies on it."""
        assert self.space

    def _weakly(self, method: str) -> Callable[[], None]:
        """A method for the heap's parts to call; the heap's memory goes with its last user, without delay."""
        heap = weakref.ref(self)

        def call() -> None:
            alive = heap()
            assert alive is not None
            getattr(alive, method)()

        return call

    # host objects

    def handle(self, value: object) -> int:
        """The reference that stands for a Python object; null for None."""
        if value is None:
            return 0
        if len(self.handles) >= 2 * self._handles_at_last + _HANDLES_BETWEEN:
            self.collect()
        if not len(self.handles):
            cycles.watch(self)  # no sooner: what a signal's handler raises in Python's collector is lost
        with self._undisturbed():
            return self.hold(words.handle(self.handles.index(value)))

    def host_value(self, word: int) -> object:
        """The Python object behind a reference that is null or a handle."""
        if word == 0:
            return None
        with self._freezing:
            return self.handles.value(word >> words.HANDLE_SHIFT)

    # objects

    def new_struct(self, number: int) -> int:
        """A struct of type ``number`` with all fields 0."""
        layout = self.types.layouts[number]
        assert isinstance(layout, StructLayout)
        with self._undisturbed():
            return self.hold(self._new(number, layout.size))

    def new_array(self, number: int, length: int) -> int:
        """An array of type ``number`` with all elements 0."""
        layout = self.types.layouts[number]
        assert isinstance(layout, ArrayLayout)
        with self._undisturbed():
            word = self._new(number, layout.size(length))
            _U32.pack_into(self._view, word + LENGTH, length)
            return self.hold(word)

    def type_of(self, word: int) -> int:
        """The number of an object's type."""
        number: int = _U32.unpack_from(self._view, word)[0]
        return number & TYPE_MASK

    def length(self, word: int) -> int:
        """The length of an array."""
        length: int = _U32.unpack_from(self._view, word + LENGTH)[0]
        return length

    def element(self, word: int, index: int) -> int:
        """Where element ``index`` of an array lies, from the array's start."""
        layout = self.types.layouts[self.type_of(word)]
        assert isinstance(layout, ArrayLayout)
        return ELEMENTS + (index << layout.shift)

    def load(self, word: int, offset: int, width: int) -> int:
        """The ``width`` bytes at ``offset`` in an object, as an unsigned integer."""
        at = word + offset
        return int.from_bytes(self._view[at : at + width], "little")

    def store(self, word: int, offset: int, width: int, value: int) -> None:
        """Replace ``width`` bytes at ``offset`` in an object."""
        at = word + offset
        self._view[at : at + width] = value.to_bytes(width, "little")

    def span(self, word: int, offset: int, size: int) -> memoryview:
        """``size`` bytes from ``offset`` in an object, to read or write at once."""
        return self._view[word + offset : word + offset + size]

    def load_reference(self, word: int, offset: int) -> int:
        """The reference at ``offset`` in an object."""
        return self.hold(_U32.unpack_from(self._view, word + offset)[0])

    def store_reference(self, word: int, offset: int, value: int) -> None:
        """Replace the reference at ``offset`` in an object."""
        _U32.pack_into(self._view, word + offset, value)

    @property
    def _view(self) -> memoryview:
        return self.space.cage.view

    def _new(self, number: int, size: int) -> int:
        """An object with its header, all else 0; the caller holds it before anything else can happen."""
        at = self.space.allocate(size)
        ctypes.memset(self.space.cage.base + at, 0, size)
        _U32.pack_into(self._view, at, number)
        return at

    # collection

    def collect(self) -> None:
        """Free what nothing refers to, unless there are references in use that no root shows."""
        if not self._binding.settled():
            return
        dead = self._run(self._collector.collect)
        del dead  # only now: finalizers may run, and use this heap

    def freeze(self) -> None:
        """Collect, and leave what only Python holds to Python's cycle collector until ``thaw``.

        Does nothing where there is no need, or no way: another thread may be using the heap.
        """
        if self._busy or not len(self.handles) or not self.references.any_object() or self._loose:
            return
        with self._freezing:
            if not self._binding.settled() or not self._binding.alone():
                return
            dead = self._run(self._collector.freeze)
            known = map(self.references.anchor, self.references.held())
            self._loose = [weakref.ref(anchor) for anchor in known if anchor is not None]
        del dead

    def use(self) -> None:
        """Make sure that the heap is not frozen; waits for a thread that is about to freeze it."""
        with self._freezing:
            self.thaw()

    def thaw(self) -> None:
        """Take back what was left to Python. Whoever runs WebAssembly, or gives it references, does this."""
        self.handles.thaw()
        if self._loose:
            loose, self._loose = self._loose, []
            for known in loose:
                anchor = known()
                if anchor is not None:
                    anchor.reach = None

    def _run(self, collect: Callable[[Tracer, Iterable[tuple[int, int]]], list[Cell]]) -> list[Cell]:
        self.thaw()
        with self._undisturbed():
            tracer = self._tracer()
            self.space.begin()
            dead = collect(tracer, self._ranges())
            self.space.finish()
            self._handles_at_last = len(self.handles) - len(dead)
            return dead

    def _ranges(self) -> Iterable[tuple[int, int]]:
        yield from self._binding.root_ranges()
        start = self.record.roots
        yield start, (self.record.words[ROOT_TOP // WORD] - start) // WORD

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """No freezing inside, in this thread or another: there are references that no root shows."""
        with self._freezing:
            self._busy += 1
            try:
                yield
            finally:
                self._busy -= 1
