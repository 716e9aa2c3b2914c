"""Answers that are the same until somebody commits a change: told once to all who ask meanwhile.

Where answers may be ``behind``, nobody waits for one that was right a moment ago: it is told once more while
the new one is looked for beside. What this process itself has changed is never told late.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

KEPT = 128
"""Answers in memory, of which a page of a list is some 100 kB; those asked for longest ago go first."""

T = TypeVar("T")


@dataclass(slots=True)
class _Told:
    """An answer with the version and settings that it is of; ``at`` is when it last was the newest."""

    version: int
    settings: object
    answer: object
    at: float


@dataclass(slots=True)
class _Place:
    """Where the answer to one question is; who holds the lock looks for it, and the others wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    told: _Told | None = None
    asked: bool = False  # it is going to be looked for beside


class Answers:
    """The answers of one store, which must be records that nobody changes.

    ``version`` tells how often the store was changed, ``own`` the version after this process's last change.
    ``behind`` is by how many seconds answers may be behind the changes of others.
    """

    def __init__(self, version: Callable[[], int], own: Callable[[], int] = lambda: 0) -> None:
        self.version = version
        self.behind = 0.0
        self._own = own
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._beside: ThreadPoolExecutor | None = None

    def __len__(self) -> int:
        """How many questions have a place."""
        return len(self._places)

    def close(self) -> None:
        """Wait for what is looked for beside."""
        if self._beside is not None:
            self._beside.shutdown()

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

        def look() -> object:
            with place.lock:
                return self._newest(place, settings, answer, cast("Callable[[Any], bool]", keep))

        known = place.told
        if known is not None and known.settings is settings and self._will_do(known):
            now = time.monotonic()
            if known.version == self.version():
                known.at = now
            else:
                self._look_beside(place, look)
            return cast("T", known.answer)
        return cast("T", look())

    def _will_do(self, known: _Told) -> bool:
        """Whether an answer may be told though it may be no longer the newest."""
        return time.monotonic() - known.at < self.behind and known.version >= self._own()

    def _newest(
        self, place: _Place, settings: object, answer: Callable[[], object], keep: Callable[[Any], bool]
    ) -> object:
        began, version, known = time.monotonic(), self.version(), place.told
        if known is not None and known.version == version and known.settings is settings:
            known.at = began
            return known.answer
        try:
            found = answer()
        except BaseException:
            place.told = None  # an error leaves nothing behind
            raise
        place.told = _Told(version, settings, found, began) if keep(found) else None
        return found

    def _look_beside(self, place: _Place, look: Callable[[], object]) -> None:
        """Have the newest answer looked for by the one thread that does: readers come first."""

        def renew() -> None:
            place.asked = False
            look()  # an error is for who asks next: it leaves no answer

        with self._lock:
            if place.asked:
                return
            place.asked = True
            self._beside = self._beside or ThreadPoolExecutor(1, "answers")
        self._beside.submit(renew)

    def _place(self, question: Hashable) -> _Place:
        with self._lock:
            place = self._places.setdefault(question, _Place())
            self._places.move_to_end(question)
            while len(self._places) > KEPT:
                self._places.popitem(last=False)
            return place
