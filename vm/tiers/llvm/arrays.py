"""Translation of arrays."""

from __future__ import annotations

from vm.errors import TrapCode
from vm.gc.layout import ALIGNMENT, ELEMENTS, LENGTH, ArrayLayout
from vm.isa.emit import TRACED
from vm.isa.types import ArrayType, DefType, FieldType
from vm.runtime.heaps import layout
from vm.tiers.llvm import objects
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.text import HEADERS, OBJECTS
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any


def _array(t: Translator, index: int) -> tuple[DefType, FieldType, int]:
    """The type, its element, and the logarithm of an element's width."""
    type = t.module.types[index]
    assert isinstance(type.composite, ArrayType)
    places = layout(type)
    assert isinstance(places, ArrayLayout)
    return type, type.composite.element, places.shift


def _wide(t: Translator, value: str) -> str:
    return t.value(f"zext i32 {value} to i64")


def _bytes(t: Translator, count: str, shift: int) -> str:
    """The bytes of ``count`` (i64) elements."""
    return t.value(f"shl nuw i64 {count}, {shift}") if shift else count


def _length(t: Translator, word: str) -> str:
    """The length of an array, which traps for null."""
    objects.not_null(t, word, TrapCode.NULL_ARRAY_REFERENCE)
    return t.value(f"load i32, ptr {objects.inside(t, word, LENGTH)}, align 4{HEADERS}")


def _element(t: Translator, word: str, index: str, shift: int) -> str:
    """A pointer to element ``index`` (i64), which is known to be there, or to the end."""
    pointer = objects.inside(t, word, ELEMENTS)
    return t.value(f"getelementptr i8, ptr {pointer}, i64 {_bytes(t, index, shift)}")


def _checked(t: Translator, word: str, index: str, shift: int) -> str:
    """A pointer to element ``index`` (i32) of an array."""
    beyond = t.value(f"icmp uge i32 {index}, {_length(t, word)}")
    t.trap_if(beyond, TrapCode.ARRAY_OUT_OF_BOUNDS)
    return _element(t, word, _wide(t, index), shift)


def _range(t: Translator, word: str, start: str, count: str, shift: int) -> str:
    """A pointer to ``count`` elements (i64) from ``start`` (i32) on."""
    length, first = _wide(t, _length(t, word)), _wide(t, start)
    end = t.value(f"add nuw i64 {first}, {count}")
    t.trap_if(t.value(f"icmp ugt i64 {end}, {length}"), TrapCode.ARRAY_OUT_OF_BOUNDS)
    return _element(t, word, first, shift)


def _new(
    t: Translator, type: DefType, count: str, shift: int, operands: list[tuple[str, str]]
) -> tuple[str, str]:
    """A new array of ``count`` (i32) elements; the bytes of these, an i64."""
    size = _bytes(t, _wide(t, count), shift)
    whole = t.value(f"add nuw i64 {size}, {ELEMENTS + ALIGNMENT - 1}")
    word = objects.allocate(t, type, t.value(f"and i64 {whole}, -{ALIGNMENT}"), operands)
    t.effect(f"store {t.access}i32 {count}, ptr {objects.inside(t, word, LENGTH)}, align 4{HEADERS}")
    return word, size


def _repeat(t: Translator, member: FieldType, value: str, pointer: str, size: str) -> None:
    """Store ``value`` from ``pointer`` on until ``size`` bytes (i64) are full."""
    kind, narrow = objects.stored_type(member), objects.narrowed(t, member, value)
    if kind == "i8":
        objects.fill_bytes(t, pointer, narrow, size)
        return
    place, loop, more, done = t.slot("ptr"), t.label("fill"), t.label("more"), t.label("filled")
    end = t.value(f"getelementptr i8, ptr {pointer}, i64 {size}")
    t.effect(f"store ptr {pointer}, ptr {place}")
    t.effect(f"br label %{loop}")
    t.block(loop)
    here = t.value(f"load ptr, ptr {place}")
    t.effect(f"br i1 {t.value(f'icmp eq ptr {here}, {end}')}, label %{done}, label %{more}")
    t.block(more)
    t.effect(f"store {t.access}{kind} {narrow}, ptr {here}, align {objects.alignment(kind)}{OBJECTS}")
    following = t.value(f"getelementptr {kind}, ptr {here}, i64 1")
    t.effect(f"store ptr {following}, ptr {place}")
    t.effect(f"br label %{loop}")
    t.block(done)


def _array_new(t: Translator, immediates: tuple[Any, ...]) -> None:
    type, member, shift = _array(t, immediates[0])
    count, (value, kind) = t.pop(), t.pop_typed()
    word, size = _new(t, type, count, shift, [(value, kind)])
    _repeat(t, member, value, objects.inside(t, word, ELEMENTS), size)
    t.push(word, TRACED)


def _array_new_default(t: Translator, immediates: tuple[Any, ...]) -> None:
    type, _, shift = _array(t, immediates[0])
    word, size = _new(t, type, t.pop(), shift, [])
    objects.zero(t, objects.inside(t, word, ELEMENTS), size)
    t.push(word, TRACED)


def _array_new_fixed(t: Translator, immediates: tuple[Any, ...]) -> None:
    type, member, shift = _array(t, immediates[0])
    operands = objects.operands_of(t, immediates[1])
    word, _ = _new(t, type, str(immediates[1]), shift, operands)
    for index, (value, _kind) in enumerate(operands):
        objects.store(t, member, value, objects.inside(t, word, ELEMENTS + (index << shift)))
    t.push(word, TRACED)


def _array_new_segment(name: str) -> Handler:
    def handler(t: Translator, immediates: tuple[Any, ...]) -> None:
        count, start = t.pop_typed(), t.pop_typed()
        t.push(request(t, name, immediates, [start, count], result="i64"), TRACED)

    return handler


def _array_get(*, signed: bool) -> Handler:
    def handler(t: Translator, immediates: tuple[Any, ...]) -> None:
        _, member, shift = _array(t, immediates[0])
        index, word = t.pop(), t.pop()
        objects.load(t, member, _checked(t, word, index, shift), signed=signed)

    return handler


def _array_set(t: Translator, immediates: tuple[Any, ...]) -> None:
    _, member, shift = _array(t, immediates[0])
    value, index, word = t.pop(), t.pop(), t.pop()
    objects.store(t, member, value, _checked(t, word, index, shift))


def _array_len(t: Translator, _: tuple[Any, ...]) -> None:
    t.push(_length(t, t.pop()), "i32")


def _array_fill(t: Translator, immediates: tuple[Any, ...]) -> None:
    _, member, shift = _array(t, immediates[0])
    count, value, start, word = t.pop(), t.pop(), t.pop(), t.pop()
    count = _wide(t, count)
    pointer = _range(t, word, start, count, shift)
    _repeat(t, member, value, pointer, _bytes(t, count, shift))


def _array_copy(t: Translator, immediates: tuple[Any, ...]) -> None:
    _, _, shift = _array(t, immediates[0])
    count, source_start, source, start, word = (t.pop() for _ in range(5))
    count = _wide(t, count)
    target = _range(t, word, start, count, shift)
    origin = _range(t, source, source_start, count, shift)
    size, kept = _bytes(t, count, shift), "true" if t.access else "false"
    t.effect(f"call void @llvm.memmove.p0.p0.i64(ptr {target}, ptr {origin}, i64 {size}, i1 {kept})")


def _array_init(name: str) -> Handler:
    def handler(t: Translator, immediates: tuple[Any, ...]) -> None:
        request(t, name, immediates, objects.operands_of(t, 4))

    return handler


HANDLERS: dict[str, Handler] = {
    "array.new": _array_new,
    "array.new_default": _array_new_default,
    "array.new_fixed": _array_new_fixed,
    "array.new_data": _array_new_segment("array.new_data"),
    "array.new_elem": _array_new_segment("array.new_elem"),
    "array.get": _array_get(signed=False),
    "array.get_s": _array_get(signed=True),
    "array.get_u": _array_get(signed=False),
    "array.set": _array_set,
    "array.len": _array_len,
    "array.fill": _array_fill,
    "array.copy": _array_copy,
    "array.init_data": _array_init("array.init_data"),
    "array.init_elem": _array_init("array.init_elem"),
}
"""By instruction name."""
