"""References that Python holds: integers that keep alive what they refer to.

Wherever a reference is in Python's hands (a frame of the reference tier, an element segment, an argument on
its way, a wrapper of the API) it is a ``Reference``: an int that may be used as one. As long as one exists,
the heap object or host handle that it names is a root. A plain int is safe only until the next collection.

Python's own cycle collector sees through it: ``anchor.reach`` holds what the object keeps alive on Python's
side (``vm.gc.handles``).
"""

from __future__ import annotations

import weakref

from vm.gc import words
from vm.gc.tokens import Token, Watch, drained, object_at
from vm.primitives import deque
from vm.typed import Callable


class Anchor:
    """What all references to one thing share. ``reach`` keeps alive what only they lead to."""

    __slots__ = ("__weakref__", "_token", "reach")

    def __init__(self, token: Token) -> None:
        self._token = token
        self.reach: object = None


class Reference(int):
    """A reference as a word, which pins what it refers to."""

    anchor: Anchor


class References:
    """The references to one heap's objects and handles that Python holds now."""

    def __init__(self, thaw: Callable[[], None]) -> None:
        """``thaw`` is called before something is held that was not."""
        self._thaw = thaw
        self._gone: deque[Watch] = deque()
        self._counts: dict[int, int] = {}
        self._anchors: dict[int, weakref.ref[Anchor]] = {}
        self._addresses: dict[int, int] = {}
        self._watches: set[Watch] = set()

    def hold(self, word: int) -> int:
        """``word`` as an int that keeps alive what it names; null and i31 references need no keeping."""
        if word == 0 or word & words.I31_TAG:
            return word
        known = self._anchors.get(word)
        anchor = None if known is None else known()
        if anchor is None:
            self._drain()
            self._thaw()
            token = Token()
            anchor = Anchor(token)
            self._watches.add(Watch(token, self._gone, word))
            others = self._counts.get(word, 0)
            self._counts[word] = others + 1
            self._anchors[word] = weakref.ref(anchor)
            self._addresses[word] = 0 if others else id(anchor)
        reference = Reference(word)
        reference.anchor = anchor
        return reference

    def held(self) -> list[int]:
        """The words that Python holds."""
        self._drain()
        return list(self._counts)

    def any_object(self) -> bool:
        """Whether Python holds a reference to an object of the heap."""
        self._drain()
        return any(map(words.is_object, self._counts))

    def anchor(self, word: int) -> Anchor | None:
        """The anchor of a held word; None when there were several, so that it is not known.

        Not to be asked while Python's cycle collector works: it may be about to clear the anchor.
        """
        while True:
            self._drain()
            if self._counts.get(word) != 1:
                return None
            anchor = self._anchors[word]()
            if anchor is not None or not self._addresses[word]:
                return anchor
            # A finalizer brought it back, but not the weak reference. In one expression, see object_at.
            anchor = None if self._gone else object_at(self._addresses[word])
            if anchor is not None:
                assert isinstance(anchor, Anchor)
                self._anchors[word] = weakref.ref(anchor)

    def _drain(self) -> None:
        for watch in drained(self._gone):
            self._watches.discard(watch)
            word = watch.number
            left = self._counts[word] - 1
            if left:
                self._counts[word] = left
                continue
            del self._counts[word], self._anchors[word], self._addresses[word]
