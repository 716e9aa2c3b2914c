"""One point more: the change points of a series that grows, without analysing all of it at every commit.

    state = Incremental()
    for value in values:
        changes = state.append(value)

How it relates to the detector's own answer: ``changes`` are exactly those of the detector at the last *look*,
a detection on the whole series so far. A look happens when the newest points together leave the last level
(the last 1, 2, 3, 5, 8, 12, ... points, up to the whole level), and when the series has grown by a quarter.
So a clear step is seen at the commit at which the detector would see it (in a series full of bursts, up to
``LONGEST`` later); one whose evidence gathers slowly, at the next look at the latest; and what the detector
would take back stays until then. ``look()`` makes both agree at once.

Between looks a point costs a few microseconds; looks are rare enough that the mean stays near 50, except in
series full of bursts.
"""

from __future__ import annotations

import math

import numpy as np

from regress.detect.evidence import z_of
from regress.detect.noise import CLIP, Signal, correlation_factor, prepare, typical_size
from regress.detect.options import Options
from regress.detect.protocol import Detector
from regress.detect.segments import SegmentsDetector
from regress.domain import ChangePoint

GROWTH = 1.25
"""A look at the latest when the series is this many times as long as at the last one."""

SMALL = 8
"""Up to this many points, each is a look."""

WARY = 0.75
"""Part of the z that makes a change sure at which the newest points are worth a look."""

CALM = 1.15
"""By how much that grows, up to all of it, with every look that finds nothing new."""

PATIENCE = 3
"""After so many vain looks in a row, one point goes by unseen; after twice as many, two."""

LONGEST = 8
"""Points that go by unseen, at most."""

_FIRST_ROOM = 64


class Incremental:
    """The state of one series; ``changes`` is the answer as it stands, and no caller's to change."""

    def __init__(self, detector: Detector | None = None, options: Options | None = None) -> None:
        self.changes: list[ChangePoint] = []
        self.looks = 0
        self._detector = detector or SegmentsDetector()
        self._options = options or Options()
        self._values = np.empty(_FIRST_ROOM)
        self._size = 0
        self._next_look = 0
        self._bar = self._highest_bar = 0.0  # z of newest points that is worth a look; its most
        self._vain = 0  # looks in a row that found nothing new
        self._blind = 0  # the length up to which points go by unseen

    def append(self, value: float) -> list[ChangePoint]:
        """Add the newest value (NaN: not measured) and return the change points, oldest first."""
        if self._size == self._values.size:
            self._values = np.concatenate([self._values, np.empty(self._size)])
        self._values[self._size] = value
        self._size += 1
        if self._size >= self._next_look:
            self.look()
        elif self._strays(value) and self._size >= self._blind:
            self._look_warily()
        return self.changes

    def look(self) -> list[ChangePoint]:
        """The detector's answer for the whole series so far."""
        signal = self._detect()
        self._vain = 0
        if self._size < SMALL:
            self._next_look = self._size + 1
            return self.changes
        self._next_look = math.ceil(self._size * GROWTH)
        if self.changes:
            signal = prepare(self._values[self.changes[-1].index : self._size])
        self._watch(signal)
        return self.changes

    def _detect(self) -> Signal:
        self.looks += 1
        values = self._values[: self._size]
        signal = prepare(values)
        self.changes = self._detector.detect(values, self._options, signal)
        return signal

    def _look_warily(self) -> None:
        """Detect, and become harder to alarm where it was in vain."""
        known = [change.index for change in self.changes]
        self._detect()
        if [change.index for change in self.changes] != known:
            self.look()
            return
        self._vain += 1
        self._blind = self._size + 1 + min(LONGEST, self._vain // PATIENCE)
        self._bar = min(self._bar * CALM, self._highest_bar)

    def _watch(self, signal: Signal) -> None:
        """Take the last segment as the level that the next points are compared with."""
        self._logarithmic = signal.logarithmic
        self._unit = 1.0 if signal.logarithmic else typical_size(signal.values)
        first = float(signal.values[0]) if signal.values.size else 1.0
        reading = math.log(first) if signal.logarithmic else first / self._unit
        self._centre = reading - float(signal.level[0]) if signal.level.size else 0.0
        self._sigma = signal.sigma
        self._clip = math.inf if signal.exact else CLIP
        away = np.clip(signal.level / self._sigma, -self._clip, self._clip)
        sure = z_of(self._options.false_alarms / self._size)
        self._highest_bar = sure * math.sqrt(correlation_factor(away))
        self._bar = WARY * self._highest_bar
        self._sums = [0.0, *np.cumsum(away).tolist()]

    def _strays(self, value: float) -> bool:
        """Whether the newest points, of any number, are together too far from the level."""
        if not math.isfinite(value):
            return False
        if self._logarithmic:
            if value <= 0:
                return True  # the first of its kind: what a step is has changed
            value = math.log(value)
        away = (value / self._unit - self._centre) / self._sigma
        sums = self._sums
        last = sums[-1] + max(-self._clip, min(self._clip, away))
        sums.append(last)
        width, size, bar = 1, len(sums), self._bar
        while width < size:
            if abs(last - sums[size - 1 - width]) > bar * math.sqrt(width):
                return True
            width += (width + 1) // 2
        return False
