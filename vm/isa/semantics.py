"""What each instruction means, once, as functions that emit LLVM IR text.

``SEMANTICS[name].emit(builder, *operands)`` writes the instruction ``name`` (the specification's name) over
SSA operands and returns the SSA name of its result. Every native tier renders these same emitters; only the
``Builder`` differs (where operands come from, what a trap is, how an address is made). Control flow,
variables, calls and tables depend on a tier's frame and are not here.

Floats follow IEEE 754-2019 with the specification's NaN rules (4.3.3): every arithmetic result that is a NaN
is quiet. LLVM treats signalling NaNs as quiet when it simplifies ("x * 1.0" becomes "x"), so the neutral
constants of arithmetic are hidden from it (``NEUTRAL``).
"""

from __future__ import annotations

from vm.errors import TrapCode
from vm.isa.atomics import ATOMIC_SEMANTICS
from vm.isa.emit import MEMORY_TAG, SELDOM, Builder, Emit, Meanings
from vm.isa.types import ValType
from vm.isa.vectors import VECTOR_SEMANTICS
from vm.isa.vectors.shapes import vector_constant
from vm.isa.wide import WIDE_SEMANTICS
from vm.typed import Any

SEMANTICS = Meanings(VECTOR_SEMANTICS | ATOMIC_SEMANTICS | WIDE_SEMANTICS)
"""Meaning by instruction name. Those of vectors and of atomic accesses have files of their own."""

_INTEGERS = {"i32": 32, "i64": 64}
_FLOATS = {"f32": "float", "f64": "double"}

DECLARATIONS = "".join(
    [f"declare {t} @llvm.{n}.{t}({t}, i1)\n" for t in _INTEGERS for n in ("ctlz", "cttz")]
    + [f"declare {t} @llvm.ctpop.{t}({t})\n" for t in _INTEGERS]
    + [f"declare {t} @llvm.{n}.{t}({t}, {t}, {t})\n" for t in _INTEGERS for n in ("fshl", "fshr")]
    + [
        f"declare {t} @llvm.{n}.{f}({t})\n"
        for f, t in _FLOATS.items()
        for n in ("fabs", "ceil", "floor", "trunc", "roundeven", "sqrt")
    ]
    + [
        f"declare {t} @llvm.{n}.{f}({t}, {t})\n"
        for f, t in _FLOATS.items()
        for n in ("copysign", "minimum", "maximum")
    ]
    + [
        f"declare {i} @llvm.fpto{s}i.sat.{i}.{f}({t})\n"
        for f, t in _FLOATS.items()
        for i in _INTEGERS
        for s in "su"
    ]
)
"""The intrinsics that emitters call, for the head of an IR module."""


_define = SEMANTICS.define


# Integers (spec 4.3.2)


def _binary(instruction: str, type: str) -> Emit:
    return lambda b, x, y: b.value(f"{instruction} {type} {x}, {y}")


def _shift(instruction: str, type: str, bits: int) -> Emit:
    """Shift counts are taken modulo the width."""

    def emit(b: Builder, x: str, y: str) -> str:
        return b.value(f"{instruction} {type} {x}, " + b.value(f"and {type} {y}, {bits - 1}"))

    return emit


def _rotate(intrinsic: str, type: str) -> Emit:
    return lambda b, x, y: b.value(
        f"call {type} @llvm.{intrinsic}.{type}({type} {x}, {type} {x}, {type} {y})"
    )


def _count(intrinsic: str, type: str, flag: str) -> Emit:
    return lambda b, x: b.value(f"call {type} @llvm.{intrinsic}.{type}({type} {x}{flag})")


def _divide(instruction: str, type: str, bits: int) -> Emit:
    """Division traps on zero, and signed division when the quotient does not fit."""

    def emit(b: Builder, x: str, y: str) -> str:
        b.trap_if(b.value(f"icmp eq {type} {y}, 0"), TrapCode.INTEGER_DIVISION_BY_ZERO)
        if instruction == "sdiv":
            least = b.value(f"icmp eq {type} {x}, {-(1 << (bits - 1))}")
            negative = b.value(f"icmp eq {type} {y}, -1")
            b.trap_if(b.value(f"and i1 {least}, {negative}"), TrapCode.INTEGER_OVERFLOW)
        elif instruction == "srem":  # x rem -1 is 0 for every x; the machine would fault on the least one
            negative = b.value(f"icmp eq {type} {y}, -1")
            y = b.value(f"select i1 {negative}, {type} 1, {type} {y}{SELDOM}")
        return b.value(f"{instruction} {type} {x}, {y}")

    return emit


def _extend(type: str, width: int) -> Emit:
    def emit(b: Builder, x: str) -> str:
        return b.value(f"sext i{width} " + b.value(f"trunc {type} {x} to i{width}") + f" to {type}")

    return emit


def _compare(predicate: str, type: str) -> Emit:
    return lambda b, x, y: b.value(f"{predicate} {type} {x}, {y}")


def _equals_zero(type: str) -> Emit:
    return lambda b, x: b.value(f"icmp eq {type} {x}, 0")


def _define_integers(type: str, bits: int) -> None:
    for name in ("add", "sub", "mul", "and", "or", "xor"):
        _define(f"{type}.{name}", _binary(name, type))
    for name, instruction in (("shl", "shl"), ("shr_s", "ashr"), ("shr_u", "lshr")):
        _define(f"{type}.{name}", _shift(instruction, type, bits))
    for name, intrinsic in (("rotl", "fshl"), ("rotr", "fshr")):
        _define(f"{type}.{name}", _rotate(intrinsic, type))
    for name, intrinsic, flag in (
        ("clz", "ctlz", ", i1 false"),
        ("ctz", "cttz", ", i1 false"),
        ("popcnt", "ctpop", ""),
    ):
        _define(f"{type}.{name}", _count(intrinsic, type, flag))
    for name, instruction in (("div_s", "sdiv"), ("div_u", "udiv"), ("rem_s", "srem"), ("rem_u", "urem")):
        _define(f"{type}.{name}", _divide(instruction, type, bits))
    _define(f"{type}.eqz", _equals_zero(type), condition=True)
    for name in ("eq", "ne"):
        _define(f"{type}.{name}", _compare(f"icmp {name}", type), condition=True)
    for name in ("lt", "gt", "le", "ge"):
        for sign in "su":
            _define(f"{type}.{name}_{sign}", _compare(f"icmp {sign}{name}", type), condition=True)
    for width in (8, 16, 32):
        if width < bits:
            _define(f"{type}.extend{width}_s", _extend(type, width))


# Floats (spec 4.3.3)

NEUTRAL = {"zeroinitializer"} | {
    f"0x{pattern:016X}"
    for pattern in (0, 1 << 63, 0x3FF0_0000_0000_0000, 0xBFF0_0000_0000_0000)  # 0, -0, 1, -1
}
"""Constants (``constant``) that LLVM's simplifier could drop with the arithmetic that they are operands of.

Tiers that know constants hide these where they come up (``{type}.const``, locals' zeros), for they reach
arithmetic on many roads. Not hidden is what is no constant yet there: a conversion of an integer that turns
out to be 1, and lanes of vectors; a signalling NaN that meets such a number may stay what it is.
"""


def _float_binary(instruction: str, type: str) -> Emit:
    def emit(b: Builder, x: str, y: str) -> str:
        return b.value(f"{instruction} {type} {x}, {y}")

    return emit


def _float_unary(intrinsic: str, name: str, type: str) -> Emit:
    return lambda b, x: b.value(f"call {type} @llvm.{intrinsic}.{name}({type} {x})")


def _extremum(intrinsic: str, name: str, type: str) -> Emit:
    """Lesser or greater: -0 is below +0; a NaN operand gives a quiet NaN, as the operands' sum is."""

    def emit(b: Builder, x: str, y: str) -> str:
        either = b.value(f"call {type} @llvm.{intrinsic}.{name}({type} {x}, {type} {y})")
        quiet = b.value(f"fadd {type} {x}, {y}")
        unordered = b.value(f"fcmp uno {type} {x}, {y}")
        return b.value(f"select i1 {unordered}, {type} {quiet}, {type} {either}")

    return emit


def _copysign(name: str, type: str) -> Emit:
    return lambda b, x, y: b.value(f"call {type} @llvm.copysign.{name}({type} {x}, {type} {y})")


def _define_floats(name: str, type: str) -> None:
    for operation in ("add", "sub", "mul", "div"):
        _define(f"{name}.{operation}", _float_binary(f"f{operation}", type))
    for operation, intrinsic in (
        ("abs", "fabs"),
        ("ceil", "ceil"),
        ("floor", "floor"),
        ("trunc", "trunc"),
        ("nearest", "roundeven"),
        ("sqrt", "sqrt"),
    ):
        _define(f"{name}.{operation}", _float_unary(intrinsic, name, type))
    _define(f"{name}.neg", lambda b, x: b.value(f"fneg {type} {x}"))
    _define(f"{name}.min", _extremum("minimum", name, type))
    _define(f"{name}.max", _extremum("maximum", name, type))
    _define(f"{name}.copysign", _copysign(name, type))
    for operation, predicate in (
        ("eq", "oeq"),
        ("ne", "une"),
        ("lt", "olt"),
        ("gt", "ogt"),
        ("le", "ole"),
        ("ge", "oge"),
    ):
        _define(f"{name}.{operation}", _compare(f"fcmp {predicate}", type), condition=True)


# Conversions (spec 4.3.4)


def _float_constant(value: float) -> str:
    """An exactly representable constant in LLVM's decimal notation."""
    return f"{value:.1f}"


def _truncation_bounds(float_name: str, bits: int, signed: bool) -> tuple[str, str, str]:
    """``(predicate, low, high)``: x truncates into range exactly when ``x predicate low`` and ``x < high``.

    The low bound is min - 1, exclusive, where the float type holds that number; else it is min, inclusive.
    """
    high = float(1 << (bits - 1) if signed else 1 << bits)
    if not signed:
        return "ogt", _float_constant(-1.0), _float_constant(high)
    if float_name == "f64" and bits == 32:
        return "ogt", _float_constant(-high - 1), _float_constant(high)
    return "oge", _float_constant(-high), _float_constant(high)


def _truncate(integer: str, bits: int, float_name: str, type: str, sign: str) -> Emit:
    predicate, low, high = _truncation_bounds(float_name, bits, sign == "s")

    def emit(b: Builder, x: str) -> str:
        b.trap_if(b.value(f"fcmp uno {type} {x}, {x}"), TrapCode.BAD_CONVERSION_TO_INTEGER)
        above = b.value(f"fcmp {predicate} {type} {x}, {low}")
        below = b.value(f"fcmp olt {type} {x}, {high}")
        inside = b.value(f"and i1 {above}, {below}")
        b.trap_if(b.value(f"xor i1 {inside}, true"), TrapCode.INTEGER_OVERFLOW)
        return b.value(f"fpto{sign}i {type} {x} to {integer}")

    return emit


def _saturate(integer: str, float_name: str, type: str, sign: str) -> Emit:
    return lambda b, x: b.value(f"call {integer} @llvm.fpto{sign}i.sat.{integer}.{float_name}({type} {x})")


def _cast(instruction: str, source: str, target: str) -> Emit:
    return lambda b, x: b.value(f"{instruction} {source} {x} to {target}")


def _from_bits(integer: str, type: str) -> Emit:
    """Hidden from the simplifier, as constants are: the bits may be those of one."""

    def emit(b: Builder, x: str) -> str:
        bits = b.value(f"bitcast {integer} {x} to {type}")
        return b.value(f'call {type} asm "", "=x,0"({type} {bits})')

    return emit


def _demote(b: Builder, x: str) -> str:
    """f32.demote_f64, with the operand hidden: LLVM would drop a promotion before it, which quiets NaNs."""
    return b.value("fptrunc double " + b.value(f'call double asm "", "=x,0"(double {x})') + " to float")


def _define_conversions() -> None:
    for integer, bits in _INTEGERS.items():
        for name, type in _FLOATS.items():
            for sign in "su":
                _define(f"{integer}.trunc_{name}_{sign}", _truncate(integer, bits, name, type, sign))
                _define(f"{integer}.trunc_sat_{name}_{sign}", _saturate(integer, name, type, sign))
                _define(f"{name}.convert_{integer}_{sign}", _cast(f"{sign}itofp", integer, type))
    for integer, name in (("i32", "f32"), ("i64", "f64")):
        _define(f"{integer}.reinterpret_{name}", _cast("bitcast", _FLOATS[name], integer))
        _define(f"{name}.reinterpret_{integer}", _from_bits(integer, _FLOATS[name]))
    _define("i32.wrap_i64", _cast("trunc", "i64", "i32"))
    _define("i64.extend_i32_s", _cast("sext", "i32", "i64"))
    _define("i64.extend_i32_u", _cast("zext", "i32", "i64"))
    _define("f32.demote_f64", _demote)
    _define("f64.promote_f32", _cast("fpext", "float", "double"))


# Memory (spec 4.4.7)


def _load(type: str, memory_type: str, width: int, extension: str | None) -> Emit:
    """``emit(builder, index, offset, memory)``."""

    def emit(b: Builder, index: str, offset: int, memory: int) -> str:
        pointer = b.address(index, offset, width, memory)
        loaded = b.value(f"load {b.access}{memory_type}, ptr {pointer}, align 1{MEMORY_TAG}")
        return b.value(f"{extension} {memory_type} {loaded} to {type}") if extension else loaded

    return emit


def _store(type: str, memory_type: str, width: int) -> Emit:
    """``emit(builder, index, value, offset, memory)``; there is no result, so the name is empty."""

    def emit(b: Builder, index: str, value: str, offset: int, memory: int) -> str:
        pointer = b.address(index, offset, width, memory)
        if memory_type != type:
            value = b.value(f"trunc {type} {value} to {memory_type}")
        b.effect(f"store {b.access}{memory_type} {value}, ptr {pointer}, align 1{MEMORY_TAG}")
        return ""

    return emit


def _define_memory() -> None:
    for name, type, width in (
        ("i32", "i32", 4),
        ("i64", "i64", 8),
        ("f32", "float", 4),
        ("f64", "double", 8),
    ):
        _define(f"{name}.load", _load(type, type, width, None))
        _define(f"{name}.store", _store(type, type, width))
    for name, bits in _INTEGERS.items():
        for narrow in (8, 16, 32):
            if narrow == bits:
                continue
            _define(f"{name}.store{narrow}", _store(name, f"i{narrow}", narrow // 8))
            for sign, extension in (("s", "sext"), ("u", "zext")):
                _define(f"{name}.load{narrow}_{sign}", _load(name, f"i{narrow}", narrow // 8, extension))


def constant(type: ValType, value: Any) -> str:
    """The IR text of a constant; ``value`` as ``vm.module.instructions.read`` gives it (floats as bits)."""
    if type is ValType.F64:
        return f"0x{value:016X}"
    if type is ValType.F32:
        return _single(value)
    if type is ValType.V128:
        return vector_constant(value)
    return str(value)


def _single(bits: int) -> str:
    """An f32 constant: LLVM writes it as the double of equal value; a NaN goes by its bits."""
    sign, exponent, fraction = bits >> 31, bits >> 23 & 0xFF, bits & 0x7F_FFFF
    if exponent == 0xFF:
        return f"bitcast (i32 {bits} to float)" if fraction else f"0x{sign << 63 | 0x7FF << 52:016X}"
    if exponent == 0:
        if not fraction:
            return f"0x{sign << 63:016X}"
        shift = 24 - fraction.bit_length()  # a subnormal single is a normal double
        exponent, fraction = 1 - shift, (fraction << shift) & 0x7F_FFFF
    return f"0x{sign << 63 | (exponent + 896) << 52 | fraction << 29:016X}"


for _name, _bits in _INTEGERS.items():
    _define_integers(_name, _bits)
for _name, _type in _FLOATS.items():
    _define_floats(_name, _type)
_define_conversions()
_define_memory()
