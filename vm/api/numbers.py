"""Numbers between Python and bit patterns: signed ints, floats; a v128 is one unsigned int, lane 0 lowest."""

from __future__ import annotations

import struct

from vm.isa.types import ValType, ValueType
from vm.typed import Any, Callable

ToBits = Callable[[Any], int]
FromBits = Callable[[int], Any]

_F32, _I32, _F64, _I64 = (struct.Struct(letter) for letter in ("<f", "<I", "<d", "<Q"))


def _i32_to_bits(value: Any) -> int:
    return _integer(value) & 0xFFFF_FFFF


def _i64_to_bits(value: Any) -> int:
    return _integer(value) & 0xFFFF_FFFF_FFFF_FFFF


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("an int")
    return value


def _float(value: Any) -> float:
    if not isinstance(value, float):
        raise TypeError("a float")
    return value


def _f32_to_bits(value: Any) -> int:
    number = _float(value)
    try:
        packed = _F32.pack(number)
    except OverflowError:  # rounds to infinity, as the conversion of a C compiler does
        packed = _F32.pack(float("inf") if number > 0 else float("-inf"))
    bits: int = _I32.unpack(packed)[0]
    return bits


def _f64_to_bits(value: Any) -> int:
    bits: int = _I64.unpack(_F64.pack(_float(value)))[0]
    return bits


def _i32_from_bits(bits: int) -> int:
    return bits - 0x1_0000_0000 if bits & 0x8000_0000 else bits


def _i64_from_bits(bits: int) -> int:
    return bits - (1 << 64) if bits >> 63 else bits


def _f32_from_bits(bits: int) -> float:
    value: float = _F32.unpack(_I32.pack(bits))[0]
    return value


def _f64_from_bits(bits: int) -> float:
    value: float = _F64.unpack(_I64.pack(bits))[0]
    return value


def _v128_to_bits(value: Any) -> int:
    """No bits fall off, as they do of an i32: a number out of range is a mistake."""
    bits = _integer(value)
    if bits >> 128:
        raise TypeError("an unsigned int of 128 bits")
    return bits


def _v128_from_bits(bits: int) -> int:
    return bits


class TypedValue:
    """A value that says its own type (``vm.api.val.Val``)."""

    def given_as(self, type: ValueType) -> object:
        """The plain value, for a place of ``type``; TypeError when it is of another."""
        raise NotImplementedError


NUMBERS: dict[ValueType, tuple[ToBits, FromBits]] = {
    ValType.I32: (_i32_to_bits, _i32_from_bits),
    ValType.I64: (_i64_to_bits, _i64_from_bits),
    ValType.F32: (_f32_to_bits, _f32_from_bits),
    ValType.F64: (_f64_to_bits, _f64_from_bits),
    ValType.V128: (_v128_to_bits, _v128_from_bits),
}
"""How each type of number goes in, and how it comes out."""
