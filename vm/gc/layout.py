"""How objects lie in memory.

    struct   0  type number (24 bits), mark (8 bits)     4  fields, each aligned to its width, 8 at most
    array    0  type number (24 bits), mark (8 bits)     4  length     8  elements

A reference to another object takes 4 bytes: an offset in the same cage.
"""

from __future__ import annotations

from vm.records import Record
from vm.typed import Sequence

TYPE_MASK = 0xFF_FFFF
MARK = 3
"""Offset of the mark byte."""

LENGTH = 4
"""Offset of an array's length."""

FIELDS = 4
"""Offset of a struct's first byte behind the header."""

ELEMENTS = 8
"""Offset of an array's first element."""

ALIGNMENT = 8
REFERENCE_WIDTH = 4


class Slot(Record, frozen=True):
    """What one field or element holds: ``width`` bytes (1, 2, 4, 8 or 16), or a reference that is traced."""

    width: int
    traced: bool = False

    def __post_init__(self) -> None:
        if self.width not in (1, 2, 4, 8, 16) or (self.traced and self.width != REFERENCE_WIDTH):
            raise ValueError(f"no slot of {self.width} bytes{' can be traced' if self.traced else ''}")


REFERENCE = Slot(REFERENCE_WIDTH, traced=True)
"""What holds a reference to an object, a handle or an i31."""


class StructLayout(Record, frozen=True):
    """``offsets`` of the fields from the object's start, ``traced`` those of them to follow, whole size."""

    offsets: tuple[int, ...]
    traced: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, slots: Sequence[Slot]) -> StructLayout:
        """Fields in order, so that a subtype's layout starts with its supertype's."""
        at, offsets = FIELDS, []
        for slot in slots:
            step = min(slot.width, ALIGNMENT)
            at = -(-at // step) * step
            offsets.append(at)
            at += slot.width
        traced = tuple(offset for offset, slot in zip(offsets, slots, strict=True) if slot.traced)
        return cls(tuple(offsets), traced, aligned(at))


class ArrayLayout(Record, frozen=True):
    """``shift`` is the logarithm of an element's width; ``traced`` says whether elements are followed."""

    shift: int
    traced: bool

    @classmethod
    def of(cls, slot: Slot) -> ArrayLayout:
        """An array of such slots."""
        return cls(slot.width.bit_length() - 1, slot.traced)

    def size(self, length: int) -> int:
        """Bytes of an array of ``length`` elements."""
        return aligned(ELEMENTS + (length << self.shift))


Layout = StructLayout | ArrayLayout


def aligned(size: int) -> int:
    """``size`` rounded up to the alignment of objects."""
    return -(-size // ALIGNMENT) * ALIGNMENT
