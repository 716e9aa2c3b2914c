"""Vector instructions on integer lanes of one width (spec 4.3.2, lane by lane)."""

from __future__ import annotations

from vm.isa.emit import Builder, Emit, Meanings
from vm.isa.vectors.shapes import (
    I8X16,
    I64X2,
    INTEGERS,
    V128,
    Shape,
    call_intrinsic,
    cast,
    compare,
    intrinsic,
    lanewise,
    lift,
    splat,
    view,
)

INTEGER_MEANINGS = Meanings()
"""Meaning by instruction name."""

_define = INTEGER_MEANINGS.define


def _shift(shape: Shape, instruction: str) -> Emit:
    """All lanes by one count, taken modulo their width."""

    def emit(b: Builder, x: str, count: str) -> str:
        count = b.value(f"and i32 {count}, {shape.bits - 1}")
        if shape.bits != 32:
            count = b.value(f"{'zext' if shape.bits > 32 else 'trunc'} i32 {count} to {shape.lane}")
        counts = splat(b, shape, count)
        x = cast(b, V128, x, shape.type)
        return cast(b, shape.type, b.value(f"{instruction} {shape.type} {x}, {counts}"), V128)

    return emit


def _all_true(shape: Shape) -> Emit:
    def emit(b: Builder, x: str) -> str:
        some = b.value(f"icmp eq {shape.type} {view(b, shape, x)}, zeroinitializer")
        zeros = cast(b, f"<{shape.lanes} x i1>", some, f"i{shape.lanes}")
        return b.value(f"icmp eq i{shape.lanes} {zeros}, 0")

    return emit


def _bitmask(shape: Shape) -> Emit:
    def emit(b: Builder, x: str) -> str:
        signs = b.value(f"icmp slt {shape.type} {view(b, shape, x)}, zeroinitializer")
        bits = cast(b, f"<{shape.lanes} x i1>", signs, f"i{shape.lanes}")
        return b.value(f"zext i{shape.lanes} {bits} to i32")

    return emit


def _average(shape: Shape) -> Emit:
    """Half of x + y + 1, by name: LLVM knows it in portable IR only while nothing around it is simplified."""
    name = f"x86.sse2.pavg.{'b' if shape is I8X16 else 'w'}"
    return lift(shape, lambda b, x, y: call_intrinsic(b, name, shape.type, x, y), shape)


def _define_integers(shape: Shape) -> None:
    name = shape.name
    for operation in ("add", "sub"):
        _define(f"{name}.{operation}", lanewise(shape, operation))
    for operation, instruction in (("shl", "shl"), ("shr_s", "ashr"), ("shr_u", "lshr")):
        _define(f"{name}.{operation}", _shift(shape, instruction))
    for operation in ("eq", "ne"):
        _define(f"{name}.{operation}", compare(shape, f"icmp {operation}"))
    for operation in ("lt", "gt", "le", "ge"):
        for sign in "su" if shape is not I64X2 else "s":
            _define(f"{name}.{operation}_{sign}", compare(shape, f"icmp {sign}{operation}"))
    _define(f"{name}.abs", intrinsic(shape, "abs", ", i1 false"))
    _define(f"{name}.neg", lift(shape, lambda b, x: b.value(f"sub {shape.type} zeroinitializer, {x}"), shape))
    _define(f"{name}.all_true", _all_true(shape), condition=True)
    _define(f"{name}.bitmask", _bitmask(shape))
    if shape is not I8X16:
        _define(f"{name}.mul", lanewise(shape, "mul"))
    if shape is not I64X2:
        for operation in ("min", "max"):
            for sign in "su":
                _define(f"{name}.{operation}_{sign}", intrinsic(shape, f"{sign}{operation}"))
    if shape.bits < 32:
        _define(f"{name}.avgr_u", _average(shape))
        for operation in ("add", "sub"):
            for sign in "su":
                _define(f"{name}.{operation}_sat_{sign}", intrinsic(shape, f"{sign}{operation}.sat"))


for _shape in INTEGERS:
    _define_integers(_shape)
_define("i8x16.popcnt", intrinsic(I8X16, "ctpop"))
