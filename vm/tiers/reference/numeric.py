"""The meaning of every numeric instruction: one table of functions on bit patterns (spec 4.3).

Integers and floats have their own files; conversions between them stand here.
"""

from __future__ import annotations

import math

from vm.errors import Trap, TrapCode
from vm.tiers.reference.floats import F32, F64, FloatFormat, float_meanings
from vm.tiers.reference.integers import Meaning, integer_meanings, signed

_FLOATS = {"f32": F32, "f64": F64}
_WIDTHS = {"i32": 32, "i64": 64}


def _float_to_int(form: FloatFormat, bits: int, is_signed: bool) -> Meaning:
    """``trunc``: towards zero; traps for what does not fit."""
    low, high = _range(bits, is_signed)
    mask = (1 << bits) - 1

    def meaning(a: int) -> int:
        x = form.value(a)
        if x != x:
            raise Trap(TrapCode.BAD_CONVERSION_TO_INTEGER)
        if math.isinf(x) or not low <= math.trunc(x) <= high:
            raise Trap(TrapCode.INTEGER_OVERFLOW)
        return math.trunc(x) & mask

    return meaning


def _float_to_int_saturating(form: FloatFormat, bits: int, is_signed: bool) -> Meaning:
    """``trunc_sat``: towards zero; what does not fit becomes the nearest that does, a NaN 0."""
    low, high = _range(bits, is_signed)
    mask = (1 << bits) - 1

    def meaning(a: int) -> int:
        x = form.value(a)
        if x != x:
            return 0
        if math.isinf(x):
            return (high if x > 0 else low) & mask
        return min(max(math.trunc(x), low), high) & mask

    return meaning


def _int_to_float(form: FloatFormat, bits: int, is_signed: bool) -> Meaning:
    """``convert``: rounds to nearest, ties to even."""

    def meaning(a: int) -> int:
        value = signed(a, bits) if is_signed else a
        return form.pattern(float(value if form is F64 else _sticky(value)))

    return meaning


def _sticky(value: int) -> int:
    """``value`` with few enough digits for a double, such that rounding it to f32 gives the same.

    All digits behind the 40th become one that says whether any was set: rounding twice must not
    mistake a number just beside a tie for the tie.
    """
    drop = abs(value).bit_length() - 40
    if drop <= 0:
        return value
    rest = abs(value) & ((1 << drop) - 1)
    kept = (abs(value) >> drop | (1 if rest else 0)) << drop
    return -kept if value < 0 else kept


def _range(bits: int, is_signed: bool) -> tuple[int, int]:
    if is_signed:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _conversions() -> dict[str, Meaning]:
    meanings: dict[str, Meaning] = {
        "i32.wrap_i64": lambda a: a & 0xFFFF_FFFF,
        "i64.extend_i32_u": lambda a: a,
        "i64.extend_i32_s": lambda a: signed(a, 32) & 0xFFFF_FFFF_FFFF_FFFF,
        "f32.demote_f64": lambda a: F32.pattern(F64.value(a)),
        "f64.promote_f32": lambda a: F64.pattern(F32.value(a)),
        "i32.reinterpret_f32": lambda a: a,
        "i64.reinterpret_f64": lambda a: a,
        "f32.reinterpret_i32": lambda a: a,
        "f64.reinterpret_i64": lambda a: a,
    }
    for integer, bits in _WIDTHS.items():
        for floating, form in _FLOATS.items():
            for suffix in ("s", "u"):
                is_signed = suffix == "s"
                meanings[f"{integer}.trunc_{floating}_{suffix}"] = _float_to_int(form, bits, is_signed)
                name = f"{integer}.trunc_sat_{floating}_{suffix}"
                meanings[name] = _float_to_int_saturating(form, bits, is_signed)
                meanings[f"{floating}.convert_{integer}_{suffix}"] = _int_to_float(form, bits, is_signed)
    return meanings


MEANINGS: dict[str, Meaning] = {
    **integer_meanings("i32", 32),
    **integer_meanings("i64", 64),
    **float_meanings("f32", F32),
    **float_meanings("f64", F64),
    **_conversions(),
}
"""Meanings by the instruction's name in the opcode table; operands in stack order."""
