"""What each vector instruction means, once, as functions that emit LLVM IR text (see ``vm.isa.semantics``).

A v128 travels as ``<16 x i8>``; each meaning looks at it as lanes of its own shape (``_lift``), which costs
nothing in machine code. Meanings come in families, over shapes. The relaxed instructions mean what the
specification's deterministic profile says (appendix "Profiles"): the result is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vm.isa.emit import MEMORY_TAG, Builder, Emit, Semantics


@dataclass(frozen=True, slots=True)
class Shape:
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
_INTEGERS, _FLOATS = (I8X16, I16X8, I32X4, I64X2), (F32X4, F64X2)

V128 = I8X16.type
"""How a v128 travels."""

VECTOR_SEMANTICS: dict[str, Semantics] = {}
"""Meaning by instruction name."""


def _define(name: str, emit: Emit, *, condition: bool = False) -> None:
    VECTOR_SEMANTICS[name] = Semantics(emit, condition)


# views and pieces of IR


def vector_constant(value: int) -> str:
    """The IR text of a constant; lane 0 is in the lowest bits of ``value``."""
    return "<" + ", ".join(f"i8 {byte}" for byte in value.to_bytes(16, "little")) + ">"


def _cast(b: Builder, source: str, value: str, target: str) -> str:
    return value if source == target else b.value(f"bitcast {source} {value} to {target}")


def _view(b: Builder, shape: Shape, value: str) -> str:
    """A v128 as lanes. A float constant is hidden from the simplifier, which might drop what quiets NaNs."""
    seen = _cast(b, V128, value, shape.type)
    if shape in _FLOATS and not value.startswith("%"):
        return b.value(f'call {shape.type} asm "", "=x,0"({shape.type} {seen})')
    return seen


def _lift(source: Shape, emit: Emit, result: Shape) -> Emit:
    """An emitter over v128 from one over lanes of ``source``; its first result is of shape ``result``."""

    def lifted(b: Builder, *operands: str) -> str:
        return _cast(b, result.type, emit(b, *(_view(b, source, x) for x in operands)), V128)

    return lifted


def _splat_constant(type_: str, lanes: int, value: int) -> str:
    return "<" + ", ".join([f"{type_} {value}"] * lanes) + ">"


def _same(shape: Shape, value: int) -> str:
    """An integer constant in every lane."""
    return _splat_constant(shape.lane, shape.lanes, value)


def _pick(b: Builder, type_: str, x: str, y: str, lanes: Iterable[int]) -> str:
    """``shufflevector``: lanes of ``x`` followed by ``y``."""
    chosen = list(lanes)
    indices = ", ".join(f"i32 {lane}" for lane in chosen)
    return b.value(f"shufflevector {type_} {x}, {type_} {y}, <{len(chosen)} x i32> <{indices}>")


def _call(b: Builder, name: str, type_: str, *operands: str, extra: str = "") -> str:
    listed = ", ".join(f"{type_} {x}" for x in operands)
    return b.value(f"call {type_} @llvm.{name}({listed}{extra})")


def _narrow_scalar(b: Builder, shape: Shape, x: str) -> str:
    """An operand of a lane, cut to the lane's width."""
    return x if shape.scalar == shape.lane else b.value(f"trunc {shape.scalar} {x} to {shape.lane}")


def _splat(b: Builder, shape: Shape, x: str) -> str:
    one = b.value(f"insertelement {shape.type} poison, {shape.lane} {x}, i32 0")
    return _pick(b, shape.type, one, "poison", [0] * shape.lanes)


# lanes (spec 4.3.5: splat, extract, replace, shuffle, swizzle)


def _splat_of(shape: Shape) -> Emit:
    def emit(b: Builder, x: str) -> str:
        if shape in _FLOATS and not x.startswith("%"):
            x = b.value(f'call {shape.lane} asm "", "=x,0"({shape.lane} {x})')
        return _cast(b, shape.type, _splat(b, shape, _narrow_scalar(b, shape, x)), V128)

    return emit


def _extract(shape: Shape, extension: str | None) -> Emit:
    def emit(b: Builder, x: str, lane: int) -> str:
        value = b.value(f"extractelement {shape.type} {_view(b, shape, x)}, i32 {lane}")
        return b.value(f"{extension} {shape.lane} {value} to i32") if extension else value

    return emit


def _replace(shape: Shape) -> Emit:
    def emit(b: Builder, x: str, y: str, lane: int) -> str:
        y = _narrow_scalar(b, shape, y)
        x = _cast(b, V128, x, shape.type)
        return _cast(
            b, shape.type, b.value(f"insertelement {shape.type} {x}, {shape.lane} {y}, i32 {lane}"), V128
        )

    return emit


def _shuffle(b: Builder, x: str, y: str, *lanes: int) -> str:
    return _pick(b, V128, x, y, lanes)


def _swizzle(b: Builder, x: str, indices: str) -> str:
    """Lanes beyond the last are 0: pshufb (SSSE3) gives that for indices with the top bit set, as the
    saturated sum has from 16 on."""
    beyond = _call(b, "uadd.sat.v16i8", V128, indices, _same(I8X16, 0x70))
    return _call(b, "x86.ssse3.pshuf.b.128", V128, x, beyond)


def _define_lanes() -> None:
    for shape in (*_INTEGERS, *_FLOATS):
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
    return b.value(f"xor {V128} {x}, {_same(I8X16, -1)}")


def _bitselect(b: Builder, x: str, y: str, mask: str) -> str:
    """Bits of ``x`` where the mask is 1, of ``y`` elsewhere."""
    first = b.value(f"and {V128} {x}, {mask}")
    second = b.value(f"and {V128} {y}, {_not(b, mask)}")
    return b.value(f"or {V128} {first}, {second}")


def _bitwise(instruction: str) -> Emit:
    return lambda b, x, y: b.value(f"{instruction} {V128} {x}, {y}")


def _any_true(b: Builder, x: str) -> str:
    return b.value(f"icmp ne i128 {_cast(b, V128, x, 'i128')}, 0")


def _define_bits() -> None:
    _define("v128.not", _not)
    for name in ("and", "or", "xor"):
        _define(f"v128.{name}", _bitwise(name))
    _define("v128.andnot", lambda b, x, y: b.value(f"and {V128} {x}, {_not(b, y)}"))
    _define("v128.any_true", _any_true, condition=True)
    for name in ("v128.bitselect", *(f"{shape.name}.relaxed_laneselect" for shape in _INTEGERS)):
        _define(name, _bitselect)


# integer lanes


def _lanewise(shape: Shape, instruction: str) -> Emit:
    return _lift(shape, lambda b, x, y: b.value(f"{instruction} {shape.type} {x}, {y}"), shape)


def _intrinsic(shape: Shape, name: str, extra: str = "") -> Emit:
    full = f"{name}.{shape.suffix}"
    return _lift(shape, lambda b, *operands: _call(b, full, shape.type, *operands, extra=extra), shape)


def _compare(shape: Shape, predicate: str) -> Emit:
    """All ones where it holds, else 0."""

    def emit(b: Builder, x: str, y: str) -> str:
        holds = b.value(f"{predicate} {shape.type} {_view(b, shape, x)}, {_view(b, shape, y)}")
        mask = b.value(f"sext <{shape.lanes} x i1> {holds} to {shape.mask}")
        return _cast(b, shape.mask, mask, V128)

    return emit


def _shift(shape: Shape, instruction: str) -> Emit:
    """All lanes by one count, taken modulo their width."""

    def emit(b: Builder, x: str, count: str) -> str:
        count = b.value(f"and i32 {count}, {shape.bits - 1}")
        if shape.bits != 32:
            count = b.value(f"{'zext' if shape.bits > 32 else 'trunc'} i32 {count} to {shape.lane}")
        counts = _splat(b, shape, count)
        x = _cast(b, V128, x, shape.type)
        return _cast(b, shape.type, b.value(f"{instruction} {shape.type} {x}, {counts}"), V128)

    return emit


def _all_true(shape: Shape) -> Emit:
    def emit(b: Builder, x: str) -> str:
        some = b.value(f"icmp eq {shape.type} {_view(b, shape, x)}, zeroinitializer")
        zeros = _cast(b, f"<{shape.lanes} x i1>", some, f"i{shape.lanes}")
        return b.value(f"icmp eq i{shape.lanes} {zeros}, 0")

    return emit


def _bitmask(shape: Shape) -> Emit:
    def emit(b: Builder, x: str) -> str:
        signs = b.value(f"icmp slt {shape.type} {_view(b, shape, x)}, zeroinitializer")
        bits = _cast(b, f"<{shape.lanes} x i1>", signs, f"i{shape.lanes}")
        return b.value(f"zext i{shape.lanes} {bits} to i32")

    return emit


def _average(shape: Shape) -> Emit:
    """Half of x + y + 1, in twice the width."""
    wide = f"<{shape.lanes} x i{2 * shape.bits}>"
    one = _splat_constant(f"i{2 * shape.bits}", shape.lanes, 1)

    def emit(b: Builder, x: str, y: str) -> str:
        x, y = (b.value(f"zext {shape.type} {value} to {wide}") for value in (x, y))
        total = b.value(f"add {wide} {b.value(f'add {wide} {x}, {y}')}, {one}")
        return b.value(f"trunc {wide} {b.value(f'lshr {wide} {total}, {one}')} to {shape.type}")

    return _lift(shape, emit, shape)


def _define_integers(shape: Shape) -> None:
    name = shape.name
    for operation in ("add", "sub"):
        _define(f"{name}.{operation}", _lanewise(shape, operation))
    for operation, instruction in (("shl", "shl"), ("shr_s", "ashr"), ("shr_u", "lshr")):
        _define(f"{name}.{operation}", _shift(shape, instruction))
    for operation in ("eq", "ne"):
        _define(f"{name}.{operation}", _compare(shape, f"icmp {operation}"))
    for operation in ("lt", "gt", "le", "ge"):
        for sign in "su" if shape is not I64X2 else "s":
            _define(f"{name}.{operation}_{sign}", _compare(shape, f"icmp {sign}{operation}"))
    _define(f"{name}.abs", _intrinsic(shape, "abs", ", i1 false"))
    _define(
        f"{name}.neg", _lift(shape, lambda b, x: b.value(f"sub {shape.type} zeroinitializer, {x}"), shape)
    )
    _define(f"{name}.all_true", _all_true(shape), condition=True)
    _define(f"{name}.bitmask", _bitmask(shape))
    if shape is not I8X16:
        _define(f"{name}.mul", _lanewise(shape, "mul"))
    if shape is not I64X2:
        for operation in ("min", "max"):
            for sign in "su":
                _define(f"{name}.{operation}_{sign}", _intrinsic(shape, f"{sign}{operation}"))
    if shape.bits < 32:
        _define(f"{name}.avgr_u", _average(shape))
        for operation in ("add", "sub"):
            for sign in "su":
                _define(f"{name}.{operation}_sat_{sign}", _intrinsic(shape, f"{sign}{operation}.sat"))


# integer lanes of two widths

_EXTENSIONS = {"s": "sext", "u": "zext"}


def _half(part: str, lanes: int) -> range:
    return range(lanes // 2) if part == "low" else range(lanes // 2, lanes)


def _widen(b: Builder, narrow: Shape, wide: Shape, x: str, lanes: Iterable[int], extension: str) -> str:
    """Some lanes of ``x``, extended to the lanes of ``wide``."""
    half = _pick(b, narrow.type, x, "poison", lanes)
    return b.value(f"{extension} <{wide.lanes} x {narrow.lane}> {half} to {wide.type}")


def _extend(narrow: Shape, wide: Shape, part: str, extension: str) -> Emit:
    lanes = _half(part, narrow.lanes)
    return _lift(narrow, lambda b, x: _widen(b, narrow, wide, x, lanes, extension), wide)


def _extended_product(narrow: Shape, wide: Shape, part: str, extension: str) -> Emit:
    lanes = _half(part, narrow.lanes)

    def emit(b: Builder, x: str, y: str) -> str:
        x, y = (_widen(b, narrow, wide, value, lanes, extension) for value in (x, y))
        return b.value(f"mul {wide.type} {x}, {y}")

    return _lift(narrow, emit, wide)


def _pairwise(b: Builder, type_: str, lanes: int, x: str, lane_type: str) -> str:
    """Sums of neighbours: half as many lanes."""
    even = _pick(b, type_, x, "poison", range(0, lanes, 2))
    odd = _pick(b, type_, x, "poison", range(1, lanes, 2))
    return b.value(f"add <{lanes // 2} x {lane_type}> {even}, {odd}")


def _extended_sum(narrow: Shape, wide: Shape, extension: str) -> Emit:
    type_ = f"<{narrow.lanes} x {wide.lane}>"

    def emit(b: Builder, x: str) -> str:
        x = b.value(f"{extension} {narrow.type} {x} to {type_}")
        return _pairwise(b, type_, narrow.lanes, x, wide.lane)

    return _lift(narrow, emit, wide)


def _dot(narrow: Shape, wide: Shape) -> Emit:
    """Products in twice the width, neighbours summed; the sum wraps."""
    type_ = f"<{narrow.lanes} x {wide.lane}>"

    def emit(b: Builder, x: str, y: str) -> str:
        x, y = (b.value(f"sext {narrow.type} {value} to {type_}") for value in (x, y))
        return _pairwise(b, type_, narrow.lanes, b.value(f"mul {type_} {x}, {y}"), wide.lane)

    return _lift(narrow, emit, wide)


def _dot_add(b: Builder, x: str, y: str, z: str) -> str:
    """i32x4.relaxed_dot_i8x16_i7x16_add_s."""
    pairs = _dot(I8X16, I16X8)(b, x, y)
    return _lanewise(I32X4, "add")(b, _extended_sum(I16X8, I32X4, "sext")(b, pairs), z)


def _clamp(b: Builder, suffix: str, type_: str, x: str, low: str, high: str) -> str:
    return _call(b, f"smin.{suffix}", type_, _call(b, f"smax.{suffix}", type_, x, low), high)


def _narrow(wide: Shape, narrow: Shape, sign: str) -> Emit:
    """The lanes of both operands, clamped to the narrow range and cut; operands count as signed."""
    lanes, type_ = narrow.lanes, f"<{narrow.lanes} x {wide.lane}>"
    half = 1 << (narrow.bits - 1)
    bounds = (-half, half - 1) if sign == "s" else (0, 2 * half - 1)
    low, high = (_splat_constant(wide.lane, lanes, bound) for bound in bounds)

    def emit(b: Builder, x: str, y: str) -> str:
        both = _pick(b, wide.type, x, y, range(lanes))
        clamped = _clamp(b, f"v{lanes}{wide.lane}", type_, both, low, high)
        return b.value(f"trunc {type_} {clamped} to {narrow.type}")

    return _lift(wide, emit, narrow)


def _q15_product(b: Builder, x: str, y: str) -> str:
    """Fixed-point product, rounded and saturated: (x * y + 0x4000) >> 15."""
    type_ = "<8 x i32>"
    x, y = (b.value(f"sext {I16X8.type} {value} to {type_}") for value in (x, y))
    half, shift, most = (_splat_constant("i32", 8, value) for value in (0x4000, 15, 0x7FFF))
    rounded = b.value(f"add {type_} {b.value(f'mul {type_} {x}, {y}')}, {half}")
    shifted = b.value(f"ashr {type_} {rounded}, {shift}")
    return b.value(f"trunc {type_} {_call(b, 'smin.v8i32', type_, shifted, most)} to {I16X8.type}")


def _define_widths() -> None:
    for narrow, wide in ((I8X16, I16X8), (I16X8, I32X4), (I32X4, I64X2)):
        for sign, extension in _EXTENSIONS.items():
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
        _define(name, _lift(I16X8, _q15_product, I16X8))


# float lanes


def _extremum(shape: Shape, intrinsic: str) -> Emit:
    """As for scalars: -0 is below +0, and a NaN operand gives a quiet NaN."""

    def emit(b: Builder, x: str, y: str) -> str:
        either = _call(b, f"{intrinsic}.{shape.suffix}", shape.type, x, y)
        quiet = b.value(f"fadd {shape.type} {x}, {y}")
        unordered = b.value(f"fcmp uno {shape.type} {x}, {y}")
        return b.value(
            f"select <{shape.lanes} x i1> {unordered}, {shape.type} {quiet}, {shape.type} {either}"
        )

    return _lift(shape, emit, shape)


def _pseudo_extremum(shape: Shape, *, least: bool) -> Emit:
    """``y < x ? y : x`` and ``x < y ? y : x``."""

    def emit(b: Builder, x: str, y: str) -> str:
        first, second = (y, x) if least else (x, y)
        holds = b.value(f"fcmp olt {shape.type} {first}, {second}")
        return b.value(f"select <{shape.lanes} x i1> {holds}, {shape.type} {y}, {shape.type} {x}")

    return _lift(shape, emit, shape)


def _multiply_add(shape: Shape, *, negate: bool) -> Emit:
    """x * y + z with one rounding; x negated for nmadd."""

    def emit(b: Builder, x: str, y: str, z: str) -> str:
        x = b.value(f"fneg {shape.type} {x}") if negate else x
        return _call(b, f"fma.{shape.suffix}", shape.type, x, y, z)

    return _lift(shape, emit, shape)


_ROUNDINGS = {"ceil": "ceil", "floor": "floor", "trunc": "trunc", "nearest": "roundeven"}


def _define_floats(shape: Shape) -> None:
    name = shape.name
    for operation in ("add", "sub", "mul", "div"):
        _define(f"{name}.{operation}", _lanewise(shape, f"f{operation}"))
    for operation, intrinsic in {**_ROUNDINGS, "abs": "fabs", "sqrt": "sqrt"}.items():
        _define(f"{name}.{operation}", _intrinsic(shape, intrinsic))
    _define(f"{name}.neg", _lift(shape, lambda b, x: b.value(f"fneg {shape.type} {x}"), shape))
    for operation in ("min", "max"):
        for prefix in ("", "relaxed_"):
            _define(f"{name}.{prefix}{operation}", _extremum(shape, f"{operation}imum"))
        _define(f"{name}.p{operation}", _pseudo_extremum(shape, least=operation == "min"))
    for operation in ("lt", "gt", "le", "ge", "eq"):
        _define(f"{name}.{operation}", _compare(shape, f"fcmp o{operation}"))
    _define(f"{name}.ne", _compare(shape, "fcmp une"))
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
        return converted if source is F32X4 else _pick(b, part, converted, "zeroinitializer", _FOUR)

    return _lift(source, emit, I32X4)


def _convert_low(sign: str) -> Emit:
    def emit(b: Builder, x: str) -> str:
        half = _pick(b, I32X4.type, x, "poison", _LOW_HALF)
        return b.value(f"{sign}itofp <2 x i32> {half} to {F64X2.type}")

    return _lift(I32X4, emit, F64X2)


def _demote(b: Builder, x: str) -> str:
    """With the operand hidden: LLVM would drop a promotion before it, which quiets NaNs."""
    x = b.value(f'call {F64X2.type} asm "", "=x,0"({F64X2.type} {x})')
    half = b.value(f"fptrunc {F64X2.type} {x} to <2 x float>")
    return _pick(b, "<2 x float>", half, "zeroinitializer", _FOUR)


def _promote(b: Builder, x: str) -> str:
    half = _pick(b, F32X4.type, x, "poison", _LOW_HALF)
    return b.value(f"fpext <2 x float> {half} to {F64X2.type}")


def _convert(sign: str) -> Callable[[Builder, str], str]:
    return lambda b, x: b.value(f"{sign}itofp {I32X4.type} {x} to {F32X4.type}")


def _define_conversions() -> None:
    for sign in "su":
        for kind in ("trunc_sat", "relaxed_trunc"):
            _define(f"i32x4.{kind}_f32x4_{sign}", _saturate(F32X4, sign))
            _define(f"i32x4.{kind}_f64x2_{sign}_zero", _saturate(F64X2, sign))
        _define(f"f32x4.convert_i32x4_{sign}", _lift(I32X4, _convert(sign), F32X4))
        _define(f"f64x2.convert_low_i32x4_{sign}", _convert_low(sign))
    _define("f32x4.demote_f64x2_zero", _lift(F64X2, _demote, F32X4))
    _define("f64x2.promote_low_f32x4", _lift(F32X4, _promote, F64X2))


# memory (spec 4.4.7)


def _read(b: Builder, type_: str, index: str, offset: int, width: int) -> str:
    return b.value(f"load {b.access}{type_}, ptr {b.address(index, offset, width)}, align 1{MEMORY_TAG}")


def _write(b: Builder, type_: str, value: str, index: str, offset: int, width: int) -> str:
    b.effect(f"store {b.access}{type_} {value}, ptr {b.address(index, offset, width)}, align 1{MEMORY_TAG}")
    return ""


def _load_extended(narrow: Shape, wide: Shape, extension: str) -> Emit:
    half = f"<{wide.lanes} x {narrow.lane}>"

    def emit(b: Builder, index: str, offset: int) -> str:
        loaded = _read(b, half, index, offset, 8)
        return _cast(b, wide.type, b.value(f"{extension} {half} {loaded} to {wide.type}"), V128)

    return emit


def _load_splat(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, offset: int) -> str:
        return _cast(
            b, shape.type, _splat(b, shape, _read(b, shape.lane, index, offset, shape.bits // 8)), V128
        )

    return emit


def _load_zero(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, offset: int) -> str:
        loaded = _read(b, shape.lane, index, offset, shape.bits // 8)
        return _cast(
            b, shape.type, b.value(f"insertelement {shape.type} zeroinitializer, {shape.lane} {loaded}, i32 0"), V128
        )

    return emit


def _load_lane(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, x: str, offset: int, lane: int) -> str:
        loaded = _read(b, shape.lane, index, offset, shape.bits // 8)
        x = _cast(b, V128, x, shape.type)
        return _cast(
            b, shape.type, b.value(f"insertelement {shape.type} {x}, {shape.lane} {loaded}, i32 {lane}"), V128
        )

    return emit


def _store_lane(shape: Shape) -> Emit:
    def emit(b: Builder, index: str, x: str, offset: int, lane: int) -> str:
        value = b.value(f"extractelement {shape.type} {_cast(b, V128, x, shape.type)}, i32 {lane}")
        return _write(b, shape.lane, value, index, offset, shape.bits // 8)

    return emit


def _define_memory() -> None:
    _define("v128.load", lambda b, index, offset: _read(b, V128, index, offset, 16))
    _define("v128.store", lambda b, index, x, offset: _write(b, V128, x, index, offset, 16))
    for narrow, wide in ((I8X16, I16X8), (I16X8, I32X4), (I32X4, I64X2)):
        for sign, extension in _EXTENSIONS.items():
            name = f"v128.load{narrow.bits}x{wide.lanes}_{sign}"
            _define(name, _load_extended(narrow, wide, extension))
    for shape in _INTEGERS:
        _define(f"v128.load{shape.bits}_splat", _load_splat(shape))
        _define(f"v128.load{shape.bits}_lane", _load_lane(shape))
        _define(f"v128.store{shape.bits}_lane", _store_lane(shape))
    for shape in (I32X4, I64X2):
        _define(f"v128.load{shape.bits}_zero", _load_zero(shape))


# the intrinsics


def _declarations() -> Iterable[str]:
    for shape in _INTEGERS:
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
    for shape in _FLOATS:
        type_, suffix = shape.type, shape.suffix
        for name in (*_ROUNDINGS.values(), "fabs", "sqrt"):
            yield f"declare {type_} @llvm.{name}.{suffix}({type_})\n"
        for name in ("minimum", "maximum"):
            yield f"declare {type_} @llvm.{name}.{suffix}({type_}, {type_})\n"
        yield f"declare {type_} @llvm.fma.{suffix}({type_}, {type_}, {type_})\n"
        part = f"<{shape.lanes} x i32>"
        for sign in "su":
            yield f"declare {part} @llvm.fpto{sign}i.sat.v{shape.lanes}i32.{suffix}({type_})\n"


VECTOR_DECLARATIONS = "".join(_declarations())
"""The intrinsics that emitters call, for the head of an IR module with vectors in it."""

for _shape in _INTEGERS:
    _define_integers(_shape)
for _shape in _FLOATS:
    _define_floats(_shape)
_define("i8x16.popcnt", _intrinsic(I8X16, "ctpop"))
_define_lanes()
_define_bits()
_define_widths()
_define_conversions()
_define_memory()
