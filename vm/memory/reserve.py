"""Address space from the system: reserved whole, made usable piece by piece, given back at the end."""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref

from vm.errors import VMError

_PROT_NONE = 0
_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)  # named since Python 3.13; the number is Linux's
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Reservation:
    """``size`` bytes of address space at ``address``, inaccessible until committed.

    It is given back when the last reference goes; every view into it must therefore keep a reference.
    """

    def __init__(self, size: int) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        address = _libc.mmap(None, size, _PROT_NONE, flags, -1, 0)
        if address is None or address == _FAILED:
            raise VMError(
                f"cannot reserve {size >> 20} MiB of address space ({os.strerror(ctypes.get_errno())}): "
                "raise the limit (ulimit -v), set memory_guard to checked, or lower max_memory_pages"
            )
        self.address: int = address
        self.size = size
        self.release = weakref.finalize(self, _libc.munmap, address, size)
        self.release.atexit = (
            False  # compiled code may still run in other threads at exit; the system cleans up
        )

    def commit(self, start: int, end: int) -> bool:
        """Make bytes ``start:end`` (page aligned) readable and writable; False: the system has no room."""
        if start == end:
            return True
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        return bool(_libc.mprotect(self.address + start, end - start, protection) == 0)


_DISCARD = getattr(mmap, "MADV_DONTNEED", 4)
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def discard(address: int, size: int) -> None:
    """Give the memory of whole pages back to the system; their content is zero from now on."""
    start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (address + size) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > start:
        _libc.madvise(start, end - start, _DISCARD)


def map_file(address: int, size: int, protection: int, descriptor: int) -> None:
    """Map ``size`` bytes of a file at ``address``, which must lie inside a reservation."""
    _replace(address, size, protection, mmap.MAP_SHARED, descriptor)


def unmap_inside(address: int, size: int) -> None:
    """Make ``size`` bytes at ``address`` inaccessible again, without giving the address space back."""
    _replace(address, size, _PROT_NONE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE, -1)


_MAP_FIXED = 0x10  # not in the module; the same on Linux and macOS


def _replace(address: int, size: int, protection: int, flags: int, descriptor: int) -> None:
    found = _libc.mmap(address, size, protection, flags | _MAP_FIXED, descriptor, 0)
    if found != address:
        raise VMError(f"cannot map {size} bytes: {os.strerror(ctypes.get_errno())}")
