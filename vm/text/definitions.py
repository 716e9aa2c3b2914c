"""Type definitions: functions, structures, arrays, subtypes and recursion groups (spec 6.4.5 to 6.4.7).

They are read when all types have their names, since those of a group may refer to each other.
"""

from __future__ import annotations

from vm.isa.types import (
    ArrayType,
    CompositeType,
    FieldType,
    FuncType,
    PackedType,
    StorageType,
    StructType,
    SubType,
)
from vm.module.leb import encode_unsigned as u
from vm.text import types
from vm.text.cursor import Cursor
from vm.text.spaces import Space, TypeSpace, Unnamed

_PACKED = {str(member): member for member in PackedType}
_REC, _SUB, _SUB_FINAL, _FUNC, _STRUCT, _ARRAY = (
    bytes([form]) for form in (0x4E, 0x50, 0x4F, 0x60, 0x5F, 0x5E)
)


def type_definition(c: Cursor, names: TypeSpace, index: int) -> SubType:
    """What stands behind the identifier in ``(type ...)``, of the type that gets ``index``."""
    if not c.opens("sub"):
        return SubType(_composite(c, names, index))
    final = c.words[c.at] == "final"
    if final:
        c.at += 1
    above = []
    while names.sees_index(c):
        above.append(names.index(c))
    composite = _composite(c, names, index)
    c.close()
    return SubType(composite, tuple(above), final)


def _composite(c: Cursor, names: TypeSpace, index: int) -> CompositeType:
    found: CompositeType
    if c.opens("func"):
        found = types.signature(c, names, Unnamed())
    elif c.opens("array"):
        found = ArrayType(_field_type(c, names))
    elif c.opens("struct"):
        found = _structure(c, names, index)
    else:
        raise c.unexpected("(func, (struct, (array or (sub")
    c.close()
    return found


def _structure(c: Cursor, names: TypeSpace, index: int) -> StructType:
    space = names.fields[index] = Space("field", "field")
    fields: list[FieldType] = []
    while c.opens("field"):
        if c.words[c.at][:1] == "$":
            space.add(c)
            fields.append(_field_type(c, names))
            c.close()
            continue
        while c.words[c.at] != ")":
            space.add_anonymous()
            fields.append(_field_type(c, names))
        c.close()
    return StructType(tuple(fields))


def _field_type(c: Cursor, names: TypeSpace) -> FieldType:
    if not c.opens("mut"):
        return FieldType(_storage_type(c, names))
    content = _storage_type(c, names)
    c.close()
    return FieldType(content, True)


def _storage_type(c: Cursor, names: TypeSpace) -> StorageType:
    packed = _PACKED.get(c.words[c.at])
    if packed is None:
        return types.value_type(c, names)
    c.at += 1
    return packed


def encoded_groups(names: TypeSpace) -> list[bytes]:
    """The items of the type section: groups as they were written, single types without the group."""
    items, at = [], 0
    for count in names.groups:
        size = 1 if count is None else count
        members = b"".join(map(_encoded, names.types[at : at + size]))
        items.append(members if count is None else _REC + u(size) + members)
        at += size
    return items


def _encoded(type: SubType) -> bytes:
    body = _encoded_composite(type.composite)
    if type.final and not type.supertypes:
        return body
    above = b"".join(u(index) for index in type.supertypes if isinstance(index, int))
    return (_SUB_FINAL if type.final else _SUB) + u(len(type.supertypes)) + above + body


def _encoded_composite(composite: CompositeType) -> bytes:
    match composite:
        case FuncType(params, results):
            return _FUNC + types.encoded_types(params) + types.encoded_types(results)
        case StructType(fields):
            return _STRUCT + u(len(fields)) + b"".join(map(_encoded_field, fields))
        case ArrayType(element):
            return _ARRAY + _encoded_field(element)


def _encoded_field(member: FieldType) -> bytes:
    storage = member.storage
    content = bytes([storage.value]) if isinstance(storage, PackedType) else types.encoded(storage)
    return content + bytes([member.mutable])
