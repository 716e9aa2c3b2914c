"""Room for machine code of many functions: written through one mapping, run through another, never both."""

from __future__ import annotations

import ctypes
import mmap
import os

from vm.memory import reserve
from vm.native.arena import Image, stencils

_CHUNK = 1 << 18
_ALIGNMENT = 16


class Room:
    """Hands out code space; all of it goes when this object does."""

    def __init__(self) -> None:
        self._images: list[tuple[Image, mmap.mmap, int]] = []
        self._used = self._size = 0

    def reserve(self, size: int) -> int:
        """The address of so many free bytes, which the next ``write``, or ``window`` and ``keep``, fills."""
        if not self._images or self._used + size > self._size:
            self._add(max(size, _CHUNK))
        return self._images[-1][0].address + self._used

    def write(self, code: bytes | bytearray) -> None:
        """Put code where ``reserve`` said."""
        start = self._used
        self._images[-1][1][start : start + len(code)] = bytes(code)
        self.keep(len(code))

    def window(self) -> int:
        """Where what ``reserve`` said can be written."""
        return self._images[-1][2] + self._used

    def left(self) -> int:
        """How many bytes may be written there."""
        return self._size - self._used

    def keep(self, size: int) -> None:
        """So many bytes have been written."""
        self._used = -(-(self._used + size) // _ALIGNMENT) * _ALIGNMENT

    def _add(self, size: int) -> None:
        image = stencils().image(size)
        descriptor = os.memfd_create("wasm-stencils")
        try:
            os.ftruncate(descriptor, image.size)
            reserve.map_file(image.address, image.size, mmap.PROT_READ | mmap.PROT_EXEC, descriptor)
            window = mmap.mmap(descriptor, image.size)
        finally:
            os.close(descriptor)
        start = ctypes.addressof(ctypes.c_char.from_buffer(window))
        self._images.append((image, window, start))
        self._used, self._size = 0, image.size
