"""One instruction at a time: opcode, immediates, where the next one starts (spec 5.4).

``read`` is what every walker over code uses: validator, printer, interpreter, compilers. How an
immediate is encoded stands here once, in ``_READERS``; what an opcode takes stands in the opcode table.
"""

from __future__ import annotations

from collections.abc import Callable

from vm.errors import DecodeError
from vm.isa.exception_opcodes import CATCH_KINDS
from vm.isa.opcode import CatchClause
from vm.isa.opcodes import BY_CODE, PREFIXES, Immediate, Opcode
from vm.isa.types import FuncType, RefType, ValType, ValueType
from vm.module.leb import UNEXPECTED_END, signed, unsigned
from vm.module.model import ModuleData
from vm.module.value_types import (
    NON_NULL_REF,
    NULLABLE_REF,
    VALUE_TYPES,
    read_heap_type,
    read_ref_type,
    read_value_type,
)
from vm.typed import Any

BlockType = ValueType | int | None
"""A block's type as the binary gives it: a type index, one result, or None for ``[] -> []``."""

Reader = Callable[[bytes, int], tuple[tuple[Any, ...], int]]

_EMPTY_BLOCK = 0x40
_EXPLICIT_MEMORY = 0x40
"""Bit of a load's or store's flags: the index of its memory follows."""


def read(code: bytes, at: int) -> tuple[Opcode, tuple[Any, ...], int]:
    """The instruction at ``at``: its row, its immediates (see ``Immediate``), and the next offset.

    Raises ``DecodeError`` for unknown opcodes, malformed immediates, and at the end of ``code``; that
    the instruction lies inside its body is the caller's to check.
    """
    try:
        byte = code[at]
    except IndexError:
        raise DecodeError(UNEXPECTED_END, at, "an instruction was expected") from None
    entry = _ONE_BYTE[byte]
    if entry is None:
        return _read_prefixed(code, at)
    opcode, reader = entry
    if reader is None:
        return opcode, (), at + 1
    immediates, next_at = reader(code, at + 1)
    return opcode, immediates, next_at


def block_type(module: ModuleData, immediate: BlockType) -> FuncType:
    """The function type of a block, from the immediate that ``read`` gave, which must have been checked."""
    if immediate is None:
        return _NO_VALUES
    if isinstance(immediate, ValType):
        return _ONE_RESULT[immediate]
    if isinstance(immediate, RefType):
        return FuncType((), (module.value_type(immediate),))
    return module.signature(immediate)


_NO_VALUES = FuncType()
_ONE_RESULT = {member: FuncType((), (member,)) for member in ValType}


def _read_prefixed(code: bytes, at: int) -> tuple[Opcode, tuple[Any, ...], int]:
    """An instruction of two parts, or the error for a byte that opens none."""
    prefix = code[at]
    if prefix not in PREFIXES:
        raise DecodeError(f"illegal opcode {prefix:02x}", at, "no instruction begins with this byte")
    sub, next_at = unsigned(code, at + 1)
    entry = _PREFIXED.get((prefix, sub))
    if entry is None:
        raise DecodeError(f"illegal opcode {prefix:02x} {sub:02x}", at, "unknown after this prefix")
    opcode, reader = entry
    if reader is None:
        return opcode, (), next_at
    immediates, next_at = reader(code, next_at)
    return opcode, immediates, next_at


def _index(code: bytes, at: int) -> tuple[tuple[int], int]:
    if at < len(code) and code[at] < 0x80:  # nearly all indices are this short
        return (code[at],), at + 1
    value, at = unsigned(code, at)
    return (value,), at


def _two_indices(code: bytes, at: int) -> tuple[tuple[int, int], int]:
    first, at = unsigned(code, at)
    second, at = unsigned(code, at)
    return (first, second), at


def _label_table(code: bytes, at: int) -> tuple[tuple[tuple[int, ...], int], int]:
    count, at = unsigned(code, at)
    if count > len(code) - at:  # each label takes a byte: refuse before allocating
        raise DecodeError("unexpected end of section or function", at, f"a table of {count} labels")
    labels = []
    for _ in range(count):
        label, at = unsigned(code, at)
        labels.append(label)
    default, at = unsigned(code, at)
    return (tuple(labels), default), at


def _memarg(code: bytes, at: int) -> tuple[tuple[int, int, int], int]:
    if at + 1 < len(code) and code[at] < _EXPLICIT_MEMORY and code[at + 1] < 0x80:  # as most are
        return (code[at], code[at + 1], 0), at + 2
    flags, next_at = unsigned(code, at)
    if flags >= 0x80:
        raise DecodeError("malformed memop flags", at, f"{flags:#x}")
    memory = 0
    if flags & _EXPLICIT_MEMORY:
        memory, next_at = unsigned(code, next_at)
    offset, next_at = unsigned(code, next_at, 64)
    return (flags & ~_EXPLICIT_MEMORY, offset, memory), next_at


def _i32(code: bytes, at: int) -> tuple[tuple[int], int]:
    if at < len(code) and code[at] < 0x40:  # the sign is in the bit above
        return (code[at],), at + 1
    value, at = signed(code, at, 32)
    return (value,), at


def _i64(code: bytes, at: int) -> tuple[tuple[int], int]:
    value, at = signed(code, at, 64)
    return (value,), at


def _bits(width: int) -> Reader:
    def reader(code: bytes, at: int) -> tuple[tuple[int], int]:
        if at + width > len(code):
            raise DecodeError(UNEXPECTED_END, at, f"a constant of {width} bytes was expected")
        return (int.from_bytes(code[at : at + width], "little"),), at + width

    return reader


def _lanes(count: int) -> Reader:
    def reader(code: bytes, at: int) -> tuple[tuple[int, ...], int]:
        if at + count > len(code):
            raise DecodeError(UNEXPECTED_END, at, f"{count} lane indices were expected")
        return tuple(code[at : at + count]), at + count

    return reader


_lane = _lanes(1)


def _memarg_lane(code: bytes, at: int) -> tuple[tuple[int, ...], int]:
    memarg, at = _memarg(code, at)
    lane, at = _lane(code, at)
    return (*memarg, *lane), at


def _block_type(code: bytes, at: int) -> tuple[tuple[BlockType], int]:
    byte = code[at] if at < len(code) else -1
    if byte == _EMPTY_BLOCK:
        return (None,), at + 1
    if byte in VALUE_TYPES:
        return (VALUE_TYPES[byte],), at + 1
    if byte in (NULLABLE_REF, NON_NULL_REF):
        reference, at = read_ref_type(code, at)
        return (reference,), at
    index, next_at = signed(code, at, 33)
    if index < 0:
        raise DecodeError("malformed block type", at, f"byte {byte:#04x}")
    return (index,), next_at


def _try_table(code: bytes, at: int) -> tuple[tuple[BlockType, tuple[CatchClause, ...]], int]:
    (block,), at = _block_type(code, at)
    count, at = unsigned(code, at)
    if count > len(code) - at:
        raise DecodeError("unexpected end of section or function", at, f"{count} catch clauses")
    clauses = []
    for _ in range(count):
        clause, at = _catch_clause(code, at)
        clauses.append(clause)
    return (block, tuple(clauses)), at


def _catch_clause(code: bytes, at: int) -> tuple[CatchClause, int]:
    if at >= len(code):
        raise DecodeError(UNEXPECTED_END, at, "a catch clause was expected")
    kind = _CATCH_KINDS.get(code[at])
    if kind is None:
        raise DecodeError("malformed catch clause", at, f"byte {code[at]:#04x}")
    names_tag, with_ref = kind
    tag, at = unsigned(code, at + 1) if names_tag else (None, at + 1)
    depth, at = unsigned(code, at)
    return CatchClause(tag, with_ref, depth), at


_CATCH_KINDS = {byte: kind for kind, byte in CATCH_KINDS.items()}


def _fence(code: bytes, at: int) -> tuple[tuple[()], int]:
    if at >= len(code):
        raise DecodeError(UNEXPECTED_END, at, "a zero byte was expected")
    if code[at]:
        raise DecodeError("zero byte expected", at, f"{code[at]:#04x} behind atomic.fence")
    return (), at + 1


def _null_type(code: bytes, at: int) -> tuple[tuple[RefType], int]:
    heap, at = read_heap_type(code, at)
    return (RefType(heap),), at


def _non_null_type(code: bytes, at: int) -> tuple[tuple[RefType], int]:
    heap, at = read_heap_type(code, at)
    return (RefType(heap, False),), at


def _cast(code: bytes, at: int) -> tuple[tuple[int, RefType, RefType], int]:
    """Flags (bit 0: the known type has null, bit 1: the type cast to has), a label, two heap types."""
    if at >= len(code):
        raise DecodeError(UNEXPECTED_END, at, "the flags of a cast were expected")
    flags = code[at]
    if flags > 3:
        raise DecodeError("malformed cast flags", at, f"{flags:#x}")
    label, at = unsigned(code, at + 1)
    source, at = read_heap_type(code, at)
    target, at = read_heap_type(code, at)
    return (label, RefType(source, bool(flags & 1)), RefType(target, bool(flags & 2))), at


def _value_types(code: bytes, at: int) -> tuple[tuple[tuple[ValueType, ...]], int]:
    count, at = unsigned(code, at)
    if count > len(code) - at:
        raise DecodeError("unexpected end of section or function", at, f"{count} value types")
    types = []
    for _ in range(count):
        found, at = read_value_type(code, at)
        types.append(found)
    return (tuple(types),), at


_READERS: dict[Immediate, Reader | None] = {
    Immediate.NONE: None,
    Immediate.BLOCK: _block_type,
    Immediate.LABEL: _index,
    Immediate.LABEL_TABLE: _label_table,
    Immediate.FUNC: _index,
    Immediate.TYPE: _index,
    Immediate.TYPE_FIELD: _two_indices,
    Immediate.TYPE_COUNT: _two_indices,
    Immediate.TYPE_DATA: _two_indices,
    Immediate.TYPE_ELEM: _two_indices,
    Immediate.TYPE_TYPE: _two_indices,
    Immediate.CAST: _cast,
    Immediate.CALL_INDIRECT: _two_indices,
    Immediate.LOCAL: _index,
    Immediate.GLOBAL: _index,
    Immediate.TABLE: _index,
    Immediate.TABLE_TABLE: _two_indices,
    Immediate.ELEM: _index,
    Immediate.ELEM_TABLE: _two_indices,
    Immediate.DATA: _index,
    Immediate.DATA_MEMORY: _two_indices,
    Immediate.MEMARG: _memarg,
    Immediate.MEMORY: _index,
    Immediate.MEMORY_MEMORY: _two_indices,
    Immediate.I32: _i32,
    Immediate.I64: _i64,
    Immediate.F32: _bits(4),
    Immediate.F64: _bits(8),
    Immediate.V128: _bits(16),
    Immediate.LANE: _lane,
    Immediate.SHUFFLE: _lanes(16),
    Immediate.MEMARG_LANE: _memarg_lane,
    Immediate.REF_TYPE: _null_type,
    Immediate.NON_NULL_TYPE: _non_null_type,
    Immediate.SELECT_TYPES: _value_types,
    Immediate.TAG: _index,
    Immediate.TRY_TABLE: _try_table,
    Immediate.FENCE: _fence,
}
"""How each kind of immediate is read; None when there is nothing to read."""

_Entry = tuple[Opcode, Reader | None]
_PREFIXED: dict[tuple[int, int], _Entry] = {
    (opcode.prefix, opcode.sub): (opcode, _READERS[opcode.immediate])
    for opcode in BY_CODE.values()
    if opcode.prefix is not None
}
_ONE_BYTE: list[_Entry | None] = [
    (BY_CODE[byte], _READERS[BY_CODE[byte].immediate]) if byte in BY_CODE else None for byte in range(256)
]
