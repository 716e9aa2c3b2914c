"""Plain native memory for the engine's own records: allocation, and 64-bit reads and writes by address."""

from __future__ import annotations

import ctypes
import mmap
import struct

from vm.typed import Sequence

WORD = 8
"""Bytes in the machine word that every record is made of."""

_LARGE = 1 << 20
"""From this size on, a block's pages come from the system, which gives each only when it is first touched."""


class Block:
    """Zeroed native memory of a fixed place, as long as this object lives.

    ``address`` is aligned to 16 bytes; ``words`` shows it as unsigned 64-bit integers.
    """

    __slots__ = ("_buffer", "address", "words")

    def __init__(self, size: int) -> None:
        chars = ctypes.c_char * (size + 16)
        self._buffer = chars() if size < _LARGE else chars.from_buffer(mmap.mmap(-1, size + 16))
        raw = ctypes.addressof(self._buffer)
        self.address = (raw + 15) & ~15
        start = self.address - raw
        whole = memoryview(self._buffer).cast("B")
        self.words = whole[start : start + size // WORD * WORD].cast("Q")


class Heap:
    """Small records that live as long as their store: a bump allocator over blocks."""

    _CHUNK = 1 << 14

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._next = 0
        self._end = 0

    def allocate(self, size: int) -> int:
        """The address of ``size`` zeroed bytes, aligned to 16."""
        size = (size + 15) & ~15
        if self._next + size > self._end:
            block = Block(max(size, self._CHUNK))
            self._blocks.append(block)
            self._next, self._end = block.address, block.address + max(size, self._CHUNK)
        address = self._next
        self._next += size
        return address


def packed(words: Sequence[int]) -> memoryview:
    """Words as native memory has them, to be put there at once (``array``, which could be, brings
    ``collections``).
    """
    return memoryview(struct.pack(f"{len(words)}Q", *words)).cast("Q")


def peek(address: int) -> int:
    """The unsigned 64-bit word at ``address``."""
    return ctypes.c_uint64.from_address(address).value


def poke(address: int, value: int) -> None:
    """Write the unsigned 64-bit word at ``address``."""
    ctypes.c_uint64.from_address(address).value = value
