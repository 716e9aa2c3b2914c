"""Translation of structures and i31, and of what all objects have in common: room, headers, fields.

Room is taken by moving the heap's cursor in line; only where that fails is there a call, before which live
references are shown to the collector. References are checked for null in so many words: LLVM drops the check
where it knows better, and keeps accesses free to move, which a fault in a guard page would forbid.
"""

from __future__ import annotations

from collections.abc import Sequence

from vm.errors import TrapCode
from vm.gc.layout import FIELDS, StructLayout
from vm.gc.record import BASE, CURSOR, LIMIT
from vm.isa.emit import LLVM_TYPES, TRACED
from vm.isa.types import DefType, FieldType, PackedType, StructType
from vm.runtime.heaps import layout
from vm.runtime.references import traced
from vm.tiers.llvm.roots import rooted
from vm.tiers.llvm.text import ENGINE, HEADERS, OBJECTS, OFFSET
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any

_PACKED = {PackedType.I8: "i8", PackedType.I16: "i16"}


# all objects


def heap_field(t: Translator, offset: int) -> str:
    """A pointer into the heap's record."""
    t.uses_heap = True
    return t.value(f"getelementptr i8, ptr %heap, i64 {offset}")


def inside(t: Translator, word: str, offset: int | str = 0) -> str:
    """A pointer to what lies ``offset`` bytes behind the start of an object."""
    base = t.value(f"load ptr, ptr {heap_field(t, BASE)}{ENGINE}")
    pointer = t.value(f"getelementptr i8, ptr {base}, i64 {word}")
    return pointer if offset == 0 else t.value(f"getelementptr i8, ptr {pointer}, i64 {offset}")


def allocate(t: Translator, type: DefType, size: str, operands: Sequence[tuple[str, str]]) -> str:
    """A new object of ``size`` bytes (i64), its type in the header; ``operands`` are needed afterwards."""
    slot, cursor_field = t.slot("i64"), heap_field(t, CURSOR)
    cursor = t.value(f"load i64, ptr {cursor_field}{ENGINE}{OFFSET}")
    end = t.value(f"add nuw i64 {cursor}, {size}")
    limit = t.value(f"load i64, ptr {heap_field(t, LIMIT)}{ENGINE}")
    take, ask, ready = t.label("take"), t.label("ask"), t.label("ready")
    t.effect(f"br i1 {t.value(f'icmp ugt i64 {end}, {limit}')}, label %{ask}, label %{take}, !prof !4")
    t.block(take)
    t.effect(f"store i64 {end}, ptr {cursor_field}{ENGINE}")
    t.effect(f"store i64 {cursor}, ptr {slot}")
    t.effect(f"br label %{ready}")
    t.block(ask)
    t.calls = True
    with rooted(t, operands):
        found = t.value(f"call i64 @allocate(ptr %ctx, i64 {size}){OFFSET}")
    t.effect(f"store i64 {found}, ptr {slot}")
    t.effect(f"br label %{ready}")
    t.block(ready)
    word = t.value(f"load i64, ptr {slot}")
    number = t.type_number(type, "i32")
    t.effect(f"store {t.access}i32 {number}, ptr {inside(t, word)}, align 8{HEADERS}")
    return word


def not_null(t: Translator, word: str, code: TrapCode) -> None:
    """Trap for null."""
    t.trap_if(t.value(f"icmp eq i64 {word}, 0"), code)


def stored_type(member: FieldType) -> str:
    """The IR type of a field or element in memory."""
    if isinstance(member.storage, PackedType):
        return _PACKED[member.storage]
    return "i32" if traced(member.storage) else LLVM_TYPES[member.storage]


def load(t: Translator, member: FieldType, pointer: str, *, signed: bool = False) -> None:
    """Push the content of a field or element."""
    kind = stored_type(member)
    value = t.value(f"load {kind}, ptr {pointer}, align {alignment(kind)}{OBJECTS}")
    if isinstance(member.storage, PackedType):
        t.push(t.value(f"{'sext' if signed else 'zext'} {kind} {value} to i32"), "i32")
    elif traced(member.storage):
        t.push(t.value(f"zext i32 {value} to i64"), TRACED)
    else:
        t.push(value, kind)


def store(t: Translator, member: FieldType, value: str, pointer: str) -> None:
    """Replace the content of a field or element."""
    kind = stored_type(member)
    narrow = narrowed(t, member, value)
    t.effect(f"store {t.access}{kind} {narrow}, ptr {pointer}, align {alignment(kind)}{OBJECTS}")


def narrowed(t: Translator, member: FieldType, value: str) -> str:
    """An operand as it lies in memory."""
    if isinstance(member.storage, PackedType):
        return t.value(f"trunc i32 {value} to {stored_type(member)}")
    return t.value(f"trunc i64 {value} to i32") if traced(member.storage) else value


def zero(t: Translator, pointer: str, size: str) -> None:
    """Overwrite ``size`` bytes (i64) with zeros."""
    fill_bytes(t, pointer, "0", size)


def fill_bytes(t: Translator, pointer: str, byte: str, size: str) -> None:
    """Store the same byte ``size`` (i64) times."""
    kept = "true" if t.access else "false"
    t.effect(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 {byte}, i64 {size}, i1 {kept})")


def alignment(kind: str) -> int:
    """Of a field or element of an IR type: its width, but no more than an object's."""
    return {"i8": 1, "i16": 2, "i32": 4, "float": 4}.get(kind, 8)


def operands_of(t: Translator, count: int) -> list[tuple[str, str]]:
    """Pop ``count`` operands with their types, deepest first."""
    return [t.pop_typed() for _ in range(count)][::-1]


# structures


def _struct(t: Translator, index: int) -> tuple[DefType, tuple[FieldType, ...], StructLayout]:
    type = t.module.types[index]
    assert isinstance(type.composite, StructType)
    places = layout(type)
    assert isinstance(places, StructLayout)
    return type, type.composite.fields, places


def _struct_new(t: Translator, immediates: tuple[Any, ...]) -> None:
    type, fields, places = _struct(t, immediates[0])
    operands = operands_of(t, len(fields))
    word = allocate(t, type, str(places.size), operands)
    for member, offset, (value, _) in zip(fields, places.offsets, operands, strict=True):
        store(t, member, value, inside(t, word, offset))
    t.push(word, TRACED)


def _struct_new_default(t: Translator, immediates: tuple[Any, ...]) -> None:
    type, _, places = _struct(t, immediates[0])
    word = allocate(t, type, str(places.size), ())
    zero(t, inside(t, word, FIELDS), str(places.size - FIELDS))
    t.push(word, TRACED)


def _struct_get(*, signed: bool) -> Handler:
    def handler(t: Translator, immediates: tuple[Any, ...]) -> None:
        _, fields, places = _struct(t, immediates[0])
        word, field = t.pop(), immediates[1]
        not_null(t, word, TrapCode.NULL_STRUCTURE_REFERENCE)
        load(t, fields[field], inside(t, word, places.offsets[field]), signed=signed)

    return handler


def _struct_set(t: Translator, immediates: tuple[Any, ...]) -> None:
    _, fields, places = _struct(t, immediates[0])
    value, word, field = t.pop(), t.pop(), immediates[1]
    not_null(t, word, TrapCode.NULL_STRUCTURE_REFERENCE)
    store(t, fields[field], value, inside(t, word, places.offsets[field]))


# i31, and what is the same for all references


def _ref_i31(t: Translator, _: tuple[Any, ...]) -> None:
    shifted = t.value(f"shl i32 {t.pop()}, 1")
    t.push(t.value(f"zext i32 {t.value(f'or i32 {shifted}, 1')} to i64"), TRACED)


def _i31_get(shift: str) -> Handler:
    def handler(t: Translator, _: tuple[Any, ...]) -> None:
        word = t.pop()
        not_null(t, word, TrapCode.NULL_I31_REFERENCE)
        t.push(t.value(f"{shift} i32 {t.value(f'trunc i64 {word} to i32')}, 1"), "i32")

    return handler


def _ref_eq(t: Translator, _: tuple[Any, ...]) -> None:
    second = t.pop()
    t.push(t.value(f"icmp eq i64 {t.pop()}, {second}"), "i1")


def _same_word(t: Translator, _: tuple[Any, ...]) -> None:
    t.push(t.pop(), TRACED)


HANDLERS: dict[str, Handler] = {
    "struct.new": _struct_new,
    "struct.new_default": _struct_new_default,
    "struct.get": _struct_get(signed=False),
    "struct.get_s": _struct_get(signed=True),
    "struct.get_u": _struct_get(signed=False),
    "struct.set": _struct_set,
    "ref.i31": _ref_i31,
    "i31.get_s": _i31_get("ashr"),
    "i31.get_u": _i31_get("lshr"),
    "ref.eq": _ref_eq,
    "any.convert_extern": _same_word,
    "extern.convert_any": _same_word,
}
"""By instruction name."""
