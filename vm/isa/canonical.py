"""Canonical types: one ``DefType`` object for all equivalent definitions (spec 3.1.3, iso-recursive).

Two recursion groups are equivalent when they are equal once every reference inside the group is written as a
place in the group, and every other as the canonical type it means. A group in that form is a key of the
registry below. The registry holds its groups weakly, but for the newest: types go with the last module or
object that uses them, and a module that is loaded again and again does not use up numbers, of which there are
2**24 for types with objects (``vm.gc.layout``).
"""

from __future__ import annotations

import itertools
import weakref

from vm.isa.types import (
    ArrayType,
    CompositeType,
    DefType,
    FieldType,
    FuncType,
    Heap,
    RecGroup,
    RefType,
    StructType,
    SubType,
    ValueType,
)
from vm.primitives import RLock, deque
from vm.typed import Sequence

_KINDS: dict[type[CompositeType], Heap] = {
    FuncType: Heap.FUNC,
    StructType: Heap.STRUCT,
    ArrayType: Heap.ARRAY,
}

_groups: weakref.WeakValueDictionary[tuple[SubType, ...], RecGroup] = weakref.WeakValueDictionary()
_numbered: weakref.WeakValueDictionary[int, DefType] = weakref.WeakValueDictionary()
_ids = itertools.count()
_newest: deque[RecGroup] = deque()

KEPT = 50_000
"""How many of the newest types stay when nobody uses them."""

_lock = RLock()


def canonical_group(members: Sequence[SubType]) -> tuple[DefType, ...]:
    """The canonical types of a recursion group.

    In ``members``, a heap type or supertype that is an int is a place in the group. A supertype must stand
    before what extends it. What else the specification asks of types is not looked at.
    """
    key = tuple(members)
    with _lock:
        group = _groups.get(key)
        if group is None:
            group = _groups[key] = _make(key)
            _keep(group)
        return group.members


def _keep(group: RecGroup) -> None:
    if not group.members:
        return
    _newest.append(group)
    while _newest and group.members[-1].id - _newest[0].members[0].id >= KEPT:
        _newest.popleft()


def canonical(signature: FuncType) -> DefType:
    """The canonical type of a function type that stands alone, is final and extends nothing."""
    return canonical_group((SubType(signature),))[0]


def by_number(number: int) -> DefType:
    """The type with this ``id``, which must be in use."""
    return _numbered[number]


def _make(members: tuple[SubType, ...]) -> RecGroup:
    group = RecGroup()
    made = [DefType() for _ in members]
    for definition, described in zip(made, members, strict=True):
        definition.kind = _KINDS[type(described.composite)]  # what refers to it may ask before it is ready
    for index, (definition, described) in enumerate(zip(made, members, strict=True)):
        definition.id = next(_ids)
        _numbered[definition.id] = definition
        definition.group = group
        definition.index = index
        definition.final = described.final
        above: tuple[DefType, ...] = ()
        for supertype in described.supertypes[:1]:
            above = (supertype if isinstance(supertype, DefType) else made[supertype]).display
        definition.display = (*above, definition)
        definition.composite = _closed(described.composite, made)
    group.members = tuple(made)
    return group


def _closed(composite: CompositeType, group: Sequence[DefType]) -> CompositeType:
    """The type with its group's members in their places."""
    match composite:
        case FuncType(params, results):
            closed = FuncType(
                tuple(resolved(type, group) for type in params),
                tuple(resolved(type, group) for type in results),
            )
            return composite if closed == composite else closed
        case StructType(fields):
            return StructType(tuple(_closed_field(member, group) for member in fields))
        case ArrayType(element):
            return ArrayType(_closed_field(element, group))


def _closed_field(member: FieldType, group: Sequence[DefType]) -> FieldType:
    if isinstance(member.storage, RefType):
        return FieldType(resolved(member.storage, group), member.mutable)
    return member


def resolved(type: ValueType, types: Sequence[DefType]) -> ValueType:
    """``type``, where a heap type that is an int stands for that member of ``types``."""
    if isinstance(type, RefType) and isinstance(type.heap, int):
        return RefType(types[type.heap], type.nullable)
    return type
