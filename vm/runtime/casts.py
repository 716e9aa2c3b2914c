"""Whether a reference fits a type: what ``ref.test`` asks, of any word of any hierarchy (spec 4.5.1.3)."""

from __future__ import annotations

from vm.gc.layout import ArrayLayout, StructLayout
from vm.gc.words import is_i31, is_object
from vm.isa.matching import top_of
from vm.isa.types import DefType, Heap, RefType
from vm.runtime.references import define, type_table
from vm.typed import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from vm.runtime.store import Store

Test = Callable[[int], bool]

_LAYOUTS: dict[object, type] = {Heap.STRUCT: StructLayout, Heap.ARRAY: ArrayLayout}


def tester(store: Store, type: RefType) -> Test:
    """The test of words of ``type``'s hierarchy for being a ``type``."""
    fits = _tester(store, type.heap)
    null = type.nullable
    return lambda word: null if word == 0 else fits(word)


def _tester(store: Store, heap: Heap | DefType | int) -> Test:
    """The same for words that are not null."""
    if isinstance(heap, DefType):
        return _function_tester(store, heap) if heap.kind is Heap.FUNC else _object_tester(store, heap)
    if heap is top_of(heap):
        return lambda word: True
    if heap in _LAYOUTS:
        layouts, kind = type_table().layouts, _LAYOUTS[heap]
        return lambda word: is_object(word) and isinstance(layouts[store.heap.type_of(word)], kind)
    if heap is Heap.I31:
        return is_i31
    if heap is Heap.EQ:
        return lambda word: is_i31(word) or is_object(word)
    return lambda word: False


def _function_tester(store: Store, wanted: DefType) -> Test:
    return lambda word: store.function_at(word).definition.extends(wanted)


def _object_tester(store: Store, wanted: DefType) -> Test:
    define([wanted])
    table, number = type_table(), wanted.id
    return lambda word: is_object(word) and table.is_subtype(store.heap.type_of(word), number)
