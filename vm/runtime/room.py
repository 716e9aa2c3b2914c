"""A thread with room for what recurses deep, and where no signal's handler raises: where LLVM can work."""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from vm.runtime import stack

_ROOM = 4 << 20
"""Threads with a smaller stack than this leave work that recurses deep to one with a bigger."""

_ROOMY = 16 << 20
"""Bytes of stack of such a thread."""

_T = TypeVar("_T")


def with_room(function: Callable[[], _T]) -> _T:
    """Call ``function`` where LLVM can work: where there is stack enough, and no signal's handler raises.

    Handlers run in the main thread, between any two instructions, hence also between LLVM's freeing an object
    and llvmlite's noting that it did. So from the main thread this goes to a thread of its own; what is
    raised meanwhile leaves at once, and the work ends alone, with nobody to take its result. ``threading``
    cannot start that thread: a handler that raises within its ``start`` leaves its locks in disorder.
    """
    if stack.size() >= _ROOM and threading.get_ident() != threading.main_thread().ident:
        return function()
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
