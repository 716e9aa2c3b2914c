"""Token buckets: how often somebody may ask."""

from __future__ import annotations

import time
from collections import OrderedDict

_KEPT = 10_000  # who asks: a crowd of addresses must not fill the memory


class Rate:
    """So many a minute for each key, of which ``burst`` may come at once. 0 a minute: no limit."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._per_second = per_minute / 60
        self._burst = float(burst)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key: left, when

    def wait(self, key: str) -> float:
        """Take one. 0.0 where it may be had; else the seconds until it may, and nothing is taken."""
        if not self._per_second:
            return 0.0
        now = time.monotonic()
        left, when = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - when) * self._per_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        while len(self._left) > _KEPT:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
