"""Calling WASI functions the way a program does: numbers in, errno out, everything else through memory."""

from __future__ import annotations

import struct

from vm.wasi import WasiConfig, WasiContext, functions
from vm.wasi.abi import Errno, Rights

PAGE = 65_536


class Program:
    """A program of one memory page that makes one call after another."""

    def __init__(self, config: WasiConfig | None = None) -> None:
        self.context = WasiContext(config)
        self.memory = bytearray(PAGE)
        self._functions = functions(self.context)

    def call(self, name: str, *arguments: int) -> Errno:
        """The errno of a call, whose arguments must be as many as the type says."""
        kind, function = self._functions[name]
        assert len(arguments) == len(kind.params)
        return Errno(function(memoryview(self.memory), *arguments))

    def u32(self, at: int) -> int:
        return struct.unpack_from("<I", self.memory, at)[0]

    def u64(self, at: int) -> int:
        return struct.unpack_from("<Q", self.memory, at)[0]

    def put(self, at: int, data: bytes) -> int:
        self.memory[at : at + len(data)] = data
        return len(data)

    def open(
        self, path: bytes, *, fd: int = 3, follow: bool = True, oflags: int = 0, rights: int = Rights.FD_READ
    ) -> tuple[Errno, int]:
        """path_open: (errno, the new descriptor)."""
        size = self.put(1024, path)
        errno = self.call("path_open", fd, int(follow), 1024, size, oflags, rights, 0, 0, 0)
        return errno, self.u32(0)

    def read(self, fd: int, size: int = 1000) -> bytes:
        """fd_read through one buffer at 8192."""
        self.put(16, struct.pack("<II", 8192, size))
        assert self.call("fd_read", fd, 16, 1, 8) is Errno.SUCCESS
        return bytes(self.memory[8192 : 8192 + self.u32(8)])

    def stat(self, path: bytes, *, follow: bool = True) -> Errno:
        """path_filestat_get into 2048."""
        return self.call("path_filestat_get", 3, int(follow), 1024, self.put(1024, path), 2048)
