"""Executable memory: two regions of address space for the process's compiled code, bodies and glue.

An image is written through one mapping and run through another, so no page is ever writable and executable at
once. All bodies lie in one region, so that "is this address compiled WebAssembly" is one range test.
"""

from __future__ import annotations

import gc
import mmap
import os
import weakref

from vm.errors import VMError
from vm.memory import reserve
from vm.once import once
from vm.primitives import Lock, deque

SPAN = 1 << 30
"""Bytes of address space for code; calls inside an image reach it all with 32-bit displacements."""


STENCIL_SPAN = SPAN // 4
"""Those for code that is copied from stencils."""


class Image:
    """Room for ``size`` bytes of code at ``address``, given back when this object goes."""

    def __init__(self, address: int, size: int) -> None:
        self.address = address
        self.size = size

    def write(self, code: bytes) -> None:
        """Put ``code`` in place and make it executable."""
        descriptor = os.memfd_create("wasm-code")
        try:
            os.ftruncate(descriptor, self.size)
            os.pwrite(descriptor, code, 0)
            reserve.map_file(self.address, self.size, mmap.PROT_READ | mmap.PROT_EXEC, descriptor)
        finally:
            os.close(descriptor)


class Arena:
    """Hands out images from one reservation, or from a part of another arena, first fit."""

    def __init__(self, whole: Arena | None = None, span: int = SPAN) -> None:
        self._reservation = reserve.Reservation(span) if whole is None else whole.image(span)
        self.start = self._reservation.address
        self.end = self.start + span
        self._free: list[tuple[int, int]] = [(self.start, span)]
        self._returned: deque[tuple[int, int]] = deque()
        self._lock = Lock()

    def image(self, size: int) -> Image:
        """A fresh image of at least ``size`` bytes; ``VMError`` when the region is full."""
        size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        address = self._take(size)
        if address is None:  # modules that nobody has wait for the cycle collector, which counts objects only
            gc.collect()
            address = self._take(size)
        if address is None:
            span = self.end - self.start
            raise VMError(f"no room for {size} more bytes of compiled code: {span >> 20} MiB are in use")
        image = Image(address, size)
        weakref.finalize(image, self._release, address, size).atexit = False
        return image

    def _take(self, size: int) -> int | None:
        """The address of ``size`` bytes that were free, if there are."""
        with self._lock:
            self._take_back()
            for i, (address, room) in enumerate(self._free):
                if room >= size:
                    self._free[i : i + 1] = [(address + size, room - size)] if room > size else []
                    return address
        return None

    def _release(self, address: int, size: int) -> None:
        """Python may run this anywhere, in ``image`` too: it takes no lock."""
        reserve.unmap_inside(address, size)
        self._returned.append((address, size))

    def _take_back(self) -> None:
        """Put what was returned among what is free, joining neighbours."""
        ranges = list(self._free)
        while self._returned:
            ranges.append(self._returned.popleft())
        merged: list[tuple[int, int]] = []
        for address, size in sorted(ranges):
            if merged and sum(merged[-1]) == address:
                merged[-1] = (merged[-1][0], merged[-1][1] + size)
            else:
                merged.append((address, size))
        self._free = merged


@once
def bodies() -> Arena:
    """Where function bodies lie, and nothing else: a signal handler may stop them anywhere."""
    return Arena()


@once
def stencils() -> Arena:
    """The part of ``bodies`` where code lies that is copied from stencils (``vm.tiers.baseline``)."""
    return Arena(bodies(), STENCIL_SPAN)


@once
def glue() -> Arena:
    """Where the code around them lies."""
    return Arena()
