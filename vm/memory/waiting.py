"""Threads that wait for an address of a shared memory: ``memory.atomic.wait``, ``notify`` (threads proposal).

A waiting thread sleeps outside the interpreter's lock, so that others run meanwhile.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque

from vm.typed import Any, Callable

WOKEN, NOT_EQUAL, TIMED_OUT = 0, 1, 2
"""What ``memory.atomic.wait`` gives."""


Look = Callable[[], None]

_SLICE = 0.02
"""Seconds between two looks at a deadline, as in WASI's waits."""


class Waiters:
    """The threads that wait, by address, in the order in which they came; ``lock`` also guards
    read-modify-write accesses of tiers that cannot do them in one step. ``waiting`` is the address of a word
    that has their number: whoever finds 0 there, after what he has stored, need not notify anyone.
    """

    def __init__(self, waiting: int) -> None:
        self.lock = threading.Lock()
        self._barrier = threading.Lock()
        self._waiting = ctypes.c_uint64.from_address(waiting)
        self._queues: dict[int, deque[threading.Event]] = {}

    def wait(self, address: int, cell: Any, expected: int, timeout: int, look: Look | None = None) -> int:
        """Sleep until notified. ``cell`` is the ctypes integer at ``address``; ``timeout`` in nanoseconds.

        A negative timeout never ends. Looking at the cell and going to sleep are one step for ``notify``.
        ``look`` is called now and then, and may raise to end the wait: a deadline.
        """
        woken = threading.Event()
        with self.lock:
            self._waiting.value += 1
            with self._barrier:  # counted before the cell is read: taking a lock keeps the order
                expected_there = cell.value == expected
            if not expected_there:
                self._waiting.value -= 1
                return NOT_EQUAL
            self._queues.setdefault(address, deque()).append(woken)
        try:
            _sleep(woken, None if timeout < 0 else min(timeout / 1e9, threading.TIMEOUT_MAX), look)
        finally:  # an interrupted thread must not stay in the queue
            in_time = self._forget(address, woken)
        return WOKEN if in_time else TIMED_OUT

    def notify(self, address: int, count: int) -> int:
        """Wake up to ``count`` threads that wait for ``address``, first come first served; gives how many."""
        with self.lock:
            queue = self._queues.get(address, ())
            woken = min(count, len(queue))
            for _ in range(woken):
                self._pop(address).set()
        return woken

    def count(self, address: int) -> int:
        """How many threads wait for ``address``."""
        with self.lock:
            return len(self._queues.get(address, ()))

    def _pop(self, address: int) -> threading.Event:
        queue = self._queues[address]
        first = queue.popleft()
        self._waiting.value -= 1
        if not queue:
            del self._queues[address]
        return first

    def _forget(self, address: int, woken: threading.Event) -> bool:
        """Take a thread off the queue; whether it had been woken, which took it off already."""
        with self.lock:
            if woken.is_set():
                return True
            queue = self._queues[address]
            queue.remove(woken)
            self._waiting.value -= 1
            if not queue:
                del self._queues[address]
            return False


def _sleep(woken: threading.Event, seconds: float | None, look: Look | None) -> None:
    """Until woken, or for so many seconds."""
    if look is None:
        woken.wait(seconds)
        return
    end = None if seconds is None else time.monotonic() + seconds
    left = seconds
    while left is None or left > 0:
        look()
        if woken.wait(_SLICE if left is None else min(_SLICE, left)):
            return
        left = None if end is None else end - time.monotonic()
