"""Steps for instructions on structures, arrays, i31 and casts."""

from __future__ import annotations

from collections.abc import Callable

from vm.errors import Trap, TrapCode
from vm.gc.words import i31, i31_signed, i31_unsigned
from vm.isa.opcodes import Opcode
from vm.isa.types import StructType
from vm.module.model import ModuleData
from vm.runtime.casts import tester
from vm.runtime.instance import Instance
from vm.runtime.objects import Array, Struct, check_range
from vm.tiers.reference.code import Effect, Frame, Maker, Step
from vm.typed import Any

Immediates = tuple[Any, ...]

_I32 = 0xFFFF_FFFF


def _nothing(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    """Conversions between hierarchies change no bit."""
    return lambda frame: None


def _pushing(width: int, make: Callable[[Instance, Immediates], Callable[..., int]]) -> Maker:
    """Steps that take ``width`` operands and give one value: what ``make`` returns, once per instruction."""

    def maker(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
        compute, first = make(instance, immediates), top - width

        def step(frame: Frame) -> None:
            frame[first] = compute(*frame[first:top])

        return step

    return maker


def _struct(instance: Instance, immediates: Immediates) -> Struct:
    return Struct(instance.module.types[immediates[0]])


def _array(instance: Instance, immediates: Immediates) -> Array:
    return Array(instance.module.types[immediates[0]])


# structures


def _struct_new(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    struct, heap = _struct(instance, immediates), instance.store.heap
    first = top - len(struct.fields)

    def step(frame: Frame) -> None:
        frame[first] = struct.new(heap, frame[first:top])

    return step


def _struct_new_default(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    struct, heap = _struct(instance, immediates), instance.store.heap

    def step(frame: Frame) -> None:
        frame[top] = struct.new_default(heap)

    return step


def _struct_get(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    place, heap = _struct(instance, immediates).fields[immediates[1]], instance.store.heap
    load = place.load_signed if opcode.name == "struct.get_s" else place.load

    def step(frame: Frame) -> None:
        frame[top - 1] = load(heap, _not_null(frame[top - 1]))

    return step


def _struct_set(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    place, heap = _struct(instance, immediates).fields[immediates[1]], instance.store.heap
    return lambda frame: place.store(heap, _not_null(frame[top - 2]), frame[top - 1])


def _not_null(word: int) -> int:
    if word == 0:
        raise Trap(TrapCode.NULL_STRUCTURE_REFERENCE)
    return word


# arrays


def _array_new(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    array, heap = _array(instance, immediates), instance.store.heap
    return lambda value, length: array.new(heap, value, length)


def _array_new_default(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    array, heap = _array(instance, immediates), instance.store.heap
    return lambda length: array.new_default(heap, length)


def _array_new_fixed(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    array, heap = _array(instance, immediates), instance.store.heap
    first = top - immediates[1]

    def step(frame: Frame) -> None:
        frame[first] = array.new_fixed(heap, frame[first:top])

    return step


def _array_new_data(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    array, segment = _array(instance, immediates), immediates[1]
    return lambda start, length: array.new_data(instance, segment, start, length)


def _array_new_elem(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    array, segment = _array(instance, immediates), immediates[1]
    return lambda start, length: array.new_elem(instance, segment, start, length)


def _array_get(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    array, heap = _array(instance, immediates), instance.store.heap
    return lambda word, index: array.at(heap, word, index).load(heap, word)


def _array_get_signed(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    array, heap = _array(instance, immediates), instance.store.heap
    return lambda word, index: array.at(heap, word, index).load_signed(heap, word)


def _array_set(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    array, heap = _array(instance, immediates), instance.store.heap

    def step(frame: Frame) -> None:
        word, index, value = frame[top - 3 : top]
        array.at(heap, word, index).store(heap, word, value)

    return step


def _array_len(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    heap = instance.store.heap

    def length(word: int) -> int:
        check_range(heap, word, 0, 0)
        return heap.length(word)

    return length


def _array_fill(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    array, heap = _array(instance, immediates), instance.store.heap
    return lambda frame: array.fill(heap, *frame[top - 4 : top])


def _array_copy(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    array, heap = _array(instance, immediates), instance.store.heap
    return lambda frame: array.copy(heap, *frame[top - 5 : top])


def _array_init_data(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    array, segment = _array(instance, immediates), immediates[1]
    return lambda frame: array.init_data(instance, segment, *frame[top - 4 : top])


def _array_init_elem(instance: Instance, opcode: Opcode, immediates: Immediates, top: int) -> Step:
    array, segment = _array(instance, immediates), immediates[1]
    return lambda frame: array.init_elem(instance, segment, *frame[top - 4 : top])


# casts and i31


def _ref_test(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    fits = tester(instance.store, instance.module.reference_type(immediates[0]))
    return lambda word: int(fits(word))


def _ref_cast(instance: Instance, immediates: Immediates) -> Callable[..., int]:
    fits = tester(instance.store, instance.module.reference_type(immediates[0]))

    def cast(word: int) -> int:
        if not fits(word):
            raise Trap(TrapCode.CAST_FAILURE)
        return word

    return cast


def _i31_get(meaning: Callable[[int], int]) -> Maker:
    def get(word: int) -> int:
        if word == 0:
            raise Trap(TrapCode.NULL_I31_REFERENCE)
        return meaning(word) & _I32

    return _pushing(1, lambda instance, immediates: get)


OBJECT_STEPS: dict[str, Maker] = {
    "ref.eq": _pushing(2, lambda instance, immediates: lambda a, b: int(a == b)),
    "struct.new": _struct_new,
    "struct.new_default": _struct_new_default,
    "struct.get": _struct_get,
    "struct.get_s": _struct_get,
    "struct.get_u": _struct_get,
    "struct.set": _struct_set,
    "array.new": _pushing(2, _array_new),
    "array.new_default": _pushing(1, _array_new_default),
    "array.new_fixed": _array_new_fixed,
    "array.new_data": _pushing(2, _array_new_data),
    "array.new_elem": _pushing(2, _array_new_elem),
    "array.get": _pushing(2, _array_get),
    "array.get_s": _pushing(2, _array_get_signed),
    "array.get_u": _pushing(2, _array_get),
    "array.set": _array_set,
    "array.len": _pushing(1, _array_len),
    "array.fill": _array_fill,
    "array.copy": _array_copy,
    "array.init_data": _array_init_data,
    "array.init_elem": _array_init_elem,
    "ref.test": _pushing(1, _ref_test),
    "ref.test_null": _pushing(1, _ref_test),
    "ref.cast": _pushing(1, _ref_cast),
    "ref.cast_null": _pushing(1, _ref_cast),
    "any.convert_extern": _nothing,
    "extern.convert_any": _nothing,
    "ref.i31": _pushing(1, lambda instance, immediates: i31),
    "i31.get_s": _i31_get(i31_signed),
    "i31.get_u": _i31_get(i31_unsigned),
}
"""Makers by the instruction's name."""


def _new_struct_effect(module: ModuleData, immediates: Immediates) -> int:
    composite = module.types[immediates[0]].composite
    assert isinstance(composite, StructType)
    return 1 - len(composite.fields)


OBJECT_EFFECTS: dict[str, Effect] = {
    "ref.eq": -1,
    "struct.new": _new_struct_effect,
    "struct.new_default": 1,
    **dict.fromkeys(("struct.get", "struct.get_s", "struct.get_u"), 0),
    "struct.set": -2,
    "array.new": -1,
    "array.new_default": 0,
    "array.new_fixed": lambda module, immediates: 1 - immediates[1],
    "array.new_data": -1,
    "array.new_elem": -1,
    **dict.fromkeys(("array.get", "array.get_s", "array.get_u"), -1),
    "array.set": -3,
    "array.len": 0,
    "array.fill": -4,
    "array.copy": -5,
    "array.init_data": -4,
    "array.init_elem": -4,
    **dict.fromkeys(("ref.test", "ref.test_null", "ref.cast", "ref.cast_null"), 0),
    **dict.fromkeys(("any.convert_extern", "extern.convert_any"), 0),
    **dict.fromkeys(("ref.i31", "i31.get_s", "i31.get_u"), 0),
}
"""By how much the operand stack grows."""
