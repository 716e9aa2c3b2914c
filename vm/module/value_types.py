"""Value types and heap types in the binary (spec 5.3.3 to 5.3.5), and the shortest of constant expressions.

What nearly every module's sections need stands here, so that the opcode table is not made for it.
"""

from __future__ import annotations

from vm.errors import DecodeError
from vm.isa.types import SHORT_REFS, Heap, RefType, ValType, ValueType
from vm.module.leb import UNEXPECTED_END, signed

VALUE_TYPES: dict[int, ValueType] = {**{member.value: member for member in ValType}, **SHORT_REFS}
"""Value types of one byte, by it."""

NULLABLE_REF, NON_NULL_REF = 0x63, 0x64
"""The bytes that open a reference type whose heap type follows."""

_ABSTRACT = {heap.value: heap for heap in Heap if heap is not Heap.BOT}

_I32_CONST, _END = 0x41, 0x0B


def read_value_type(code: bytes, at: int) -> tuple[ValueType, int]:
    """The value type at ``at``, and the next offset; type indices in it stay as they are."""
    if at >= len(code):
        raise DecodeError(UNEXPECTED_END, at, "a value type was expected")
    found = VALUE_TYPES.get(code[at])
    if found is not None:
        return found, at + 1
    if code[at] not in (NULLABLE_REF, NON_NULL_REF):
        raise DecodeError("malformed value type", at, f"byte {code[at]:#04x}")
    return read_ref_type(code, at)


def read_ref_type(code: bytes, at: int) -> tuple[RefType, int]:
    """As ``read_value_type``, for references."""
    if at >= len(code):
        raise DecodeError(UNEXPECTED_END, at, "a reference type was expected")
    byte = code[at]
    if byte in SHORT_REFS:
        return SHORT_REFS[byte], at + 1
    if byte not in (NULLABLE_REF, NON_NULL_REF):
        raise DecodeError("malformed reference type", at, f"byte {byte:#04x}")
    heap, at = read_heap_type(code, at + 1)
    return RefType(heap, byte == NULLABLE_REF), at


def read_heap_type(code: bytes, at: int) -> tuple[Heap | int, int]:
    """The heap type at ``at``, an int if it is a type index, and the next offset."""
    if at < len(code) and code[at] in _ABSTRACT:
        return _ABSTRACT[code[at]], at + 1
    index, next_at = signed(code, at, 33)
    if index < 0:
        raise DecodeError("malformed heap type", at, f"byte {code[at]:#04x}")
    return index, next_at


def read_number(code: bytes, at: int) -> tuple[int, int] | None:
    """The value of the constant expression at ``at`` and the offset behind it, if it is ``i32.const`` alone,
    as nearly all are. Raises ``DecodeError`` where its number is malformed.
    """
    if at >= len(code) or code[at] != _I32_CONST:
        return None
    value, end = signed(code, at + 1, 32)
    return (value, end + 1) if end < len(code) and code[end] == _END else None
