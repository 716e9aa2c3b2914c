"""What floating-point instructions mean (spec 4.3.3), on IEEE 754 bit patterns.

Arithmetic is done in Python's double precision and rounded once more for f32, which gives the correctly
rounded result: 53 bits are more than twice 24 plus two (Figueroa 1995). Where the specification leaves a
NaN open, the result is the canonical one, so runs are reproducible on every host.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from vm.tiers.reference.integers import Meaning


class FloatFormat:
    """An IEEE 754 format: conversion between bit patterns and Python floats."""

    def __init__(self, code: str, bits: int, fraction: int) -> None:
        self.bits = bits
        self.sign = 1 << (bits - 1)
        self.infinity = ((1 << (bits - 1 - fraction)) - 1) << fraction
        self.canonical_nan = self.infinity | 1 << (fraction - 1)
        self._float = struct.Struct(f"<{code}")
        self._int = struct.Struct("<I" if bits == 32 else "<Q")

    def value(self, bits: int) -> float:
        """The number a bit pattern stands for; the payload of a NaN may get lost."""
        number: float = self._float.unpack(self._int.pack(bits))[0]
        return number

    def pattern(self, value: float) -> int:
        """The bit pattern of ``value``, rounded to nearest, ties to even; NaNs become canonical."""
        if value != value:
            return self.canonical_nan
        try:
            packed = self._float.pack(value)
        except OverflowError:  # struct's way of saying that a double rounds to infinity as a float
            return self.infinity if value > 0 else self.infinity | self.sign
        pattern: int = self._int.unpack(packed)[0]
        return pattern


F32 = FloatFormat("f", 32, 23)
F64 = FloatFormat("d", 64, 52)


def float_meanings(prefix: str, form: FloatFormat) -> dict[str, Meaning]:
    """All instructions that work on floats of one format: ``prefix`` is "f32" or "f64"."""
    meanings = {**_sign_bits(form), **_comparisons(form)}
    for name, unary in _UNARY.items():
        meanings[name] = _lift_unary(form, unary)
    for name, binary in _BINARY.items():
        meanings[name] = _lift_binary(form, binary)
    return {f"{prefix}.{name}": meaning for name, meaning in meanings.items()}


def _lift_unary(form: FloatFormat, operation: Callable[[float], float]) -> Meaning:
    value, pattern = form.value, form.pattern
    return lambda a: pattern(operation(value(a)))


def _lift_binary(form: FloatFormat, operation: Callable[[float, float], float]) -> Meaning:
    value, pattern = form.value, form.pattern
    return lambda a, b: pattern(operation(value(a), value(b)))


def _sign_bits(form: FloatFormat) -> dict[str, Meaning]:
    """Instructions that only touch the sign: NaN payloads pass through."""
    sign, rest = form.sign, form.sign - 1
    return {
        "abs": lambda a: a & rest,
        "neg": lambda a: a ^ sign,
        "copysign": lambda a, b: a & rest | b & sign,
    }


def _comparisons(form: FloatFormat) -> dict[str, Meaning]:
    value = form.value
    return {
        "eq": lambda a, b: int(value(a) == value(b)),
        "ne": lambda a, b: int(value(a) != value(b)),
        "lt": lambda a, b: int(value(a) < value(b)),
        "gt": lambda a, b: int(value(a) > value(b)),
        "le": lambda a, b: int(value(a) <= value(b)),
        "ge": lambda a, b: int(value(a) >= value(b)),
    }


def _divide(x: float, y: float) -> float:
    """IEEE division, which Python refuses for a zero divisor."""
    if y:
        return x / y
    if x == 0 or x != x or y != y:
        return math.nan
    return math.copysign(math.inf, x) * math.copysign(1.0, y)


def _minimum(x: float, y: float) -> float:
    if x != x or y != y:
        return math.nan
    if x == y:  # -0 is below +0
        return x if math.copysign(1.0, x) < 0 else y
    return min(x, y)


def _maximum(x: float, y: float) -> float:
    return -_minimum(-x, -y)


def _square_root(x: float) -> float:
    return math.nan if x < 0 else math.sqrt(x)


def _to_integer(rounding: Callable[[float], int]) -> Callable[[float], float]:
    """A rounding to integers that keeps infinities, NaNs and the sign of zero."""

    def operation(x: float) -> float:
        return math.copysign(float(rounding(x)), x) if math.isfinite(x) else x

    return operation


_UNARY: dict[str, Callable[[float], float]] = {
    "sqrt": _square_root,
    "ceil": _to_integer(math.ceil),
    "floor": _to_integer(math.floor),
    "trunc": _to_integer(math.trunc),
    "nearest": _to_integer(round),  # Python's round() takes ties to even, as `nearest` does
}

_BINARY: dict[str, Callable[[float, float], float]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": _divide,
    "min": _minimum,
    "max": _maximum,
}
