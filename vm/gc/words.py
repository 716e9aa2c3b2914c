"""What a reference looks like: 32 bits, zero-extended wherever there is room for 64.

    0                         null
    ....1                     an i31: the value's 31 bits, shifted left by one
    ..010                     a host handle: its index in the heap's ``Handles``, shifted left by three
    ..000                     an object: its offset in the heap's cage

The same words serve every kind of reference but those to functions, which are addresses of records that live
as long as their store, and of which the heap knows nothing. Converting between ``anyref`` and ``externref``
therefore changes no bit.
"""

from __future__ import annotations

I31_TAG = 1
HANDLE_TAG = 2
TAG_MASK = 7
HANDLE_SHIFT = 3

_I31_MASK = 0x7FFF_FFFF


def is_object(word: int) -> bool:
    """Whether ``word`` refers to an object of the heap."""
    return word != 0 and word & TAG_MASK == 0


def is_i31(word: int) -> bool:
    """Whether ``word`` is an unboxed integer."""
    return word & I31_TAG != 0


def i31(value: int) -> int:
    """The reference that holds the low 31 bits of ``value``."""
    return (value & _I31_MASK) << 1 | I31_TAG


def i31_unsigned(word: int) -> int:
    """The integer in an i31 reference, 0 to 2**31 - 1."""
    return word >> 1


def i31_signed(word: int) -> int:
    """The integer in an i31 reference, -2**30 to 2**30 - 1."""
    value = word >> 1
    return value - (1 << 31) if value >> 30 else value


def handle(index: int) -> int:
    """The reference for entry ``index`` of the handle table."""
    return index << HANDLE_SHIFT | HANDLE_TAG
