"""When an object is really gone: an attribute that dies with it, and writes that down.

Weak references do not say it: the cycle collector clears them, and calls ``__del__``, before finalizers have
had their chance to bring an object back. A token is kept out of the cycle collector's sight, so that nothing
happens to it before its owner is cleared or freed.
"""

from __future__ import annotations

import ctypes
from collections import deque

untrack = ctypes.pythonapi.PyObject_GC_UnTrack
"""Hide an object from the cycle collector, which it must not need."""
untrack.argtypes = [ctypes.py_object]
untrack.restype = None


class Token:
    """Appends ``number`` to ``queue`` when its owner, who alone refers to it, is gone."""

    __slots__ = ("_number", "_queue")

    def __init__(self, queue: deque[int], number: int) -> None:
        self._queue = queue
        self._number = number
        untrack(self)

    def __del__(self) -> None:
        self._queue.append(self._number)
