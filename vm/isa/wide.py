"""Arithmetic on 128 bits (wide-arithmetic proposal): its rows of the opcode table, and what they mean.

A number of 128 bits is two i64 on the operand stack, the low half first. An emitter here gives both results
as one i128.
"""

from __future__ import annotations

from vm.isa.emit import Builder, Emit, Meanings
from vm.isa.opcode import Feature, Immediate, Opcode, row

WIDE_OPCODES: tuple[Opcode, ...] = (
    row(0xFC13, "i64.add128", Immediate.NONE, "llll:ll", Feature.WIDE_ARITHMETIC),
    row(0xFC14, "i64.sub128", Immediate.NONE, "llll:ll", Feature.WIDE_ARITHMETIC),
    row(0xFC15, "i64.mul_wide_s", Immediate.NONE, "ll:ll", Feature.WIDE_ARITHMETIC),
    row(0xFC16, "i64.mul_wide_u", Immediate.NONE, "ll:ll", Feature.WIDE_ARITHMETIC),
)
"""Source: the proposal's overview (WebAssembly/wide-arithmetic)."""

WIDE_SEMANTICS = Meanings()
"""Meaning by instruction name."""


def _joined(b: Builder, low: str, high: str) -> str:
    wide = b.value(f"zext i64 {high} to i128")
    return b.value(f"or i128 {b.value(f'shl i128 {wide}, 64')}, {b.value(f'zext i64 {low} to i128')}")


def _both(instruction: str) -> Emit:
    def emit(b: Builder, low: str, high: str, other_low: str, other_high: str) -> str:
        first = _joined(b, low, high)
        return b.value(f"{instruction} i128 {first}, {_joined(b, other_low, other_high)}")

    return emit


def _product(extension: str) -> Emit:
    def emit(b: Builder, x: str, y: str) -> str:
        wide = b.value(f"{extension} i64 {x} to i128")
        return b.value(f"mul i128 {wide}, {b.value(f'{extension} i64 {y} to i128')}")

    return emit


WIDE_SEMANTICS.define("i64.add128", _both("add"))
WIDE_SEMANTICS.define("i64.sub128", _both("sub"))
WIDE_SEMANTICS.define("i64.mul_wide_s", _product("sext"))
WIDE_SEMANTICS.define("i64.mul_wide_u", _product("zext"))
