"""Steps for instructions that are neither control flow nor numeric: variables, memory, tables, references.

``STEPS`` maps a name to a maker: given the instance, the row, its immediates and the number of frame slots
in use before the instruction, it gives the step.
"""

from __future__ import annotations

import struct

from vm.errors import Trap, TrapCode
from vm.isa.opcodes import OPCODES, Opcode
from vm.isa.types import ValType, ValueType
from vm.runtime.instance import Instance
from vm.tiers.reference.atomic_steps import ATOMIC_STEPS
from vm.tiers.reference.code import Effect, Frame, Maker, Step
from vm.tiers.reference.integers import signed
from vm.tiers.reference.object_steps import OBJECT_EFFECTS, OBJECT_STEPS
from vm.tiers.reference.vector_steps import VECTOR_STEPS
from vm.tiers.reference.wide import WIDE_STEPS
from vm.typed import Any

_MASKS: dict[ValueType, int] = {ValType.I32: 0xFFFF_FFFF, ValType.I64: 0xFFFF_FFFF_FFFF_FFFF}
_OUTSIDE = (struct.error, IndexError, OverflowError)
"""What ``struct`` raises for a place that a buffer does not have, far out or near."""

_UNSIGNED = {1: struct.Struct("<B"), 2: struct.Struct("<H"), 4: struct.Struct("<I"), 8: struct.Struct("<Q")}


def _const(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    assert opcode.type is not None
    value = immediates[0] & _MASKS.get(opcode.type.results[0], -1)

    def step(frame: Frame) -> None:
        frame[top] = value

    return step


def _copy(source: int, target: int) -> Step:
    def step(frame: Frame) -> None:
        frame[target] = frame[source]

    return step


def _local_get(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    return _copy(immediates[0], top)


def _local_set(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    return _copy(top - 1, immediates[0])


def _global_get(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    variable = instance.globals[immediates[0]]

    def step(frame: Frame) -> None:
        frame[top] = variable.value

    return step


def _global_set(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    variable = instance.globals[immediates[0]]

    def step(frame: Frame) -> None:
        variable.value = frame[top - 1]

    return step


def _drop(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    return lambda frame: None


def _select(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    def step(frame: Frame) -> None:
        if not frame[top - 1]:
            frame[top - 3] = frame[top - 2]

    return step


# memory


def _load(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    assert opcode.type is not None
    _, offset, index = immediates
    memory, slot = instance.memories[index], top - 1
    unpack = _UNSIGNED[opcode.access].unpack_from
    width = 8 * opcode.access
    mask = _MASKS.get(opcode.type.results[0], -1)

    def step(frame: Frame) -> None:
        try:
            frame[slot] = unpack(memory.view, frame[slot] + offset)[0]
        except _OUTSIDE:
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS) from None

    def step_signed(frame: Frame) -> None:
        step(frame)
        frame[slot] = signed(frame[slot], width) & mask

    return step_signed if opcode.name.endswith("_s") else step


def _store(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory = instance.memories[index]
    pack = _UNSIGNED[opcode.access].pack_into
    mask = (1 << 8 * opcode.access) - 1

    def step(frame: Frame) -> None:
        try:
            pack(memory.view, frame[top - 2] + offset, frame[top - 1] & mask)
        except _OUTSIDE:
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS) from None

    return step


def _memory_size(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    memory = instance.memories[immediates[0]]

    def step(frame: Frame) -> None:
        frame[top] = memory.size

    return step


def _memory_grow(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    memory = instance.memories[immediates[0]]
    mask = _MASKS[memory.type.address]

    def step(frame: Frame) -> None:
        frame[top - 1] = memory.grow(frame[top - 1]) & mask

    return step


def _memory_init(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    segment, memory = immediates
    return lambda frame: instance.memory_init(segment, memory, *frame[top - 3 : top])


def _data_drop(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    return lambda frame: instance.data_drop(immediates[0])


def _memory_copy(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    target, source = (instance.memories[index] for index in immediates)
    return lambda frame: target.copy(frame[top - 3], source, frame[top - 2], frame[top - 1])


def _memory_fill(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    memory = instance.memories[immediates[0]]
    return lambda frame: memory.fill(frame[top - 3], frame[top - 2] & 0xFF, frame[top - 1])


# tables and references


def _table_get(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    table = instance.tables[immediates[0]]

    def step(frame: Frame) -> None:
        frame[top - 1] = table.get(frame[top - 1])

    return step


def _table_set(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    table = instance.tables[immediates[0]]
    return lambda frame: table.set(frame[top - 2], frame[top - 1])


def _table_size(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    table = instance.tables[immediates[0]]

    def step(frame: Frame) -> None:
        frame[top] = table.size

    return step


def _table_grow(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    table = instance.tables[immediates[0]]
    mask = _MASKS[table.type.address]

    def step(frame: Frame) -> None:
        frame[top - 2] = table.grow(frame[top - 1], frame[top - 2]) & mask

    return step


def _table_fill(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    table = instance.tables[immediates[0]]
    return lambda frame: table.fill(*frame[top - 3 : top])


def _table_copy(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    target, source = (instance.tables[index] for index in immediates)
    return lambda frame: target.copy(frame[top - 3], source, frame[top - 2], frame[top - 1])


def _table_init(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    segment, table = immediates
    return lambda frame: instance.table_init(segment, table, *frame[top - 3 : top])


def _elem_drop(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    return lambda frame: instance.elem_drop(immediates[0])


def _ref_null(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    def step(frame: Frame) -> None:
        frame[top] = 0

    return step


def _ref_func(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    reference = instance.functions[immediates[0]].record

    def step(frame: Frame) -> None:
        frame[top] = reference

    return step


def _ref_is_null(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    def step(frame: Frame) -> None:
        frame[top - 1] = int(frame[top - 1] == 0)

    return step


def _ref_as_non_null(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    def step(frame: Frame) -> None:
        if frame[top - 1] == 0:
            raise Trap(TrapCode.NULL_REFERENCE)

    return step


STEPS: dict[str, Maker] = {
    **{f"{kind}.const": _const for kind in ("i32", "i64", "f32", "f64", "v128")},
    **{opcode.name: _load for opcode in OPCODES if opcode.is_load},
    **{opcode.name: _store for opcode in OPCODES if opcode.is_store},
    **VECTOR_STEPS,
    **WIDE_STEPS,
    **ATOMIC_STEPS,
    "local.get": _local_get,
    "local.set": _local_set,
    "local.tee": _local_set,
    "global.get": _global_get,
    "global.set": _global_set,
    "nop": _drop,
    "drop": _drop,
    "select": _select,
    "select_t": _select,
    "memory.size": _memory_size,
    "memory.grow": _memory_grow,
    "memory.init": _memory_init,
    "data.drop": _data_drop,
    "memory.copy": _memory_copy,
    "memory.fill": _memory_fill,
    "table.get": _table_get,
    "table.set": _table_set,
    "table.size": _table_size,
    "table.grow": _table_grow,
    "table.fill": _table_fill,
    "table.copy": _table_copy,
    "table.init": _table_init,
    "elem.drop": _elem_drop,
    "ref.null": _ref_null,
    "ref.func": _ref_func,
    "ref.is_null": _ref_is_null,
    "ref.as_non_null": _ref_as_non_null,
    **OBJECT_STEPS,
}
"""Makers by the instruction's name."""

STACK_EFFECTS: dict[str, Effect] = {
    "drop": -1,
    "select": -2,
    "select_t": -2,
    "local.get": 1,
    "local.set": -1,
    "local.tee": 0,
    "global.get": 1,
    "global.set": -1,
    "memory.size": 1,
    "memory.grow": 0,
    "memory.init": -3,
    "memory.copy": -3,
    "memory.fill": -3,
    "table.get": 0,
    "table.set": -2,
    "table.size": 1,
    "table.grow": -1,
    "table.fill": -3,
    "table.copy": -3,
    "table.init": -3,
    "ref.null": 1,
    "ref.func": 1,
    "ref.is_null": 0,
    "ref.as_non_null": 0,
    **OBJECT_EFFECTS,
}
"""By how much the operand stack grows, for instructions whose row in the opcode table has no type."""
