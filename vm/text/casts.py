"""Immediates of instructions on structures, arrays and casts (spec 6.5.6)."""

from __future__ import annotations

from vm.isa.types import RefType
from vm.module.leb import encode_unsigned as u
from vm.text import types
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.text.immediates import Parser, Scope

_SOURCE_NULL, _TARGET_NULL = 1, 2


def type_index(s: Scope) -> bytes:
    """A type."""
    return u(s.spaces.types.index(s.c))


def type_field(s: Scope) -> bytes:
    """A structure type and one of its fields, whose names belong to the type."""
    types_ = s.spaces.types
    index = types_.index(s.c)
    names = types_.fields.get(index)
    if names is None:  # no structure of this module: validation says so
        return u(index) + u(s.c.natural(32, "a field"))
    return u(index) + u(names.index(s.c))


def type_count(s: Scope) -> bytes:
    """An array type and a number of elements."""
    return type_index(s) + u(s.c.natural(32))


def type_data(s: Scope) -> bytes:
    """An array type and a data segment."""
    s.uses_data = True
    return type_index(s) + u(s.spaces.data.index(s.c))


def type_elem(s: Scope) -> bytes:
    """An array type and an element segment."""
    return type_index(s) + u(s.spaces.elements.index(s.c))


def type_type(s: Scope) -> bytes:
    """Two types."""
    return type_index(s) + type_index(s)


def reference_type(non_null: bytes, nullable: bytes) -> Parser:
    """A reference type that decides which of two opcodes it is."""

    def parse(s: Scope) -> bytes:
        found = types.reference_type(s.c, s.spaces.types)
        return (nullable if found.nullable else non_null) + types.encoded_heap(found)

    return parse


def branch_on_cast(s: Scope) -> bytes:
    """A label, the type that is known and the type cast to; whether they have null stands in front."""
    label = u(s.labels.index(s.c))
    source, target = (types.reference_type(s.c, s.spaces.types) for _ in range(2))
    return bytes([_flags(source, target)]) + label + types.encoded_heap(source) + types.encoded_heap(target)


def _flags(source: RefType, target: RefType) -> int:
    return (_SOURCE_NULL if source.nullable else 0) | (_TARGET_NULL if target.nullable else 0)
