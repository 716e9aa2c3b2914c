"""Answers that are the same until somebody commits a change: told once to all who ask meanwhile.

Where answers may be ``behind``, nobody waits for one that was right a moment ago: it is told once more, and
one thread (``renewal.py``) looks for the newer ones of all questions that were asked twice lately. What this
process itself has changed is never told late, nor is what nobody asked for lately, which that thread leaves
alone.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from regress.store.renewal import Renewal

KEPT = 128
"""Answers in memory, of which a page of a list is some 100 kB; those asked for longest ago go first."""

LATELY = 60.0
"""Seconds in which an answer must be asked for twice to be kept the newest, where answers may be behind: for
readers who go from page to page, all of these would be read again with each change."""

GLANCE = 0.1
"""Seconds in which the version is not asked for again, where answers may be behind."""

VERSIONS = 128
"""Versions of which it is known when they were the newest."""

T = TypeVar("T")

_ages: ContextVar[list[float] | None] = ContextVar("ages", default=None)


@contextlib.contextmanager
def ages_noted() -> Iterator[list[float]]:
    """A list that gets, for each answer told late in this context, by how many seconds it may be behind."""
    noted: list[float] = []
    token = _ages.set(noted)
    try:
        yield noted
    finally:
        _ages.reset(token)


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer with the version and settings that it is of."""

    version: int
    settings: object
    answer: object


@dataclass(slots=True)
class _Place:
    """Where the answer to one question is; who holds the lock looks for it, and the others wait.

    ``look`` looks for the newest one; ``asked`` is when somebody last asked, ``before`` when before that.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    told: _Told | None = None
    look: Callable[[], object] | None = None
    asked: float = float("-inf")
    before: float = float("-inf")


class Answers:
    """The answers of one store, which must be records that nobody changes.

    ``version`` tells how often the store was changed, ``own`` the version after this process's last change.
    ``behind`` is by how many seconds answers may be behind the changes of others.
    """

    def __init__(self, version: Callable[[], int], own: Callable[[], int] = lambda: 0) -> None:
        self.behind = 0.0
        self._version = version
        self._own = own
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Place] = OrderedDict()
        self._newest_at: dict[int, float] = {}  # when a version was last seen to be the newest
        self._glance = (float("-inf"), 0)
        self._renewal = Renewal(self._outdated)

    def __len__(self) -> int:
        """How many questions have a place."""
        return len(self._places)

    def close(self) -> None:
        """Have nothing looked for beside any more; wait for what is."""
        self._renewal.close()

    def version(self) -> int:
        """How often the store was changed, looked for now."""
        before = time.monotonic()  # that version was the newest at some moment since
        version = self._version()
        with self._lock:
            self._glance = before, version
            self._newest_at[version] = before
            if len(self._newest_at) > VERSIONS:
                del self._newest_at[min(self._newest_at)]
        return version

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

        known, now = place.told, time.monotonic()
        watched = self.behind > 0 and now - place.asked < LATELY
        place.before, place.asked, place.look = place.asked, now, look
        if watched and known is not None and known.settings is settings and self._will_do(known, now):
            return cast("T", known.answer)
        return cast("T", look())

    def _will_do(self, known: _Told, now: float) -> bool:
        """Whether an answer may be told though it may be no longer the newest."""
        self._renewal.begin()
        age = self._age(known, now)
        if age >= self.behind or known.version < self._own():
            return False
        if age:
            self._renewal.soon()
            if (noted := _ages.get()) is not None:
                noted.append(age)
        return True

    def _age(self, known: _Told, now: float) -> float:
        """By how many seconds an answer may be behind; 0 for the newest."""
        seen, version = self._glance
        if now - seen > GLANCE:
            version = self.version()
        return 0.0 if version == known.version else now - self._newest_at.get(known.version, float("-inf"))

    def _newest(
        self, place: _Place, settings: object, answer: Callable[[], object], keep: Callable[[Any], bool]
    ) -> object:
        version, known = self.version(), place.told
        if known is not None and known.version == version and known.settings is settings:
            return known.answer
        try:
            found = answer()
        except BaseException:
            place.told = None  # an error leaves nothing behind
            raise
        place.told = _Told(version, settings, found) if keep(found) else None
        return found

    def _outdated(self) -> Iterator[Callable[[], object]]:
        """How to look for what is no longer the newest, of what was asked twice lately; the latest first."""
        with self._lock:
            places = list(self._places.values())
        since = time.monotonic() - LATELY
        lately = sorted((place for place in places if place.before > since), key=lambda one: -one.asked)
        version = self.version() if lately else 0
        for place in lately:
            told, look = place.told, place.look  # an error may take what is told meanwhile
            if told is not None and told.version != version and look is not None:
                yield look

    def _place(self, question: Hashable) -> _Place:
        with self._lock:
            place = self._places.setdefault(question, _Place())
            self._places.move_to_end(question)
            while len(self._places) > KEPT:
                self._places.popitem(last=False)
            return place
