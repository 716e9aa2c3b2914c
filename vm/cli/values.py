"""WebAssembly values as text, for ``wasmvm run --invoke``."""

from __future__ import annotations

import struct

from vm.cli.errors import InputError

_BITS = {"i32": 32, "i64": 64, "v128": 128}


def parse(kind: str, text: str, place: int) -> int | float:
    """The argument ``text`` as a value of type ``kind``; ``place`` counts from 1, for the message.

    Integers may be decimal, hexadecimal (0x), signed or unsigned; floats are Python's, with inf and nan. A
    vector is one integer of 128 bits, lane 0 in the lowest.
    """
    try:
        if kind in _BITS:
            return _integer(kind, int(text, 0))
        if kind in ("f32", "f64"):
            return float(text)
    except ValueError:
        raise InputError(f"argument {place}: expected {kind}, got {text!r}") from None
    raise InputError(f"argument {place}: a value of type {kind} cannot be given on the command line")


def _integer(kind: str, value: int) -> int:
    bits = _BITS[kind]
    if not -(1 << bits - 1) <= value < 1 << bits:
        raise ValueError
    if kind == "v128":
        return value % (1 << bits)
    return value - (1 << bits) if value >= 1 << bits - 1 else value


def render(kind: str, value: object) -> str:
    """A result as text: the shortest that reads back as the same value."""
    if kind == "f32" and isinstance(value, float):
        return _shortest_f32(value)
    if kind == "v128" and isinstance(value, int):
        return f"{value:#034x}"
    return repr(value) if isinstance(value, (int, float)) else f"<{kind}>"


def _shortest_f32(value: float) -> str:
    packed = struct.pack("<f", value)
    for digits in range(1, 10):
        text = repr(float(f"{value:.{digits}g}"))
        try:
            if struct.pack("<f", float(text)) == packed:
                return text
        except OverflowError:  # rounded up past the largest f32
            continue
    return repr(value)
