"""Vector instructions on float lanes, and conversions from and to them (spec 4.3.3 and 4.3.4)."""

from __future__ import annotations

from collections.abc import Callable

from vm.isa.emit import Builder, Emit, Meanings
from vm.isa.vectors.shapes import (
    F32X4,
    F64X2,
    FLOATS,
    I32X4,
    ROUNDINGS,
    Shape,
    call_intrinsic,
    compare,
    intrinsic,
    lanewise,
    lift,
    pick,
)

FLOAT_MEANINGS = Meanings()
"""Meaning by instruction name."""

_define = FLOAT_MEANINGS.define


def _extremum(shape: Shape, intrinsic: str) -> Emit:
    """As for scalars: -0 is below +0, and a NaN operand gives a quiet NaN."""

    def emit(b: Builder, x: str, y: str) -> str:
        either = call_intrinsic(b, f"{intrinsic}.{shape.suffix}", shape.type, x, y)
        quiet = b.value(f"fadd {shape.type} {x}, {y}")
        unordered = b.value(f"fcmp uno {shape.type} {x}, {y}")
        return b.value(
            f"select <{shape.lanes} x i1> {unordered}, {shape.type} {quiet}, {shape.type} {either}"
        )

    return lift(shape, emit, shape)


def _pseudo_extremum(shape: Shape, *, least: bool) -> Emit:
    """``y < x ? y : x`` and ``x < y ? y : x``."""

    def emit(b: Builder, x: str, y: str) -> str:
        first, second = (y, x) if least else (x, y)
        holds = b.value(f"fcmp olt {shape.type} {first}, {second}")
        return b.value(f"select <{shape.lanes} x i1> {holds}, {shape.type} {y}, {shape.type} {x}")

    return lift(shape, emit, shape)


def _multiply_add(shape: Shape, *, negate: bool) -> Emit:
    """The product (negated for nmadd) and the sum with one rounding."""

    def emit(b: Builder, x: str, y: str, z: str) -> str:
        x = b.value(f"fneg {shape.type} {x}") if negate else x
        return call_intrinsic(b, f"fma.{shape.suffix}", shape.type, x, y, z)

    return lift(shape, emit, shape)


def _define_floats(shape: Shape) -> None:
    name = shape.name
    for operation in ("add", "sub", "mul", "div"):
        _define(f"{name}.{operation}", lanewise(shape, f"f{operation}"))
    for operation, llvm_name in {**ROUNDINGS, "abs": "fabs", "sqrt": "sqrt"}.items():
        _define(f"{name}.{operation}", intrinsic(shape, llvm_name))
    _define(f"{name}.neg", lift(shape, lambda b, x: b.value(f"fneg {shape.type} {x}"), shape))
    for operation in ("min", "max"):
        for prefix in ("", "relaxed_"):
            _define(f"{name}.{prefix}{operation}", _extremum(shape, f"{operation}imum"))
        _define(f"{name}.p{operation}", _pseudo_extremum(shape, least=operation == "min"))
    for operation in ("lt", "gt", "le", "ge", "eq"):
        _define(f"{name}.{operation}", compare(shape, f"fcmp o{operation}"))
    _define(f"{name}.ne", compare(shape, "fcmp une"))
    _define(f"{name}.relaxed_madd", _multiply_add(shape, negate=False))
    _define(f"{name}.relaxed_nmadd", _multiply_add(shape, negate=True))


# conversions

_LOW_HALF, _FOUR = (0, 1), (0, 1, 2, 3)


def _saturate(source: Shape, sign: str) -> Emit:
    """Towards zero, clamped, NaN to 0; two doubles give two integers and two zeros."""
    part = f"<{source.lanes} x i32>"
    intrinsic = f"fpto{sign}i.sat.v{source.lanes}i32.{source.suffix}"

    def emit(b: Builder, x: str) -> str:
        converted = b.value(f"call {part} @llvm.{intrinsic}({source.type} {x})")
        return converted if source is F32X4 else pick(b, part, converted, "zeroinitializer", _FOUR)

    return lift(source, emit, I32X4)


def _convert_low(sign: str) -> Emit:
    def emit(b: Builder, x: str) -> str:
        half = pick(b, I32X4.type, x, "poison", _LOW_HALF)
        return b.value(f"{sign}itofp <2 x i32> {half} to {F64X2.type}")

    return lift(I32X4, emit, F64X2)


def _demote(b: Builder, x: str) -> str:
    """With the operand hidden: LLVM would drop a promotion before it, which quiets NaNs."""
    x = b.value(f'call {F64X2.type} asm "", "=x,0"({F64X2.type} {x})')
    half = b.value(f"fptrunc {F64X2.type} {x} to <2 x float>")
    return pick(b, "<2 x float>", half, "zeroinitializer", _FOUR)


def _promote(b: Builder, x: str) -> str:
    half = pick(b, F32X4.type, x, "poison", _LOW_HALF)
    return b.value(f"fpext <2 x float> {half} to {F64X2.type}")


def _convert(sign: str) -> Callable[[Builder, str], str]:
    return lambda b, x: b.value(f"{sign}itofp {I32X4.type} {x} to {F32X4.type}")


def _define_conversions() -> None:
    for sign in "su":
        for kind in ("trunc_sat", "relaxed_trunc"):
            _define(f"i32x4.{kind}_f32x4_{sign}", _saturate(F32X4, sign))
            _define(f"i32x4.{kind}_f64x2_{sign}_zero", _saturate(F64X2, sign))
        _define(f"f32x4.convert_i32x4_{sign}", lift(I32X4, _convert(sign), F32X4))
        _define(f"f64x2.convert_low_i32x4_{sign}", _convert_low(sign))
    _define("f32x4.demote_f64x2_zero", lift(F64X2, _demote, F32X4))
    _define("f64x2.promote_low_f32x4", lift(F32X4, _promote, F64X2))


for _shape in FLOATS:
    _define_floats(_shape)
_define_conversions()
