"""Where the calling thread's native stack ends, so that compiled code can stop before it."""

from __future__ import annotations

import _thread
import atexit
import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator

from vm.typed import TypeVar

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

_ROOM = 4 << 20
"""Threads with a smaller stack than this leave work that recurses deep to one with a bigger."""

_ROOMY = 16 << 20
"""Bytes of stack of such a thread."""

_known = threading.local()
_T = TypeVar("_T")


def with_room(function: Callable[[], _T]) -> _T:
    """Call ``function`` where LLVM can work: where there is stack enough, and no signal's handler raises.

    Handlers run in the main thread, between any two instructions, hence also between LLVM's freeing an object
    and llvmlite's noting that it did. So from the main thread this goes to a thread of its own; what is
    raised meanwhile leaves at once, and the work ends alone, with nobody to take its result. ``threading``
    cannot start that thread: a handler that raises within its ``start`` leaves its locks in disorder.
    """
    if size() >= _ROOM and threading.get_ident() != threading.main_thread().ident:
        return function()
    import queue  # for what starts LLVM: others do without

    outcomes: queue.SimpleQueue[tuple[list[_T], BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        with _lock_while_working():
            try:
                outcome: tuple[list[_T], BaseException | None] = [function()], None
            except BaseException as error:
                outcome = [], error
        outcomes.put(outcome)

    before = threading.stack_size(_ROOMY)
    try:
        _thread.start_new_thread(run, ())
    finally:
        threading.stack_size(before)
    results, failure = outcomes.get()
    if failure is not None:
        raise failure
    return results[0]


_working: set[_thread.LockType] = set()
"""One lock, held, for each thread that works in ``with_room``."""


@contextlib.contextmanager
def _lock_while_working() -> Iterator[None]:
    with (lock := _thread.allocate_lock()):
        _working.add(lock)
        yield
        _working.discard(lock)


@atexit.register
def _await() -> None:
    """Let what works alone come to its end: LLVM is taken down with the process."""
    for lock in tuple(_working):
        lock.acquire()


os.register_at_fork(after_in_child=_working.clear)


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
