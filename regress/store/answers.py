"""Answers that are the same until somebody commits: told once to all who ask meanwhile."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

KEPT = 128
"""Answers in memory, of which a page of a list is some 100 kB; those asked for longest ago go first."""

T = TypeVar("T")


@dataclass(slots=True)
class _Place:
    """Where the answer to one question is; who holds the lock looks for it, and the others wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    told: tuple[Hashable, object, object] | None = None  # version, settings, answer


class Answers:
    """The answers of one store, which must be records that nobody changes."""

    def __init__(self, version: Callable[[], Hashable]) -> None:
        self.version = version
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()

    def __len__(self) -> int:
        """How many questions have a place."""
        return len(self._places)

    def told(
        self,
        question: Hashable,
        settings: object,
        answer: Callable[[], T],
        keep: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """The answer to a question, looked for when the database or ``settings`` (the object) is another.

        What ``keep`` denies is too large to stay in memory.
        """
        place = self._place(question)
        with place.lock:
            version = self.version()
            if place.told is not None and place.told[0] == version and place.told[1] is settings:
                return cast("T", place.told[2])
            place.told = None  # an error leaves nothing behind
            found = answer()
            if keep(found):
                place.told = (version, settings, found)
            return found

    def _place(self, question: Hashable) -> _Place:
        with self._lock:
            place = self._places.setdefault(question, _Place())
            self._places.move_to_end(question)
            while len(self._places) > KEPT:
                self._places.popitem(last=False)
            return place
