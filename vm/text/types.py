"""Value types and type uses: parsed from text, given as values or in their binary form (spec 6.4, 5.3).

Types that refer to defined types have their indices: what those mean is found out from the binary.
"""

from __future__ import annotations

from collections.abc import Sequence

from vm.isa.types import SHORT_REFS, FuncType, Heap, RefType, ValType, ValueType
from vm.module.leb import encode_signed
from vm.module.leb import encode_unsigned as u
from vm.module.value_types import NON_NULL_REF, NULLABLE_REF
from vm.text.cursor import Cursor
from vm.text.spaces import Space, TypeSpace

VALUE_TYPES: dict[str, ValueType] = {
    str(member): member for kinds in (ValType, SHORT_REFS.values()) for member in kinds
}
HEAP_TYPES = {str(heap): heap for heap in Heap if heap is not Heap.BOT}

_HAS_MAXIMUM, _SHARED, _ADDRESS_64, _PAGE_SIZE = 1, 2, 4, 8


def value_type(c: Cursor, names: TypeSpace) -> ValueType:
    """A value type; ``(ref null func)`` is the long form of ``funcref``."""
    found = VALUE_TYPES.get(c.words[c.at])
    if found is not None:
        c.at += 1
        return found
    if not c.opens("ref"):
        raise c.unexpected("a value type")
    nullable = c.words[c.at] == "null"
    if nullable:
        c.at += 1
    reference = RefType(heap_type(c, names), nullable)
    c.close()
    return reference


def sees_reference_type(c: Cursor) -> bool:
    """Whether a reference type is next."""
    found = VALUE_TYPES.get(c.words[c.at])
    return c.sees("ref") if found is None else found.is_ref


def reference_type(c: Cursor, names: TypeSpace) -> RefType:
    """A reference type."""
    found = value_type(c, names) if sees_reference_type(c) else None
    if not isinstance(found, RefType):
        raise c.unexpected("a reference type")
    return found


def heap_type(c: Cursor, names: TypeSpace) -> Heap | int:
    """What a reference points to: an abstract heap type or a type index."""
    found = HEAP_TYPES.get(c.words[c.at])
    if found is not None:
        c.at += 1
        return found
    if not names.sees_index(c):
        raise c.unexpected("a heap type")
    return names.index(c)


def value_types(c: Cursor, names: TypeSpace) -> list[ValueType]:
    """Value types up to the closing parenthesis, which is read."""
    found = []
    while c.words[c.at] != ")":
        found.append(value_type(c, names))
    c.at += 1
    return found


def variables(c: Cursor, keyword: str, names: TypeSpace, space: Space | None) -> list[ValueType]:
    """All the ``(param ...)`` or ``(local ...)`` that follow; identifiers go into ``space``, if allowed."""
    found: list[ValueType] = []
    while c.opens(keyword):
        if space is not None and c.words[c.at][:1] == "$":
            space.add(c)
            found.append(value_type(c, names))
            c.close()
        else:
            several = value_types(c, names)
            if space is not None:
                space.add_anonymous(len(several))
            found += several
    return found


def results(c: Cursor, names: TypeSpace) -> list[ValueType]:
    """All the ``(result ...)`` that follow."""
    found: list[ValueType] = []
    while c.opens("result"):
        found += value_types(c, names)
    return found


def signature(c: Cursor, names: TypeSpace, space: Space | None = None) -> FuncType:
    """Parameters and results, possibly none; names of parameters go into ``space``, if allowed."""
    found = FuncType(tuple(variables(c, "param", names, space)), tuple(results(c, names)))
    if c.sees("param"):
        raise c.unexpected("no parameter behind a result", c.at + 1)
    return found


def type_use(c: Cursor, types: TypeSpace, space: Space | None = None) -> int:
    """The type index of a function: by reference, written out, or both, which must agree (spec 6.4.8)."""
    start = c.at
    explicit = None
    if c.opens("type"):
        explicit = types.index(c)
        c.close()
    inline = signature(c, types, space)
    if explicit is None:
        return types.intern(inline)
    known = types.types[explicit].composite if explicit < len(types.types) else None
    if inline == FuncType():
        if space is not None and isinstance(known, FuncType):
            space.add_anonymous(len(known.params))
        return explicit
    if known is None:
        raise c.fail("unknown type", start, f"{explicit}, {len(types.types)} are known here")
    if known != inline:
        raise c.fail("inline function type", start, f"{inline} is not type {explicit}, {known}")
    return explicit


def encoded(type: ValueType) -> bytes:
    """A value type in binary, as short as can be."""
    if isinstance(type, ValType):
        return bytes([type.value])
    heap = encoded_heap(type)
    if type.nullable and isinstance(type.heap, Heap):
        return heap
    return bytes([NULLABLE_REF if type.nullable else NON_NULL_REF]) + heap


def encoded_heap(type: RefType) -> bytes:
    """The heap type of a reference in binary."""
    if isinstance(type.heap, Heap):
        return bytes([type.heap.value])
    assert isinstance(type.heap, int)  # in a text, types are defined by their place
    return encode_signed(type.heap)


def encoded_types(types: Sequence[ValueType]) -> bytes:
    """Value types with their count."""
    return u(len(types)) + b"".join(map(encoded, types))


def address_type(c: Cursor) -> ValType:
    """What addresses a memory or table, when it is said: i32 unless it is."""
    if c.words[c.at] not in ("i32", "i64"):
        return ValType.I32
    c.at += 1
    return ValType.I32 if c.words[c.at - 1] == "i32" else ValType.I64


def limits_flags(address: ValType, *, maximum: bool) -> int:
    """The byte in front of limits."""
    return (_HAS_MAXIMUM if maximum else 0) | (0 if address is ValType.I32 else _ADDRESS_64)


def limits(c: Cursor, address: ValType) -> bytes:
    """Minimum and maximum in binary; whether they are sensible is validation."""
    minimum = u(c.natural(64, "a size", kind="i64 "))
    maximum = u(c.natural(64, kind="i64 ")) if c.sees_natural() else b""
    return bytes([limits_flags(address, maximum=bool(maximum))]) + minimum + maximum


def memory_type(c: Cursor, address: ValType) -> bytes:
    """A memory's type in binary."""
    bounds, flags = limits(c, address), 0
    if c.words[c.at] == "shared":
        c.at += 1
        flags = _SHARED
    return with_pages(bytes([bounds[0] | flags]) + bounds[1:], page_bits(c))


def page_bits(c: Cursor) -> int | None:
    """``(pagesize ...)``, as its binary logarithm; None when it is not said."""
    if not c.opens("pagesize"):
        return None
    at, size = c.at, c.natural(64, "a page size")
    if size.bit_count() != 1:
        raise c.fail("invalid custom page size", at, f"{size} is no power of two")
    c.close()
    return size.bit_length() - 1


def with_pages(bounds: bytes, bits: int | None) -> bytes:
    """Limits of a memory with the size of its pages, if that was said."""
    return bounds if bits is None else bytes([bounds[0] | _PAGE_SIZE]) + bounds[1:] + u(bits)


def table_type(c: Cursor, names: TypeSpace, address: ValType) -> bytes:
    """A table's type in binary."""
    bounds = limits(c, address)
    return encoded(reference_type(c, names)) + bounds


def global_type(c: Cursor, names: TypeSpace) -> bytes:
    """A global's type in binary."""
    if not c.opens("mut"):
        return encoded(value_type(c, names)) + b"\0"
    content = value_type(c, names)
    c.close()
    return encoded(content) + b"\1"
