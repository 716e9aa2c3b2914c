"""References that Python holds: integers that keep alive what they refer to.

Wherever a reference is in Python's hands (a frame of the reference tier, an element segment, an argument on
its way, a wrapper of the API) it is a ``Reference``: an int that may be used as one. As long as one exists,
the heap object or host handle that it names is a root. A plain int is safe only until the next collection.

Python's own cycle collector sees through it: ``anchor.reach`` holds what the object keeps alive on Python's
side (``vm.gc.handles``). Weak references do not say when a reference is really gone, since a finalizer may
bring it back after they are cleared; a ``_Pin``, which the cycle collector does not know, dies exactly then.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque

from vm.gc import words

_serials = itertools.count(1)
_dropped: dict[int, deque[int]] = {}
"""For each table of references, by its number: the words whose anchor is gone."""


class _Pin(int):
    """Number of the table and word, in one int: it has no attributes, so the cycle collector leaves it be."""

    __slots__ = ()

    def __del__(self) -> None:
        queue = _dropped.get(self >> 32)
        if queue is not None:
            queue.append(self & 0xFFFF_FFFF)


class Anchor:
    """What all references to one thing share. ``reach`` keeps alive what only they lead to."""

    __slots__ = ("__weakref__", "_pin", "reach")

    def __init__(self, pin: _Pin) -> None:
        self._pin = pin
        self.reach: object = None


class Reference(int):
    """A reference as a word, which pins what it refers to."""

    anchor: Anchor


class References:
    """The references to one heap's objects and handles that Python holds now."""

    def __init__(self) -> None:
        self._serial = next(_serials)
        self._gone: deque[int] = deque()
        _dropped[self._serial] = self._gone
        weakref.finalize(self, _dropped.pop, self._serial).atexit = False
        self._counts: dict[int, int] = {}
        self._anchors: dict[int, weakref.ref[Anchor]] = {}

    def hold(self, word: int) -> int:
        """``word`` as an int that keeps alive what it names; null and i31 references need no keeping."""
        if word == 0 or word & words.I31_TAG:
            return word
        known = self._anchors.get(word)
        anchor = None if known is None else known()
        if anchor is None:
            anchor = Anchor(_Pin(self._serial << 32 | word))
            self._counts[word] = self._counts.get(word, 0) + 1
            self._anchors[word] = weakref.ref(anchor)
        reference = Reference(word)
        reference.anchor = anchor
        return reference

    def held(self) -> list[int]:
        """The words that Python holds."""
        self._drain()
        return list(self._counts)

    def anchor(self, word: int) -> Anchor | None:
        """The anchor of a held word; None when it is not the only one, or known only to a finalizer."""
        known = self._anchors.get(word)
        return known() if known is not None and self._counts.get(word) == 1 else None

    def _drain(self) -> None:
        while self._gone:
            word = self._gone.popleft()
            left = self._counts[word] - 1
            if left:
                self._counts[word] = left
                continue
            del self._counts[word]
            known = self._anchors[word]
            if known() is None:
                del self._anchors[word]
