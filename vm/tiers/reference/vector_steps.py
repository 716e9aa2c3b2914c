"""Steps of the instructions that move vectors between memory and the frame."""

from __future__ import annotations

import re

from vm.isa.opcodes import OPCODES, Immediate, Opcode
from vm.isa.types import ValType
from vm.memory.linear import LinearMemory
from vm.runtime.instance import Instance
from vm.tiers.reference.code import Frame, Maker, Step
from vm.tiers.reference.integers import Meaning, signed
from vm.tiers.reference.vectors import join, replace, split
from vm.typed import Any


def _fetch(memory: LinearMemory, start: int, count: int) -> int:
    """``count`` bytes as an integer."""
    memory.check(start, count)
    return int.from_bytes(memory.view[start : start + count], "little")


def _plain(value: int) -> int:
    return value


def _splat(bits: int) -> Meaning:
    return lambda value: join([value] * (128 // bits), bits)


def _extended(bits: int, count: int, is_signed: bool) -> Meaning:
    """``count`` lanes to twice their width."""

    def meaning(value: int) -> int:
        lanes = split(value, bits)[:count]
        return join([signed(lane, bits) for lane in lanes] if is_signed else lanes, 2 * bits)

    return meaning


def _loaded(opcode: Opcode) -> Meaning:
    """What a load makes of the bytes it reads."""
    if opcode.name.endswith("_splat"):
        return _splat(8 * opcode.access)
    extended = re.fullmatch(r"v128\.load(\d+)x(\d+)_([su])", opcode.name)
    if extended is None:
        return _plain
    return _extended(int(extended[1]), int(extended[2]), extended[3] == "s")


def _load(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory, slot = instance.memories[index], top - 1
    width, loaded = opcode.access, _loaded(opcode)

    def step(frame: Frame) -> None:
        frame[slot] = loaded(_fetch(memory, frame[slot] + offset, width))

    return step


def _store(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory, width = instance.memories[index], opcode.access
    return lambda frame: memory.write(frame[top - 2] + offset, frame[top - 1].to_bytes(width, "little"))


def _load_lane(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index, lane = immediates
    memory, width = instance.memories[index], opcode.access

    def step(frame: Frame) -> None:
        value = _fetch(memory, frame[top - 2] + offset, width)
        frame[top - 2] = replace(frame[top - 1], 8 * width, lane, value)

    return step


def _store_lane(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index, lane = immediates
    memory, width = instance.memories[index], opcode.access

    def step(frame: Frame) -> None:
        value = split(frame[top - 1], 8 * width)[lane]
        memory.write(frame[top - 2] + offset, value.to_bytes(width, "little"))

    return step


def _maker(opcode: Opcode) -> Maker:
    if opcode.immediate is Immediate.MEMARG_LANE:
        return _load_lane if opcode.is_load else _store_lane
    return _load if opcode.is_load else _store


VECTOR_STEPS: dict[str, Maker] = {
    opcode.name: _maker(opcode)
    for opcode in OPCODES
    if opcode.access and opcode.type is not None and ValType.V128 in opcode.type.params + opcode.type.results
}
"""Makers by the instruction's name."""
