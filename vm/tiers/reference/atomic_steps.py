"""Steps of atomic instructions. On a shared memory, what takes several steps in Python holds its lock."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

from vm.isa.opcodes import OPCODES, Opcode
from vm.memory.linear import LinearMemory
from vm.runtime.instance import Instance
from vm.tiers.reference.code import Frame, Maker, Step
from vm.tiers.reference.integers import signed
from vm.typed import Any

_MODIFY: dict[str, Callable[[int, int], int]] = {
    "add": int.__add__,
    "sub": int.__sub__,
    "and": int.__and__,
    "or": int.__or__,
    "xor": int.__xor__,
    "xchg": lambda before, operand: operand,
}
"""What read-modify-write instructions put in place of what was there, before it is cut to size."""


def _lock(memory: LinearMemory) -> AbstractContextManager[Any]:
    return contextlib.nullcontext() if memory.waiters is None else memory.waiters.lock


def _get(memory: LinearMemory, address: int, width: int) -> int:
    return int.from_bytes(memory.view[address : address + width], "little")


def _put(memory: LinearMemory, address: int, width: int, value: int) -> None:
    memory.view[address : address + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")


def _load(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory, width = instance.memories[index], opcode.access

    def step(frame: Frame) -> None:
        address = frame[top - 1] + offset
        memory.check_atomic(address, width)
        with _lock(memory):
            frame[top - 1] = _get(memory, address, width)

    return step


def _store(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory, width = instance.memories[index], opcode.access

    def step(frame: Frame) -> None:
        address = frame[top - 2] + offset
        memory.check_atomic(address, width)
        with _lock(memory):
            _put(memory, address, width, frame[top - 1])

    return step


def _modify(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory, width = instance.memories[index], opcode.access
    found = re.search(r"rmw\d*\.([a-z]+)", opcode.name)
    assert found is not None
    modify = _MODIFY[found[1]]

    def step(frame: Frame) -> None:
        address = frame[top - 2] + offset
        memory.check_atomic(address, width)
        with _lock(memory):
            before = _get(memory, address, width)
            _put(memory, address, width, modify(before, frame[top - 1]))
        frame[top - 2] = before

    return step


def _exchange_if(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    """``cmpxchg``: what is expected is cut to the access's width before it is compared."""
    _, offset, index = immediates
    memory, width = instance.memories[index], opcode.access

    def step(frame: Frame) -> None:
        address = frame[top - 3] + offset
        memory.check_atomic(address, width)
        with _lock(memory):
            before = _get(memory, address, width)
            if before == frame[top - 2] & (1 << 8 * width) - 1:
                _put(memory, address, width, frame[top - 1])
        frame[top - 3] = before

    return step


def _wait(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory, width = instance.memories[index], opcode.access

    def step(frame: Frame) -> None:
        timeout = signed(frame[top - 1], 64)
        address, expected = frame[top - 3] + offset, frame[top - 2]
        frame[top - 3] = memory.wait(address, width, expected, timeout, instance.store.look)

    return step


def _notify(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    _, offset, index = immediates
    memory = instance.memories[index]

    def step(frame: Frame) -> None:
        frame[top - 2] = memory.notify(frame[top - 2] + offset, frame[top - 1])

    return step


def _fence(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    return lambda frame: None  # the interpreter's lock orders everything already


def _maker(name: str) -> Maker:
    if ".load" in name:
        return _load
    if ".store" in name:
        return _store
    return _exchange_if if "cmpxchg" in name else _modify


ATOMIC_STEPS: dict[str, Maker] = {
    **{opcode.name: _maker(opcode.name) for opcode in OPCODES if opcode.is_atomic},
    "memory.atomic.wait32": _wait,
    "memory.atomic.wait64": _wait,
    "memory.atomic.notify": _notify,
    "atomic.fence": _fence,
}
"""Makers by the instruction's name."""
