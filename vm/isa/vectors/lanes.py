"""Vector instructions that move lanes, and those on all 128 bits as they are."""

from __future__ import annotations

from vm.isa.emit import Builder, Emit, Meanings
from vm.isa.vectors.shapes import (
    FLOATS,
    I8X16,
    INTEGERS,
    V128,
    Shape,
    call_intrinsic,
    cast,
    narrow_scalar,
    pick,
    same,
    splat,
    view,
)

LANE_MEANINGS = Meanings()
"""Meaning by instruction name."""

_define = LANE_MEANINGS.define


def _splat_of(shape: Shape) -> Emit:
    def emit(b: Builder, x: str) -> str:
        if shape in FLOATS and not x.startswith("%"):
            x = b.value(f'call {shape.lane} asm "", "=x,0"({shape.lane} {x})')
        return cast(b, shape.type, splat(b, shape, narrow_scalar(b, shape, x)), V128)

    return emit


def _extract(shape: Shape, extension: str | None) -> Emit:
    def emit(b: Builder, x: str, lane: int) -> str:
        value = b.value(f"extractelement {shape.type} {view(b, shape, x)}, i32 {lane}")
        return b.value(f"{extension} {shape.lane} {value} to i32") if extension else value

    return emit


def _replace(shape: Shape) -> Emit:
    def emit(b: Builder, x: str, y: str, lane: int) -> str:
        y = narrow_scalar(b, shape, y)
        x = cast(b, V128, x, shape.type)
        vector = b.value(f"insertelement {shape.type} {x}, {shape.lane} {y}, i32 {lane}")
        return cast(b, shape.type, vector, V128)

    return emit


def _shuffle(b: Builder, x: str, y: str, *lanes: int) -> str:
    return pick(b, V128, x, y, lanes)


def _swizzle(b: Builder, x: str, indices: str) -> str:
    """Lanes beyond the last are 0.

    pshufb (SSSE3) gives that for indices with the top bit set, which the saturated sum has from 16 on.
    """
    beyond = call_intrinsic(b, "uadd.sat.v16i8", V128, indices, same(I8X16, 0x70))
    return call_intrinsic(b, "x86.ssse3.pshuf.b.128", V128, x, beyond)


def _define_lanes() -> None:
    for shape in (*INTEGERS, *FLOATS):
        _define(f"{shape.name}.splat", _splat_of(shape))
        _define(f"{shape.name}.replace_lane", _replace(shape))
        if shape.bits < 32:
            _define(f"{shape.name}.extract_lane_s", _extract(shape, "sext"))
            _define(f"{shape.name}.extract_lane_u", _extract(shape, "zext"))
        else:
            _define(f"{shape.name}.extract_lane", _extract(shape, None))
    _define("i8x16.shuffle", _shuffle)
    for name in ("i8x16.swizzle", "i8x16.relaxed_swizzle"):
        _define(name, _swizzle)


# the whole vector as bits


def _not(b: Builder, x: str) -> str:
    return b.value(f"xor {V128} {x}, {same(I8X16, -1)}")


def _bitselect(b: Builder, x: str, y: str, mask: str) -> str:
    """Bits of ``x`` where the mask is 1, of ``y`` elsewhere."""
    first = b.value(f"and {V128} {x}, {mask}")
    second = b.value(f"and {V128} {y}, {_not(b, mask)}")
    return b.value(f"or {V128} {first}, {second}")


def _bitwise(instruction: str) -> Emit:
    return lambda b, x, y: b.value(f"{instruction} {V128} {x}, {y}")


def _any_true(b: Builder, x: str) -> str:
    return b.value(f"icmp ne i128 {cast(b, V128, x, 'i128')}, 0")


def _define_bits() -> None:
    _define("v128.not", _not)
    for name in ("and", "or", "xor"):
        _define(f"v128.{name}", _bitwise(name))
    _define("v128.andnot", lambda b, x, y: b.value(f"and {V128} {x}, {_not(b, y)}"))
    _define("v128.any_true", _any_true, condition=True)
    for name in ("v128.bitselect", *(f"{shape.name}.relaxed_laneselect" for shape in INTEGERS)):
        _define(name, _bitselect)


_define_lanes()
_define_bits()
