"""When an object is really gone: an attribute that dies with it, and what writes that down.

Weak references to the object do not say it: the cycle collector clears them, and calls ``__del__``, before
finalizers have had their chance to bring an object back. A token is kept out of the cycle collector's sight,
so that nothing happens to it before its owner is cleared or freed.

No Python runs between the end of an owner and the entry in the queue, so no other thread sees one without the
other; ``object_at`` relies on that.
"""

from __future__ import annotations

import ctypes
import weakref

from vm.primitives import deque
from vm.typed import Iterator

untrack = ctypes.pythonapi.PyObject_GC_UnTrack
"""Hide an object from the cycle collector, which it must not need."""
untrack.argtypes = [ctypes.py_object]
untrack.restype = None

object_at = ctypes.pythonapi.Py_NewRef
"""The object at an address. It must still be there: to find out with no other thread in between, look at the
queue in the same expression, with nothing called but this. CPython lets other threads run after calls, when
functions start and when loops jump back (its eval breaker), and nowhere else."""
object_at.argtypes = [ctypes.c_void_p]
object_at.restype = ctypes.py_object


class Token:
    """Dies with its owner, who alone refers to it."""

    __slots__ = ("__weakref__",)

    def __init__(self) -> None:
        untrack(self)


class Watch(weakref.ref[Token]):
    """Puts itself into ``queue`` when its token's owner is gone, if it is still kept; known by ``number``."""

    __slots__ = ("number",)

    def __new__(cls, token: Token, queue: deque[Watch], number: int) -> Watch:
        return super().__new__(cls, token, queue.append)

    def __init__(self, token: Token, queue: deque[Watch], number: int) -> None:
        self.number = number


def drained(queue: deque[Watch]) -> Iterator[Watch]:
    """The watches of those who are gone, each for one thread."""
    while queue:
        try:
            watch = queue.popleft()
        except IndexError:  # another thread has just been here
            return
        yield watch
