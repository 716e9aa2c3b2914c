"""The one thread that looks for newer answers, so that nobody who asks waits for them.

It looks again and again at what is out of date, and rests after each answer for as long as that took:
readers, who share the interpreter with it, come first.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable

EVERY = 0.25
"""Seconds between two looks at what is out of date."""


class Renewal:
    """``outdated`` tells how to look for each answer that is out of date; it is called by the thread."""

    def __init__(self, outdated: Callable[[], Iterable[Callable[[], object]]]) -> None:
        self._outdated = outdated
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._closed = threading.Event()

    def begin(self) -> None:
        """Have the thread there, until ``close``."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
                self._thread.start()

    def soon(self) -> None:
        """Have it look now."""
        self._wanted.set()

    def close(self) -> None:
        """Have it end as soon as it has what it looks for now: nobody is going to ask for the rest."""
        with self._lock:
            self._closed.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._goes_on():
            with contextlib.suppress(Exception):  # it leaves no answer: who asks next, is told what is wrong
                for look in self._outdated():
                    self._renew(look)
                    if self._closed.is_set():
                        break

    def _goes_on(self) -> bool:
        """Wait until it is time to look; False once it is over."""
        self._wanted.wait(EVERY)
        self._wanted.clear()
        return not self._closed.is_set()

    def _renew(self, look: Callable[[], object]) -> None:
        begun = time.monotonic()
        with contextlib.suppress(Exception):  # likewise
            look()
        self._closed.wait(time.monotonic() - begun)
