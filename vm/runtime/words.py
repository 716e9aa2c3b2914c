"""How values lie in an array of 64-bit words, where native code and Python hand them over.

One word each, lowest bits first; a v128 takes two, the low half first. All who pack or unpack ask here.
"""

from __future__ import annotations

import ctypes

from vm.isa.types import ValType, ValueType
from vm.typed import Iterable, Sequence

WORD_MASK = (1 << 64) - 1


def width(type: ValueType) -> int:
    """How many words a value of ``type`` takes."""
    return 2 if type is ValType.V128 else 1


def offsets(types: Sequence[ValueType]) -> list[int]:
    """The number of each value's first word, then the number of words in all."""
    found = [0]
    for type in types:
        found.append(found[-1] + width(type))
    return found


def to_words(types: Sequence[ValueType], values: Iterable[int]) -> list[int]:
    """Bit patterns as words."""
    words = []
    for type, value in zip(types, values, strict=True):
        words.append(value & WORD_MASK)
        if type is ValType.V128:
            words.append(value >> 64)
    return words


def from_words(types: Sequence[ValueType], words: Sequence[int]) -> list[int]:
    """Words as bit patterns; there may be more words than the types take."""
    starts = offsets(types)
    return [
        words[at] | (words[at + 1] << 64 if type is ValType.V128 else 0)
        for type, at in zip(types, starts, strict=False)
    ]


def store_words(types: Sequence[ValueType], values: Sequence[int], address: int) -> None:
    """Put bit patterns into native memory."""
    words = to_words(types, values)
    (ctypes.c_uint64 * len(words)).from_address(address)[:] = words  # type: ignore[assignment]  # takes ints
