"""Handlers of moves, jumps, and of instructions on memories and tables as a whole."""

from __future__ import annotations

from collections.abc import Callable

from vm.errors import TrapCode
from vm.isa.semantics import SEMANTICS
from vm.isa.types import ValType
from vm.memory.linear import LENGTH
from vm.runtime.layout import (
    TABLE_ELEMENTS,
    TABLE_LENGTH,
)
from vm.tiers.threaded.text import HandlerText, size

Write = Callable[[HandlerText], None]

_WIDTHS = {"": ValType.I64, " v": ValType.V128}
"""The kinds of moves: values of one word, and of two."""


# moves


def _copy(type: ValType) -> Write:
    def write(b: HandlerText) -> None:
        b.write(0, type, b.read(1, type))
        b.next(size(2))

    return write


def _constant(type: ValType, words: int) -> Write:
    def write(b: HandlerText) -> None:
        kind = "i64" if words == 1 else "<16 x i8>"
        b.write(0, type, b.value(f"load {kind}, ptr {b.at('%pc', size(1))}, align 8"))
        b.next(size(1, words))

    return write


def _select(type: ValType) -> Write:
    def write(b: HandlerText) -> None:
        condition = b.value(f"icmp ne i32 {b.read(3, ValType.I32)}, 0")
        pointer = b.value(f"select i1 {condition}, ptr {b.slot(1)}, ptr {b.slot(2)}")
        kind = "i64" if type is ValType.I64 else "<16 x i8>"
        b.write(0, type, b.value(f"load {kind}, ptr {pointer}, align 8"))
        b.next(size(4))

    return write


def _shuffle(b: HandlerText) -> None:
    """Fields: result, operands; words: the lanes. A swizzle of each operand by the lanes that mean it."""
    x, y = b.read(1, ValType.V128), b.read(2, ValType.V128)
    lanes = b.value(f"load <16 x i8>, ptr {b.at('%pc', size(3))}, align 8")
    sixteen = f"<{', '.join(['i8 16'] * 16)}>"
    swizzle = SEMANTICS["i8x16.swizzle"].emit
    low = swizzle(b, x, lanes)
    high = swizzle(b, y, b.value(f"sub <16 x i8> {lanes}, {sixteen}"))
    b.write(0, ValType.V128, b.value(f"or <16 x i8> {low}, {high}"))
    b.next(size(3, 2))


def _global(type: ValType, *, get: bool, imported: bool) -> Write:
    """Fields: slot, where the cell or the pointer to it lies in the context."""

    def write(b: HandlerText) -> None:
        cell = b.at("%ctx", b.field(1))
        if imported:
            cell = b.load("ptr", cell)
        kind = "i64" if type is ValType.I64 else "<16 x i8>"
        if get:
            b.write(0, type, b.value(f"load {kind}, ptr {cell}, align 8"))
        else:
            b.effect(f"store {kind} {b.read(0, type)}, ptr {cell}, align 8")
        b.next(size(2))

    return write


def _function(*, imported: bool) -> Write:
    """Fields: slot, where the record or the pointer to it lies in the context."""

    def write(b: HandlerText) -> None:
        record = b.at("%ctx", b.field(1))
        if imported:
            record = b.load("ptr", record)
        b.write(0, ValType.I64, b.value(f"ptrtoint ptr {record} to i64"))
        b.next(size(2))

    return write


# jumps


def _jump(b: HandlerText) -> None:
    b.length = size(0, 1)
    b.go(b.at("%pc", b.word(8)))


def _table_jump(b: HandlerText) -> None:
    """Fields: slot of the index, number of labels; then the distances, the default's last."""
    wide = b.value(f"zext i32 {b.read(0, ValType.I32)} to i64")
    last = b.field(1)
    beyond = b.value(f"icmp ugt i64 {wide}, {last}")
    chosen = b.value(f"select i1 {beyond}, i64 {last}, i64 {wide}")
    pointer = b.value(f"getelementptr i64, ptr {b.at('%pc', size(2))}, i64 {chosen}")
    b.go(b.at("%pc", b.load("i64", pointer)))


# memory and tables


def _base(b: HandlerText, number: int) -> str:
    """The base of the memory whose place in the context a field names."""
    return b.load("ptr", b.at("%ctx", b.field(number)))


def _memory_size(b: HandlerText) -> None:
    """Fields: result, memory, binary logarithm of its pages' size."""
    length = b.load("i64", b.at(_base(b, 1), LENGTH))
    b.write(0, ValType.I64, b.value(f"lshr i64 {length}, {b.field(2)}"))
    b.next(size(3))


def _memory_fill(b: HandlerText) -> None:
    """Fields: start, byte, count, memory. Addresses and counts are read as i64, which i32s in slots are."""
    start, byte, count = (b.read(i, ValType.I64) for i in range(3))
    pointer = b.inside(_base(b, 3), start, count, "0")
    byte = b.value(f"trunc i64 {byte} to i8")
    b.effect(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 {byte}, i64 {count}, i1 false)")
    b.next(size(4))


def _memory_copy(b: HandlerText) -> None:
    """Fields: start, start in the source, count, memory, source's memory."""
    start, source, count = (b.read(i, ValType.I64) for i in range(3))
    source = b.inside(_base(b, 4), source, count, "0")
    target = b.inside(_base(b, 3), start, count, "0")
    b.effect(f"call void @llvm.memmove.p0.p0.i64(ptr {target}, ptr {source}, i64 {count}, i1 false)")
    b.next(size(5))


def element(b: HandlerText, index: int, table: int, outside: TrapCode) -> str:
    """A pointer to the element that the fields name; traps with ``outside`` when there is none."""
    record = b.load("ptr", b.at("%ctx", b.field(table)))
    wide = b.read(index, ValType.I64)
    length = b.load("i64", b.at(record, TABLE_LENGTH))
    b.trap_if(b.value(f"icmp uge i64 {wide}, {length}"), outside)
    elements = b.load("ptr", b.at(record, TABLE_ELEMENTS))
    return b.value(f"getelementptr i64, ptr {elements}, i64 {wide}")


def _table_get(b: HandlerText) -> None:
    pointer = element(b, 1, 2, TrapCode.TABLE_OUT_OF_BOUNDS)
    b.write(0, ValType.I64, b.load("i64", pointer))
    b.next(size(3))


def _table_set(b: HandlerText) -> None:
    pointer = element(b, 0, 2, TrapCode.TABLE_OUT_OF_BOUNDS)
    b.effect(f"store i64 {b.read(1, ValType.I64)}, ptr {pointer}")
    b.next(size(3))


def _table_size(b: HandlerText) -> None:
    record = b.load("ptr", b.at("%ctx", b.field(1)))
    b.write(0, ValType.I64, b.load("i64", b.at(record, TABLE_LENGTH)))
    b.next(size(2))


HANDLERS: dict[str, Write] = {
    **{f"copy{suffix}": _copy(type) for suffix, type in _WIDTHS.items()},
    **{
        f"const{suffix}": _constant(type, words)
        for (suffix, type), words in zip(_WIDTHS.items(), (1, 2), strict=True)
    },
    **{f"select{suffix}": _select(type) for suffix, type in _WIDTHS.items()},
    **{
        f"global.{'get' if get else 'set'}{' import' * imported}{suffix}": _global(
            type, get=get, imported=imported
        )
        for suffix, type in _WIDTHS.items()
        for get in (True, False)
        for imported in (True, False)
    },
    "ref.func": _function(imported=False),
    "ref.func import": _function(imported=True),
    "jump": _jump,
    "table jump": _table_jump,
    "memory.size": _memory_size,
    "memory.fill": _memory_fill,
    "memory.copy": _memory_copy,
    "table.get": _table_get,
    "table.set": _table_set,
    "table.size": _table_size,
    "i8x16.shuffle": _shuffle,
}
"""How each is written, by name."""
