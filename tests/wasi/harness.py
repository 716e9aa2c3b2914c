"""Calling WASI functions the way a program does: numbers in, errno out, everything else through memory."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from vm.wasi import WasiConfig, WasiContext, functions
from vm.wasi.abi import Errno, Rights
from vm.wasi.rights import INHERITED

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
        self,
        path: bytes,
        *,
        fd: int = 3,
        follow: bool = True,
        oflags: int = 0,
        rights: int = Rights.FD_READ,
        inheriting: int = INHERITED,
        fdflags: int = 0,
    ) -> tuple[Errno, int]:
        """path_open: (errno, the new descriptor)."""
        size = self.put(1024, path)
        errno = self.call("path_open", fd, int(follow), 1024, size, oflags, rights, inheriting, fdflags, 0)
        return errno, self.u32(0)

    def read(self, fd: int, size: int = 1000) -> bytes:
        """fd_read through one buffer at 8192."""
        self.put(16, struct.pack("<II", 8192, size))
        assert self.call("fd_read", fd, 16, 1, 8) is Errno.SUCCESS
        return bytes(self.memory[8192 : 8192 + self.u32(8)])

    def write(self, fd: int, data: bytes) -> Errno:
        """fd_write of ``data`` from 8192, all of which must be taken if any is."""
        self.put(16, struct.pack("<II", 8192, self.put(8192, data)))
        errno = self.call("fd_write", fd, 16, 1, 8)
        assert errno is not Errno.SUCCESS or self.u32(8) == len(data)
        return errno

    def with_path(self, name: str, path: bytes, *before: int, after: Sequence[int] = ()) -> Errno:
        """A call whose arguments are ``before``, the address and length of ``path``, ``after``."""
        return self.call(name, *before, 1024, self.put(1024, path), *after)

    def with_paths(self, name: str, one: bytes, two: bytes, *, lookup: Sequence[int] = ()) -> Errno:
        """path_link, path_rename: both paths below descriptor 3."""
        first = self.put(1024, one)
        return self.call(name, 3, *lookup, 1024, first, 3, 5200, self.put(5200, two))

    def stat(self, path: bytes, *, follow: bool = True) -> Errno:
        """path_filestat_get into 2048."""
        return self.call("path_filestat_get", 3, int(follow), 1024, self.put(1024, path), 2048)
