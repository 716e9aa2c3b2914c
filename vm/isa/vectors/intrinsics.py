"""The LLVM intrinsics that the meanings of vector instructions call."""

from __future__ import annotations

from collections.abc import Iterable

from vm.isa.vectors.shapes import FLOATS, I8X16, I16X8, INTEGERS, ROUNDINGS, V128


def _declarations() -> Iterable[str]:
    for shape in INTEGERS:
        type_, suffix = shape.type, shape.suffix
        yield f"declare {type_} @llvm.abs.{suffix}({type_}, i1)\n"
        for sign in "su":
            for name in (f"{sign}min", f"{sign}max", f"{sign}add.sat", f"{sign}sub.sat"):
                yield f"declare {type_} @llvm.{name}.{suffix}({type_}, {type_})\n"
    for type_, suffix in (("<16 x i16>", "v16i16"), ("<8 x i32>", "v8i32")):
        for name in ("smin", "smax"):
            yield f"declare {type_} @llvm.{name}.{suffix}({type_}, {type_})\n"
    yield f"declare {V128} @llvm.ctpop.v16i8({V128})\n"
    yield f"declare {V128} @llvm.x86.ssse3.pshuf.b.128({V128}, {V128})\n"
    for shape, letter in ((I8X16, "b"), (I16X8, "w")):
        yield f"declare {shape.type} @llvm.x86.sse2.pavg.{letter}({shape.type}, {shape.type})\n"
    for shape in FLOATS:
        type_, suffix = shape.type, shape.suffix
        for name in (*ROUNDINGS.values(), "fabs", "sqrt"):
            yield f"declare {type_} @llvm.{name}.{suffix}({type_})\n"
        for name in ("minimum", "maximum"):
            yield f"declare {type_} @llvm.{name}.{suffix}({type_}, {type_})\n"
        yield f"declare {type_} @llvm.fma.{suffix}({type_}, {type_}, {type_})\n"
        part = f"<{shape.lanes} x i32>"
        for sign in "su":
            yield f"declare {part} @llvm.fpto{sign}i.sat.v{shape.lanes}i32.{suffix}({type_})\n"


VECTOR_DECLARATIONS = "".join(_declarations())
"""The intrinsics that emitters call, for the head of an IR module with vectors in it."""
