"""Vector instructions between integer lanes of two widths: extend, multiply, sum and narrow."""

from __future__ import annotations

from collections.abc import Iterable

from vm.isa.emit import Builder, Emit, Meanings
from vm.isa.vectors.shapes import (
    EXTENSIONS,
    I8X16,
    I16X8,
    I32X4,
    I64X2,
    Shape,
    call_intrinsic,
    lanewise,
    lift,
    pick,
    splat_constant,
)

WIDTH_MEANINGS = Meanings()
"""Meaning by instruction name."""

_define = WIDTH_MEANINGS.define


def _half(part: str, lanes: int) -> range:
    return range(lanes // 2) if part == "low" else range(lanes // 2, lanes)


def _widen(b: Builder, narrow: Shape, wide: Shape, x: str, lanes: Iterable[int], extension: str) -> str:
    """Some lanes of ``x``, extended to the lanes of ``wide``."""
    half = pick(b, narrow.type, x, "poison", lanes)
    return b.value(f"{extension} <{wide.lanes} x {narrow.lane}> {half} to {wide.type}")


def _extend(narrow: Shape, wide: Shape, part: str, extension: str) -> Emit:
    lanes = _half(part, narrow.lanes)
    return lift(narrow, lambda b, x: _widen(b, narrow, wide, x, lanes, extension), wide)


def _extended_product(narrow: Shape, wide: Shape, part: str, extension: str) -> Emit:
    lanes = _half(part, narrow.lanes)

    def emit(b: Builder, x: str, y: str) -> str:
        x, y = (_widen(b, narrow, wide, value, lanes, extension) for value in (x, y))
        return b.value(f"mul {wide.type} {x}, {y}")

    return lift(narrow, emit, wide)


def _pairwise(b: Builder, type_: str, lanes: int, x: str, lane_type: str) -> str:
    """Sums of neighbours: half as many lanes."""
    even = pick(b, type_, x, "poison", range(0, lanes, 2))
    odd = pick(b, type_, x, "poison", range(1, lanes, 2))
    return b.value(f"add <{lanes // 2} x {lane_type}> {even}, {odd}")


def _extended_sum(narrow: Shape, wide: Shape, extension: str) -> Emit:
    type_ = f"<{narrow.lanes} x {wide.lane}>"

    def emit(b: Builder, x: str) -> str:
        x = b.value(f"{extension} {narrow.type} {x} to {type_}")
        return _pairwise(b, type_, narrow.lanes, x, wide.lane)

    return lift(narrow, emit, wide)


def _dot(narrow: Shape, wide: Shape) -> Emit:
    """Products in twice the width, neighbours summed; the sum wraps."""
    type_ = f"<{narrow.lanes} x {wide.lane}>"

    def emit(b: Builder, x: str, y: str) -> str:
        x, y = (b.value(f"sext {narrow.type} {value} to {type_}") for value in (x, y))
        return _pairwise(b, type_, narrow.lanes, b.value(f"mul {type_} {x}, {y}"), wide.lane)

    return lift(narrow, emit, wide)


def _dot_add(b: Builder, x: str, y: str, z: str) -> str:
    """i32x4.relaxed_dot_i8x16_i7x16_add_s."""
    pairs = _dot(I8X16, I16X8)(b, x, y)
    return lanewise(I32X4, "add")(b, _extended_sum(I16X8, I32X4, "sext")(b, pairs), z)


def _clamp(b: Builder, suffix: str, type_: str, x: str, low: str, high: str) -> str:
    return call_intrinsic(
        b, f"smin.{suffix}", type_, call_intrinsic(b, f"smax.{suffix}", type_, x, low), high
    )


def _narrow(wide: Shape, narrow: Shape, sign: str) -> Emit:
    """The lanes of both operands, clamped to the narrow range and cut; operands count as signed."""
    lanes, type_ = narrow.lanes, f"<{narrow.lanes} x {wide.lane}>"
    half = 1 << (narrow.bits - 1)
    bounds = (-half, half - 1) if sign == "s" else (0, 2 * half - 1)
    low, high = (splat_constant(wide.lane, lanes, bound) for bound in bounds)

    def emit(b: Builder, x: str, y: str) -> str:
        both = pick(b, wide.type, x, y, range(lanes))
        clamped = _clamp(b, f"v{lanes}{wide.lane}", type_, both, low, high)
        return b.value(f"trunc {type_} {clamped} to {narrow.type}")

    return lift(wide, emit, narrow)


def _q15_product(b: Builder, x: str, y: str) -> str:
    """Fixed-point product, rounded and saturated: (x * y + 0x4000) >> 15."""
    type_ = "<8 x i32>"
    x, y = (b.value(f"sext {I16X8.type} {value} to {type_}") for value in (x, y))
    half, shift, most = (splat_constant("i32", 8, value) for value in (0x4000, 15, 0x7FFF))
    rounded = b.value(f"add {type_} {b.value(f'mul {type_} {x}, {y}')}, {half}")
    shifted = b.value(f"ashr {type_} {rounded}, {shift}")
    return b.value(f"trunc {type_} {call_intrinsic(b, 'smin.v8i32', type_, shifted, most)} to {I16X8.type}")


def _define_widths() -> None:
    for narrow, wide in ((I8X16, I16X8), (I16X8, I32X4), (I32X4, I64X2)):
        for sign, extension in EXTENSIONS.items():
            for part in ("low", "high"):
                end = f"{part}_{narrow.name}_{sign}"
                _define(f"{wide.name}.extend_{end}", _extend(narrow, wide, part, extension))
                _define(f"{wide.name}.extmul_{end}", _extended_product(narrow, wide, part, extension))
            if wide is not I64X2:
                name = f"{wide.name}.extadd_pairwise_{narrow.name}_{sign}"
                _define(name, _extended_sum(narrow, wide, extension))
                _define(f"{narrow.name}.narrow_{wide.name}_{sign}", _narrow(wide, narrow, sign))
    _define("i32x4.dot_i16x8_s", _dot(I16X8, I32X4))
    _define("i16x8.relaxed_dot_i8x16_i7x16_s", _dot(I8X16, I16X8))
    _define("i32x4.relaxed_dot_i8x16_i7x16_add_s", _dot_add)
    for name in ("i16x8.q15mulr_sat_s", "i16x8.relaxed_q15mulr_s"):
        _define(name, lift(I16X8, _q15_product, I16X8))


_define_widths()
