"""What the meanings of vector instructions are built from: shapes, views and pieces of IR.

A v128 travels as ``<16 x i8>``; each meaning looks at it as lanes of its own shape (``lift``), which costs
nothing in machine code.
"""

from __future__ import annotations

from collections.abc import Iterable

from vm.isa.emit import Builder, Emit
from vm.records import Record


class Shape(Record, frozen=True):
    """A way to look at 128 bits: ``lanes`` of IR type ``lane``, each of ``bits`` bits."""

    name: str
    lanes: int
    lane: str
    bits: int

    @property
    def type(self) -> str:
        """The vector's IR type."""
        return f"<{self.lanes} x {self.lane}>"

    @property
    def suffix(self) -> str:
        """How intrinsics name the type."""
        return f"v{self.lanes}{_CODES.get(self.lane, self.lane)}"

    @property
    def scalar(self) -> str:
        """The IR type of a lane's value on the operand stack: small integers travel as i32."""
        return "i32" if self.bits < 32 else self.lane

    @property
    def mask(self) -> str:
        """The IR type of a comparison's result: as many integers."""
        return f"<{self.lanes} x i{self.bits}>"


_CODES = {"float": "f32", "double": "f64"}

I8X16, I16X8, I32X4, I64X2 = (
    Shape(f"i{bits}x{128 // bits}", 128 // bits, f"i{bits}", bits) for bits in (8, 16, 32, 64)
)
F32X4, F64X2 = Shape("f32x4", 4, "float", 32), Shape("f64x2", 2, "double", 64)
INTEGERS, FLOATS = (I8X16, I16X8, I32X4, I64X2), (F32X4, F64X2)

V128 = I8X16.type
"""How a v128 travels."""

EXTENSIONS = {"s": "sext", "u": "zext"}
"""Instructions that widen, by the letter that names get."""

ROUNDINGS = {"ceil": "ceil", "floor": "floor", "trunc": "trunc", "nearest": "roundeven"}
"""Intrinsics that round to integers, by the instruction's name."""


# views and pieces of IR


def vector_constant(value: int) -> str:
    """The IR text of a constant; lane 0 is in the lowest bits of ``value``."""
    return "<" + ", ".join(f"i8 {byte}" for byte in value.to_bytes(16, "little")) + ">"


def cast(b: Builder, source: str, value: str, target: str) -> str:
    return value if source == target else b.value(f"bitcast {source} {value} to {target}")


def view(b: Builder, shape: Shape, value: str) -> str:
    """A v128 as lanes. A float constant is hidden from the simplifier, which might drop what quiets NaNs."""
    seen = cast(b, V128, value, shape.type)
    if shape in FLOATS and not value.startswith("%"):
        return b.value(f'call {shape.type} asm "", "=x,0"({shape.type} {seen})')
    return seen


def lift(source: Shape, emit: Emit, result: Shape) -> Emit:
    """An emitter over v128 from one over lanes of ``source``; its first result is of shape ``result``."""

    def lifted(b: Builder, *operands: str) -> str:
        return cast(b, result.type, emit(b, *(view(b, source, x) for x in operands)), V128)

    return lifted


def splat_constant(type_: str, lanes: int, value: int) -> str:
    return "<" + ", ".join([f"{type_} {value}"] * lanes) + ">"


def same(shape: Shape, value: int) -> str:
    """An integer constant in every lane."""
    return splat_constant(shape.lane, shape.lanes, value)


def pick(b: Builder, type_: str, x: str, y: str, lanes: Iterable[int]) -> str:
    """``shufflevector``: lanes of ``x`` followed by ``y``."""
    chosen = list(lanes)
    indices = ", ".join(f"i32 {lane}" for lane in chosen)
    return b.value(f"shufflevector {type_} {x}, {type_} {y}, <{len(chosen)} x i32> <{indices}>")


def call_intrinsic(b: Builder, name: str, type_: str, *operands: str, extra: str = "") -> str:
    listed = ", ".join(f"{type_} {x}" for x in operands)
    return b.value(f"call {type_} @llvm.{name}({listed}{extra})")


def narrow_scalar(b: Builder, shape: Shape, x: str) -> str:
    """An operand of a lane, cut to the lane's width."""
    return x if shape.scalar == shape.lane else b.value(f"trunc {shape.scalar} {x} to {shape.lane}")


def splat(b: Builder, shape: Shape, x: str) -> str:
    one = b.value(f"insertelement {shape.type} poison, {shape.lane} {x}, i32 0")
    return pick(b, shape.type, one, "poison", [0] * shape.lanes)


def lanewise(shape: Shape, instruction: str) -> Emit:
    return lift(shape, lambda b, x, y: b.value(f"{instruction} {shape.type} {x}, {y}"), shape)


def intrinsic(shape: Shape, name: str, extra: str = "") -> Emit:
    full = f"{name}.{shape.suffix}"
    return lift(
        shape, lambda b, *operands: call_intrinsic(b, full, shape.type, *operands, extra=extra), shape
    )


def compare(shape: Shape, predicate: str) -> Emit:
    """All ones where it holds, else 0."""

    def emit(b: Builder, x: str, y: str) -> str:
        holds = b.value(f"{predicate} {shape.type} {view(b, shape, x)}, {view(b, shape, y)}")
        mask = b.value(f"sext <{shape.lanes} x i1> {holds} to {shape.mask}")
        return cast(b, shape.mask, mask, V128)

    return emit
