"""Room for machine code of many functions: written through one mapping, run through another, never both."""

from __future__ import annotations

import mmap
import os

from vm.memory import reserve
from vm.native.arena import Image, stencils

_CHUNK = 1 << 18
_ALIGNMENT = 16


class Room:
    """Hands out code space; all of it goes when this object does."""

    def __init__(self) -> None:
        self._images: list[tuple[Image, mmap.mmap]] = []
        self._used = self._size = 0

    def reserve(self, size: int) -> int:
        """The address of so many free bytes, which the next ``write`` fills."""
        if self._used + size > self._size:
            self._add(max(size, _CHUNK))
        return self._images[-1][0].address + self._used

    def write(self, code: bytes | bytearray) -> None:
        """Put code where ``reserve`` said."""
        start = self._used
        self._images[-1][1][start : start + len(code)] = bytes(code)
        self._used = -(-(start + len(code)) // _ALIGNMENT) * _ALIGNMENT

    def _add(self, size: int) -> None:
        image = stencils().image(size)
        descriptor = os.memfd_create("wasm-stencils")
        try:
            os.ftruncate(descriptor, image.size)
            reserve.map_file(image.address, image.size, mmap.PROT_READ | mmap.PROT_EXEC, descriptor)
            window = mmap.mmap(descriptor, image.size)
        finally:
            os.close(descriptor)
        self._images.append((image, window))
        self._used, self._size = 0, image.size
