"""Types and type uses: parsed from text, given as values or in their binary form (spec 6.4, 5.3)."""

from __future__ import annotations

from vm.isa.types import FuncType, ValType
from vm.module.leb import encode_unsigned as u
from vm.text.cursor import Cursor
from vm.text.spaces import Space, TypeSpace, Unnamed

VALUE_TYPES = {str(member): member for member in ValType}
HEAP_TYPES = {str(member).removesuffix("ref"): member for member in ValType if member.is_ref}

_HAS_MAXIMUM, _SHARED, _ADDRESS_64 = 1, 2, 4


def value_type(c: Cursor) -> ValType:
    """A value type; ``(ref null func)`` is the long form of ``funcref``."""
    if c.sees("ref"):
        return _long_reference_type(c)
    found = VALUE_TYPES.get(c.words[c.at])
    if found is None:
        raise c.unexpected("a value type")
    c.at += 1
    return found


def _long_reference_type(c: Cursor) -> ValType:
    c.at += 2
    c.take("null")
    found = heap_type(c)
    c.close()
    return found


def sees_reference_type(c: Cursor) -> bool:
    """Whether a reference type is next."""
    found = VALUE_TYPES.get(c.words[c.at])
    return c.sees("ref") if found is None else found.is_ref


def reference_type(c: Cursor) -> ValType:
    """A reference type."""
    if not sees_reference_type(c):
        raise c.unexpected("a reference type")
    return value_type(c)


def heap_type(c: Cursor) -> ValType:
    """What a null points to, as the type of reference that it is."""
    found = HEAP_TYPES.get(c.words[c.at])
    if found is None:
        raise c.unexpected("a heap type")
    c.at += 1
    return found


def value_types(c: Cursor) -> list[ValType]:
    """Value types up to the closing parenthesis, which is read."""
    found = []
    while c.words[c.at] != ")":
        found.append(value_type(c))
    c.at += 1
    return found


def variables(c: Cursor, keyword: str, names: Space | None) -> list[ValType]:
    """All the ``(param ...)`` or ``(local ...)`` that follow; identifiers go into ``names``, if allowed."""
    found: list[ValType] = []
    while c.opens(keyword):
        if names is not None and c.words[c.at][:1] == "$":
            names.add(c)
            found.append(value_type(c))
            c.close()
        else:
            several = value_types(c)
            if names is not None:
                names.add_anonymous(len(several))
            found += several
    return found


def results(c: Cursor) -> list[ValType]:
    """All the ``(result ...)`` that follow."""
    found: list[ValType] = []
    while c.opens("result"):
        found += value_types(c)
    return found


def signature(c: Cursor, names: Space | None = None) -> FuncType:
    """Parameters and results, possibly none."""
    found = FuncType(tuple(variables(c, "param", names)), tuple(results(c)))
    if c.sees("param"):
        raise c.unexpected("no parameter behind a result", c.at + 1)
    return found


def function_type(c: Cursor) -> FuncType:
    """``(func ...)`` in a type definition."""
    c.take("(")
    c.take("func")
    found = signature(c, Unnamed())
    c.close()
    return found


def type_use(c: Cursor, types: TypeSpace, names: Space | None = None) -> int:
    """The type index of a function: by reference, written out, or both, which must agree (spec 6.4.8)."""
    start = c.at
    explicit = None
    if c.opens("type"):
        explicit = types.index(c)
        c.close()
    inline = signature(c, names)
    if explicit is None:
        return types.intern(inline)
    if inline == FuncType():
        if names is not None and explicit < len(types.types):
            names.add_anonymous(len(types.types[explicit].params))
        return explicit
    if explicit >= len(types.types):
        raise c.fail("unknown type", start, f"{explicit}, {len(types.types)} are known here")
    if types.types[explicit] != inline:
        raise c.fail(
            "inline function type", start, f"{inline} is not type {explicit}, {types.types[explicit]}"
        )
    return explicit


def encoded_function_type(type_: FuncType) -> bytes:
    """Its form in the type section."""
    return b"\x60" + encoded_types(type_.params) + encoded_types(type_.results)


def encoded_types(types: tuple[ValType, ...] | list[ValType]) -> bytes:
    """Value types with their count."""
    return u(len(types)) + bytes(member.value for member in types)


def address_type(c: Cursor) -> ValType:
    """What addresses a memory or table, when it is said: i32 unless it is."""
    if c.words[c.at] not in ("i32", "i64"):
        return ValType.I32
    return value_type(c)


def limits_flags(address: ValType, *, maximum: bool) -> int:
    """The byte in front of limits."""
    return (_HAS_MAXIMUM if maximum else 0) | (0 if address is ValType.I32 else _ADDRESS_64)


def limits(c: Cursor, address: ValType) -> bytes:
    """Minimum and maximum in binary; whether they are sensible is validation."""
    minimum = u(c.natural(64, "a size"))
    maximum = u(c.natural(64)) if c.sees_natural() else b""
    return bytes([limits_flags(address, maximum=bool(maximum))]) + minimum + maximum


def memory_type(c: Cursor, address: ValType) -> bytes:
    """A memory's type in binary."""
    bounds = limits(c, address)
    if c.words[c.at] != "shared":
        return bounds
    c.at += 1
    return bytes([bounds[0] | _SHARED]) + bounds[1:]


def table_type(c: Cursor, address: ValType) -> bytes:
    """A table's type in binary."""
    bounds = limits(c, address)
    return bytes([reference_type(c).value]) + bounds


def global_type(c: Cursor) -> bytes:
    """A global's type in binary."""
    if not c.opens("mut"):
        return bytes([value_type(c).value, 0])
    content = value_type(c)
    c.close()
    return bytes([content.value, 1])
