"""Where the calling thread's native stack ends, so that compiled code can stop before it."""

from __future__ import annotations

import ctypes

from vm.primitives import local

_libc = ctypes.CDLL(None)
_libc.pthread_self.restype = ctypes.c_void_p
_libc.pthread_getattr_np.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
_libc.pthread_attr_getstack.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_libc.pthread_attr_destroy.argtypes = [ctypes.c_void_p]

_ATTR_SIZE = 64
"""At least sizeof(pthread_attr_t): 56 on Linux x86-64, 64 on aarch64."""

_MARGIN = 1 << 20
"""Bytes kept free at the end: for the Python code of a host function that is called near it, and for the
frame of a function that has just found that there is no room for it (``vm.module.limits`` bounds frames)."""

_known = local()


def floor() -> int:
    """The lowest address that code on this thread may use as stack. Asks the system once per thread."""
    low, whole = _extent()
    return low + min(_MARGIN, whole // 2)


def size() -> int:
    """Bytes of this thread's stack."""
    return _extent()[1]


def _extent() -> tuple[int, int]:
    """The stack's lowest address, and its size."""
    known: tuple[int, int] | None = getattr(_known, "extent", None)
    if known is None:
        known = _known.extent = _ask()
    return known


def _ask() -> tuple[int, int]:
    attr = (ctypes.c_char * _ATTR_SIZE)()
    low, size = ctypes.c_size_t(), ctypes.c_size_t()
    if _libc.pthread_getattr_np(_libc.pthread_self(), attr) != 0:
        raise OSError("the C library does not say where this thread's stack lies")
    _libc.pthread_attr_getstack(attr, ctypes.byref(low), ctypes.byref(size))
    _libc.pthread_attr_destroy(attr)
    return low.value, size.value
