"""Which type matches which: subtyping of heap types, values, fields and whole types (spec 3.3).

All questions about defined types are answered in constant time, since ``DefType`` objects are canonical.
"""

from __future__ import annotations

from vm.isa.types import (
    ArrayType,
    CompositeType,
    DefType,
    FieldType,
    FuncType,
    Heap,
    RefType,
    StorageType,
    StructType,
    ValueType,
)
from vm.typed import Sequence

HeapType = Heap | DefType | int
"""What a reference can point to; an int, which needs its module to be understood, matches itself alone."""

_ABOVE: dict[Heap, frozenset[Heap]] = {
    Heap.ANY: frozenset({Heap.ANY}),
    Heap.EQ: frozenset({Heap.EQ, Heap.ANY}),
    Heap.I31: frozenset({Heap.I31, Heap.EQ, Heap.ANY}),
    Heap.STRUCT: frozenset({Heap.STRUCT, Heap.EQ, Heap.ANY}),
    Heap.ARRAY: frozenset({Heap.ARRAY, Heap.EQ, Heap.ANY}),
    Heap.NONE: frozenset({Heap.NONE, Heap.I31, Heap.STRUCT, Heap.ARRAY, Heap.EQ, Heap.ANY}),
    Heap.FUNC: frozenset({Heap.FUNC}),
    Heap.NOFUNC: frozenset({Heap.NOFUNC, Heap.FUNC}),
    Heap.EXTERN: frozenset({Heap.EXTERN}),
    Heap.NOEXTERN: frozenset({Heap.NOEXTERN, Heap.EXTERN}),
    Heap.EXN: frozenset({Heap.EXN}),
    Heap.NOEXN: frozenset({Heap.NOEXN, Heap.EXN}),
    Heap.BOT: frozenset(Heap),
}
"""The abstract heap types that each one matches."""

_BOTTOMS = {Heap.ANY: Heap.NONE, Heap.FUNC: Heap.NOFUNC, Heap.EXTERN: Heap.NOEXTERN, Heap.EXN: Heap.NOEXN}


def top_of(heap: HeapType) -> Heap:
    """The top of the hierarchy that a heap type belongs to: any, func, extern or exn. BOT is its own."""
    if isinstance(heap, int):
        raise TypeError("a type index says nothing without its module")
    if isinstance(heap, DefType):
        return Heap.FUNC if heap.kind is Heap.FUNC else Heap.ANY
    return next((top for top in _BOTTOMS if heap is not Heap.BOT and top in _ABOVE[heap]), Heap.BOT)


def bottom_of(heap: HeapType) -> Heap:
    """The bottom of the hierarchy that a heap type belongs to."""
    return _BOTTOMS.get(top_of(heap), Heap.BOT)


def matches_heap(found: HeapType, wanted: HeapType) -> bool:
    """Whether whatever ``found`` describes is described by ``wanted``, too (spec 3.3.3)."""
    if found is wanted:
        return True
    if isinstance(found, DefType):
        if isinstance(wanted, DefType):
            return found.extends(wanted)
        return wanted in _ABOVE[found.kind] if isinstance(wanted, Heap) else False
    if isinstance(found, int) or isinstance(wanted, int):
        return found == wanted
    if isinstance(wanted, DefType):
        return found is Heap.BOT or found is bottom_of(wanted)
    return wanted in _ABOVE[found]


def matches(found: ValueType, wanted: ValueType) -> bool:
    """Whether a ``found`` can stand wherever a ``wanted`` is asked for (spec 3.3.4 and 3.3.5)."""
    if found is wanted:
        return True
    if isinstance(found, RefType) and isinstance(wanted, RefType):
        return (wanted.nullable or not found.nullable) and matches_heap(found.heap, wanted.heap)
    return False


def matches_all(found: Sequence[ValueType], wanted: Sequence[ValueType]) -> bool:
    """``matches`` for lists of values, which must be as long (spec 3.3.6)."""
    return len(found) == len(wanted) and all(map(matches, found, wanted))


def matches_field(found: FieldType, wanted: FieldType) -> bool:
    """Fields (spec 3.3.9): what can be written must be the same, what can only be read may be narrower."""
    if found.mutable is not wanted.mutable:
        return False
    if matches_storage(found.storage, wanted.storage):
        return not found.mutable or matches_storage(wanted.storage, found.storage)
    return False


def matches_storage(found: StorageType, wanted: StorageType) -> bool:
    """``matches`` for what fields hold (spec 3.3.9)."""
    if isinstance(found, RefType) and isinstance(wanted, RefType):
        return matches(found, wanted)
    return found is wanted


def matches_composite(found: CompositeType, wanted: CompositeType) -> bool:
    """What a declared subtype must fulfil (spec 3.3.8): functions, structures with more fields, arrays."""
    match found, wanted:
        case FuncType(), FuncType():
            return matches_all(wanted.params, found.params) and matches_all(found.results, wanted.results)
        case StructType(), StructType():
            given, asked = found.fields, wanted.fields
            return len(given) >= len(asked) and all(map(matches_field, given[: len(asked)], asked))
        case ArrayType(), ArrayType():
            return matches_field(found.element, wanted.element)
    return False
