"""LEB128 integers, read as strictly as the specification asks (5.2.2).

A number of N bits takes at most ceil(N / 7) bytes, and bits of the last byte beyond N must repeat the
sign (signed) or be zero (unsigned). Reading past the end of ``data`` raises ``DecodeError`` too.
"""

from __future__ import annotations

from vm.errors import DecodeError

TOO_LONG = "integer representation too long"
TOO_LARGE = "integer too large"
UNEXPECTED_END = "unexpected end"


def unsigned(data: bytes, at: int, bits: int = 32) -> tuple[int, int]:
    """The unsigned ``bits``-bit number at ``at``, and the offset behind it."""
    start = at
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            if byte < 0x80:
                break
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift >= bits:
                raise DecodeError(TOO_LONG, start, f"more than {(bits + 6) // 7} bytes for a u{bits}")
    except IndexError:
        raise DecodeError(UNEXPECTED_END, at, f"inside an integer that starts at {start:#x}") from None
    value |= byte << shift
    if value >> bits:
        raise DecodeError(TOO_LARGE, start, f"{value} does not fit a u{bits}")
    return value, at


def signed(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """The signed ``bits``-bit number at ``at``, and the offset behind it."""
    start = at
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                raise DecodeError(TOO_LONG, start, f"more than {(bits + 6) // 7} bytes for an s{bits}")
    except IndexError:
        raise DecodeError(UNEXPECTED_END, at, f"inside an integer that starts at {start:#x}") from None
    if byte & 0x40:
        value -= 1 << shift
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise DecodeError(TOO_LARGE, start, f"{value} does not fit an s{bits}")
    return value, at


def encode_unsigned(value: int) -> bytes:
    """The shortest encoding of ``value`` >= 0."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_signed(value: int) -> bytes:
    """The shortest encoding of ``value``."""
    out = bytearray()
    while not -0x40 <= value < 0x40:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)
