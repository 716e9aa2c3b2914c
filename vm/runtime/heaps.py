"""The managed heap of a store: how types lie in it, and which words of the store are roots."""

from __future__ import annotations

import weakref

from vm.gc.heap import Heap
from vm.gc.layout import REFERENCE, ArrayLayout, Layout, Slot, StructLayout
from vm.isa.types import ArrayType, DefType, PackedType, StorageType, StructType, ValType
from vm.memory.native import WORD
from vm.primitives import get_ident
from vm.runtime.layout import STATE_OWNER
from vm.runtime.references import traced, type_table
from vm.typed import TYPE_CHECKING, Iterator

if TYPE_CHECKING:
    from vm.runtime.store import Store

_WIDTHS: dict[StorageType, int] = {
    PackedType.I8: 1,
    PackedType.I16: 2,
    ValType.I32: 4,
    ValType.I64: 8,
    ValType.F32: 4,
    ValType.F64: 8,
    ValType.V128: 16,
}

_FUNCTION = Slot(8)
"""References to functions are addresses, which the heap does not follow."""


def slot(type: StorageType) -> Slot:
    """How a field or element of that type lies in an object."""
    if traced(type):
        return REFERENCE
    return _FUNCTION if type not in _WIDTHS else Slot(_WIDTHS[type])


def layout(type: DefType) -> Layout | None:
    """How objects of a type lie in memory; None for functions."""
    composite = type.composite
    if isinstance(composite, StructType):
        return StructLayout.of([slot(member.storage) for member in composite.fields])
    return ArrayLayout.of(slot(composite.element.storage)) if isinstance(composite, ArrayType) else None


def make_heap(store: Store) -> Heap:
    """The heap of a store."""
    config = store.config
    heap = Heap(
        type_table(),
        Roots(store),
        limit=config.max_heap_bytes,
        stress=config.gc_stress,
        shared=store.heap_record,
    )
    if store.tracer is not None:
        heap.trace_with(store.tracer)
    return heap


class Roots:
    """``vm.gc.heap.Binding`` for a store: tables and globals; Python and compiled frames show their own."""

    def __init__(self, store: Store) -> None:
        self._store = weakref.ref(store)
        self._state = store.state

    def root_ranges(self) -> Iterator[tuple[int, int]]:
        """Elements of tables, cells of globals, and what an exception brings along."""
        store = self._store()
        if store is None:
            return
        yield from store.frame_roots()
        for table in store.tables:
            if traced(table.type.element):
                yield table.elements, table.size
        for variable in store.globals:
            if traced(variable.type.content):
                yield variable.cell, 1
        for address in store.payload_references():
            yield address, 1

    def settled(self) -> bool:
        """Whether no code runs, or code in this thread, whose frames show their references."""
        store, owner = self._store(), self._state.words[STATE_OWNER // WORD]
        if owner == 0 or store is None:
            return True
        return store.runner.shows_roots and owner == get_ident()

    def alone(self) -> bool:
        """Whether this thread runs code of the store, or nobody does nor is about to."""
        store, owner = self._store(), self._state.words[STATE_OWNER // WORD]
        return owner == get_ident() or (owner == 0 and store is not None and not store.entries)
