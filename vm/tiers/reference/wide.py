"""Steps of arithmetic on 128 bits, which gives two results: the low half and the high one."""

from __future__ import annotations

from collections.abc import Callable

from vm.isa.opcodes import Opcode
from vm.runtime.instance import Instance
from vm.tiers.reference.code import Frame, Maker, Step
from vm.tiers.reference.integers import signed
from vm.typed import Any

_LOW = (1 << 64) - 1


def _number(operands: list[int]) -> int:
    low, high = operands
    return low | high << 64


_RESULTS: dict[str, Callable[[list[int]], int]] = {
    "i64.add128": lambda operands: _number(operands[:2]) + _number(operands[2:]),
    "i64.sub128": lambda operands: _number(operands[:2]) - _number(operands[2:]),
    "i64.mul_wide_s": lambda operands: signed(operands[0], 64) * signed(operands[1], 64),
    "i64.mul_wide_u": lambda operands: operands[0] * operands[1],
}
"""What comes of the operands, before it is cut to 128 bits."""


def _maker(name: str) -> Maker:
    compute = _RESULTS[name]

    def make(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
        assert opcode.type is not None
        first = top - len(opcode.type.params)

        def step(frame: Frame) -> None:
            result = compute(frame[first:top])
            frame[first : first + 2] = [result & _LOW, result >> 64 & _LOW]

        return step

    return make


WIDE_STEPS: dict[str, Maker] = {name: _maker(name) for name in _RESULTS}
"""Makers by the instruction's name."""
