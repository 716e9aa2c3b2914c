"""Number literals (spec 6.3): integers with their ranges, floats rounded correctly to either format.

Every function takes the literal and gives None when it is no number of that kind; a number that does not
fit raises OverflowError.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = r"[0-9](?:_?[0-9])*+"
_HEX_DIGITS = r"[0-9A-Fa-f](?:_?[0-9A-Fa-f])*+"
_NATURAL = re.compile(rf"0x{_HEX_DIGITS}|{_DIGITS}")
_DECIMAL = re.compile(rf"{_DIGITS}(?:\.(?:{_DIGITS})?)?(?:[eE][+-]?{_DIGITS})?")
_HEXADECIMAL = re.compile(rf"0x({_HEX_DIGITS})(?:\.({_HEX_DIGITS})?)?(?:[pP]([+-]?)({_DIGITS}))?")
_PAYLOAD = re.compile(rf"nan:0x({_HEX_DIGITS})")

_LONG = 40
"""Decimal digits that fit no integer here; Python refuses to convert thousands."""

_FAR = 10**18
"""A binary exponent beyond all that a text could make up for with digits."""


@dataclass(frozen=True, slots=True)
class Format:
    """An IEEE 754 binary format: bits of the whole, bits of the fraction, the exponent's bias."""

    width: int
    fraction: int
    bias: int

    @property
    def infinity(self) -> int:
        """Its bit pattern."""
        return (2 * self.bias + 1) << self.fraction


F32 = Format(32, 23, 127)
F64 = Format(64, 52, 1023)


def natural(text: str, bits: int) -> int | None:
    """An unsigned integer without a sign: sizes and indices."""
    match = _NATURAL.fullmatch(text)
    if match is None:
        return None
    value = _magnitude(text)
    if value >> bits:
        raise OverflowError
    return value


def integer(text: str, bits: int) -> int | None:
    """A constant, signed: what lies above the largest signed number is meant as unsigned."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if _NATURAL.fullmatch(digits) is None:
        return None
    value = -_magnitude(digits) if text[0] == "-" else _magnitude(digits)
    half = 1 << bits - 1
    if not -half <= value < 2 * half:
        raise OverflowError
    return value - 2 * half if value >= half else value


def float_bits(text: str, form: Format) -> int | None:
    """The bit pattern of a float constant, rounded to nearest, ties to even."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    magnitude = _float_magnitude(digits, form)
    if magnitude is None:
        return None
    return magnitude | 1 << form.width - 1 if text[0] == "-" else magnitude


def is_number(text: str) -> bool:
    """Whether the format knows it as a number, of whatever kind."""
    try:
        return float_bits(text, F64) is not None
    except OverflowError:
        return True


def _magnitude(digits: str) -> int:
    digits = digits.replace("_", "")
    if digits.startswith("0x"):
        return int(digits, 16)
    if len(digits) > _LONG and len(digits := digits.lstrip("0") or "0") > _LONG:
        raise OverflowError
    return int(digits)


def _float_magnitude(text: str, form: Format) -> int | None:
    if text == "inf":
        return form.infinity
    if text == "nan":
        return form.infinity | 1 << form.fraction - 1
    if match := _PAYLOAD.fullmatch(text):
        payload = int(match[1].replace("_", ""), 16)
        if not 0 < payload < 1 << form.fraction:
            raise OverflowError
        return form.infinity | payload
    if match := _HEXADECIMAL.fullmatch(text):
        return _hexadecimal(match, form)
    if _DECIMAL.fullmatch(text):
        return _decimal(text.replace("_", ""), form)
    return None


def _decimal(text: str, form: Format) -> int:
    """Python's float() rounds correctly to 64 bits; the way on to 32 must not round a second time."""
    value = float(text)
    if math.isinf(value):
        raise OverflowError
    if form is F64:
        return int.from_bytes(struct.pack("<d", value), "little")
    bits = int.from_bytes(struct.pack("<d", value), "little")
    if not bits & 0xFFF_FFFF:  # it may lie half-way between two f32: which side does the literal lie on?
        side = Decimal(text).compare(Decimal(value)) if value else 0
        value = math.nextafter(value, math.inf if side > 0 else 0.0) if side else value
    return int.from_bytes(struct.pack("<f", value), "little")


def _hexadecimal(match: re.Match[str], form: Format) -> int:
    whole, fraction, sign, exponent = match.groups(default="")
    fraction = fraction.replace("_", "")
    digits = int(whole.replace("_", "") + fraction, 16)
    power = exponent.replace("_", "").lstrip("0") or "0"
    scale = int(power) if len(power) < 18 else _FAR
    return _round(digits, (-scale if sign == "-" else scale) - 4 * len(fraction), form)


def _round(digits: int, scale: int, form: Format) -> int:
    """``digits * 2 ** scale`` as a bit pattern."""
    if digits == 0:
        return 0
    exponent = digits.bit_length() + scale - 1
    if exponent > form.bias:
        raise OverflowError
    if exponent < -form.bias - form.fraction - 1:
        return 0
    exponent = max(exponent, 1 - form.bias)
    shift = exponent - form.fraction - scale  # bits of ``digits`` that do not fit
    if shift <= 0:
        digits <<= -shift
    else:
        rest, half = digits & (1 << shift) - 1, 1 << shift - 1
        digits >>= shift
        digits += rest > half or (rest == half and digits & 1)
    # a subnormal has no implicit bit and exponent field 0; a carry runs into the exponent by itself
    bits = digits + ((exponent + form.bias - 1) << form.fraction)
    if bits >= form.infinity:
        raise OverflowError
    return bits
