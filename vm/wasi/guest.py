"""Checked access to the calling program's memory: a pointer outside of it fails with EFAULT."""

from __future__ import annotations

import struct

from vm.wasi.abi import MAX_IOVECS, MAX_PATH, Errno, WasiError

_IOVEC = struct.Struct("<II")


class Guest:
    """The program's linear memory for the length of one call. Offsets and sizes are in bytes."""

    __slots__ = ("memory",)

    def __init__(self, memory: memoryview) -> None:
        self.memory = memory

    def span(self, at: int, size: int) -> memoryview:
        """The bytes ``at:at+size``, writable and not copied."""
        if at + size > len(self.memory):
            raise WasiError(Errno.FAULT)
        return self.memory[at : at + size]

    def write(self, at: int, data: bytes) -> None:
        """Store ``data`` at ``at``, all of it or nothing."""
        self.span(at, len(data))[:] = data

    def write_u16(self, at: int, value: int) -> None:
        """Store a little-endian 16-bit number."""
        self.write(at, value.to_bytes(2, "little"))

    def write_u32(self, at: int, value: int) -> None:
        """Store a little-endian 32-bit number."""
        self.write(at, value.to_bytes(4, "little"))

    def write_u64(self, at: int, value: int) -> None:
        """Store a little-endian 64-bit number."""
        self.write(at, value.to_bytes(8, "little"))

    def iovecs(self, at: int, count: int) -> list[memoryview]:
        """The buffers of a scatter/gather list (``iovec`` and ``ciovec`` have one layout)."""
        if count > MAX_IOVECS:
            raise WasiError(Errno.INVAL)
        table = self.span(at, count * _IOVEC.size)
        return [self.span(pointer, size) for pointer, size in _IOVEC.iter_unpack(table)]

    def path(self, at: int, size: int) -> bytes:
        """A path argument: UTF-8 without NUL, of a bounded length."""
        if size > MAX_PATH:
            raise WasiError(Errno.NAMETOOLONG)
        raw = bytes(self.span(at, size))
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            raise WasiError(Errno.ILSEQ) from None
        if b"\0" in raw:
            raise WasiError(Errno.INVAL)
        return raw
