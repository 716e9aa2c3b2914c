"""The managed heap of a store, as WebAssembly uses it: its types, and which words of a store are roots."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence

from vm.gc.heap import Heap
from vm.gc.layout import REFERENCE, ArrayLayout, Layout, Slot, StructLayout
from vm.gc.types import TypeTable
from vm.isa.types import (
    ArrayType,
    DefType,
    PackedType,
    StorageType,
    StructType,
    ValType,
    ValueType,
)
from vm.memory.native import WORD
from vm.once import once
from vm.runtime.layout import STATE_HEAP, STATE_OWNER
from vm.typed import TYPE_CHECKING

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


@once
def type_table() -> TypeTable:
    """The process's table of types, by the numbers of ``DefType``."""
    return TypeTable()


def traced(type: StorageType) -> bool:
    """Whether values of the type are references that the collector must know of."""
    return not isinstance(type, PackedType) and type.is_ref and type.in_heap


def slot(type: StorageType) -> Slot:
    """How a field or element of that type lies in an object."""
    if traced(type):
        return REFERENCE
    return _FUNCTION if type not in _WIDTHS else Slot(_WIDTHS[type])


def needs_heap(types: Sequence[DefType]) -> bool:
    """Whether objects can be made of one of these types, or code has to look at types: not so for most."""
    return any(not type.final or isinstance(type.composite, StructType | ArrayType) for type in types)


def layout(type: DefType) -> Layout | None:
    """How objects of a type lie in memory; None for functions."""
    composite = type.composite
    if isinstance(composite, StructType):
        return StructLayout.of([slot(member.storage) for member in composite.fields])
    return ArrayLayout.of(slot(composite.element.storage)) if isinstance(composite, ArrayType) else None


def define(types: Iterable[DefType]) -> None:
    """Enter types, and the supertypes they have, into the table."""
    table = type_table()
    for type in types:
        for place, member in enumerate(type.display):
            if not table.knows(member.id):
                table.define(member.id, layout(member), [above.id for above in type.display[:place]])


def hold_all(store: Store, types: Sequence[ValueType], values: Sequence[int]) -> list[int]:
    """Bit patterns of these types, in which references are held by Python."""
    return [store.hold(value) if traced(type) else value for type, value in zip(types, values, strict=True)]


def make_heap(store: Store) -> Heap:
    """The heap of a store, whose state then points to its record."""
    config = store.config
    heap = Heap(
        type_table(),
        Roots(store),
        limit=config.max_heap_bytes,
        stress=config.gc_stress,
        root_words=config.max_wasm_stack // WORD,
    )
    store.state.words[STATE_HEAP // WORD] = heap.record.address
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
        return store.runner.shows_roots and owner == threading.get_ident()

    def alone(self) -> bool:
        """Whether this thread runs code of the store, or nobody does nor is about to."""
        store, owner = self._store(), self._state.words[STATE_OWNER // WORD]
        return owner == threading.get_ident() or (owner == 0 and store is not None and not store.entries)
