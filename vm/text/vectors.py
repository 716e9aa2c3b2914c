"""Lanes in the text format: vector constants and lane indices (spec 6.5.13)."""

from __future__ import annotations

from vm.errors import TextError
from vm.text import keywords, numbers
from vm.text.cursor import OUT_OF_RANGE, Cursor

_SHAPES = {
    "i8x16": (8, None),
    "i16x8": (16, None),
    "i32x4": (32, None),
    "i64x2": (64, None),
    "f32x4": (32, numbers.F32),
    "f64x2": (64, numbers.F64),
}
"""Bits of a lane, and its format where it is a float."""


def vector(c: Cursor) -> bytes:
    """A shape and its lanes, as 16 bytes."""
    shape = c.words[c.at]
    if shape not in _SHAPES:
        raise c.unexpected("a shape such as i32x4")
    c.at += 1
    bits, form = _SHAPES[shape]
    _count(c, 128 // bits, "wrong number of lane literals")
    return b"".join(_constant(c, bits, form) for _ in range(128 // bits))


def _count(c: Cursor, wanted: int, message: str) -> None:
    """Refuse another number of numbers than ``wanted``, before looking at any of them."""
    end = c.at
    while numbers.is_number(c.words[end]):
        end += 1
    stop = c.words[end].strip("()")
    if stop and end - c.at < wanted and not keywords.known(stop):
        raise c.unexpected("a number", end)
    if end - c.at != wanted:
        raise c.fail(message, detail=f"{end - c.at}, {wanted} were expected")


def _constant(c: Cursor, bits: int, form: numbers.Format | None) -> bytes:
    word = c.words[c.at]
    try:
        value = numbers.integer(word, bits) if form is None else numbers.float_bits(word, form)
    except OverflowError:
        raise c.fail(OUT_OF_RANGE, detail=f"a lane of {bits} bits was expected") from None
    if value is None:
        raise c.unexpected("an integer")
    c.at += 1
    return (value % (1 << bits)).to_bytes(bits // 8, "little")


def lane(c: Cursor) -> bytes:
    """A lane index, as a byte."""
    return bytes([_index(c, c.unexpected("a lane index"))])


def shuffle(c: Cursor) -> bytes:
    """The 16 lane indices of a shuffle."""
    _count(c, 16, "invalid lane length")
    return bytes(_index(c, c.fail(_NO_LANE, detail=c.words[c.at])) for _ in range(16))


_NO_LANE = "i8 constant out of range"


def _index(c: Cursor, otherwise: TextError) -> int:
    """A lane index; ``otherwise`` is the error for a word that is no unsigned number."""
    try:
        value = numbers.natural(c.words[c.at], 8)
    except OverflowError:
        raise c.fail(_NO_LANE, detail=c.words[c.at]) from None
    if value is None:
        raise otherwise
    c.at += 1
    return value
