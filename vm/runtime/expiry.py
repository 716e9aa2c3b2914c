"""Deadlines in seconds: a timer that ends a store's time."""

from __future__ import annotations

import threading

from vm.memory.native import WORD, Block
from vm.runtime.layout import STATE_DEADLINE


class Expiry(threading.Timer):
    """Ends the time of one store; it keeps the store's state, and nothing else of it, alive."""

    def __init__(self, seconds: float, state: Block) -> None:
        super().__init__(seconds, self._expire)
        self.daemon = True
        self._state = state
        self._lock = threading.Lock()

    def _expire(self) -> None:
        with self._lock:
            if not self.finished.is_set():
                self._state.words[STATE_DEADLINE // WORD] = 0

    def cancel(self) -> None:
        """After this the deadline is whoever's calls it."""
        with self._lock:
            super().cancel()
