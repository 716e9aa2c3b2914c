"""The default detector: many candidates, the weakest dropped until all that are left are sure.

1. ``noise``: logarithms, spikes clipped to the running median, sigma from neighbours.
2. ``candidates``: peaks of moving-window differences at all scales.
3. Prune, weakest first, by a t test between adjacent segments whose variance counts correlation
   (``evidence``); drop ``excursions``; move each boundary to where it fits best; measure the noise again;
   until nothing moves.

A boundary stays if its chance under no change is below ``false_alarms`` shared among all points (Bonferroni),
and if the step is larger than the effect that matters and than half a sigma of the noise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from regress.detect.candidates import candidates
from regress.detect.evidence import Evidence, Step, p_of, z_of
from regress.detect.excursions import without_excursions
from regress.detect.noise import EXACT, Floats, Signal, inflation, prepare, typical_size
from regress.detect.options import Options
from regress.domain import ChangePoint

FEWEST = 4
"""Points without which noise cannot be told from a step."""

FEWEST_EXACT = 3
"""The same for a series of which two neighbours in three agree exactly: a counter, which has no noise."""

_FLOOR = (
    0.5  # smallest step, in sigma of the residuals: below, drift and slow moods of machines pass for steps
)
_ROUNDS = 6  # it settles after two or three
_FIRST_BAR = 0.7  # the first round's part of the full z: its noise estimate still holds steps
_INTERVAL_Z = 2.576  # 99 %
_LARGEST = 700.0  # exp of more overflows
_PLAUSIBLE = 3.0  # log-likelihood below the best place's at which another place is ruled out (95 % is 1.9)


class SegmentsDetector:
    """See the module."""

    name = "segments"

    def detect(self, values: Floats, options: Options) -> list[ChangePoint]:
        """The change points of a series; see ``regress.detect.Detector``."""
        signal = prepare(values)
        if signal.values.size < (FEWEST_EXACT if signal.exact else FEWEST):
            return []
        return _Search(signal, options).run()


class _Search:
    """The state of one series' search."""

    def __init__(self, signal: Signal, options: Options) -> None:
        self.signal = signal
        self.n = signal.clipped.size
        self.shortest = 1 if signal.exact else 2
        self.bar = z_of(options.false_alarms / self.n)
        self.effect = math.log1p(options.minimum_effect) if signal.logarithmic else options.minimum_effect
        self.sums = np.concatenate([[0.0], np.cumsum(signal.clipped)])
        # Residuals still hold the steps; differences of neighbours do not (nor do they show correlation).
        self.variance = signal.sigma**2
        self.inflate: Callable[[int], float] = lambda size: 1.0
        self._weigh([])

    def run(self) -> list[ChangePoint]:
        boundaries = candidates(self.sums, self.signal.sigma, self.shortest)
        for turn in range(_ROUNDS):
            kept = self._prune(boundaries, self.bar if turn else self.bar * _FIRST_BAR)
            if turn:
                kept = without_excursions(self.signal.clipped, kept)
            kept = self._relocate(kept)
            self._measure_noise(kept)
            self._weigh(kept)
            if turn and kept == boundaries:
                break
            boundaries = kept
        boundaries = self._prune(boundaries, self.bar)
        edges = [0, *boundaries, self.n]
        return [self._describe(*edges[i - 1 : i + 2]) for i in range(1, len(edges) - 1)]

    def _measure_noise(self, boundaries: list[int]) -> None:
        """Residual variance and correlation, given the segments."""
        edges = [0, *boundaries, self.n]
        levels = [np.median(self.signal.clipped[a:b]) for a, b in itertools.pairwise(edges)]
        residuals = self.signal.clipped - np.repeat(levels, np.diff(edges))
        self.variance = max(float(np.sum(residuals**2)) / max(1, self.n - len(levels)), EXACT**2)
        self.inflate = inflation(residuals)

    def _weigh(self, boundaries: list[int]) -> None:
        free = self.n - len(boundaries) - 1
        self.evidence = Evidence(self.signal.clipped, self.variance, self.inflate, free)
        self.floor = max(_FLOOR * math.sqrt(self.variance), self.effect, EXACT)

    def _prune(self, boundaries: list[int], bar: float) -> list[int]:
        """Drop the weakest boundary until all are above ``bar``; each drop makes its neighbours surer."""
        edges = [0, *boundaries, self.n]
        strength = [
            math.inf,
            *(self._strength(*edges[i - 1 : i + 2]) for i in range(1, len(edges) - 1)),
            math.inf,
        ]
        while (weakest := min(range(len(edges)), key=strength.__getitem__)) and strength[weakest] < bar:
            del edges[weakest], strength[weakest]
            for i in (weakest - 1, weakest):
                if 0 < i < len(edges) - 1:
                    strength[i] = self._strength(*edges[i - 1 : i + 2])
        return edges[1:-1]

    def _strength(self, start: int, boundary: int, end: int) -> float:
        """How sure a step is (z); at most 1.5, by size, for steps that are too small to matter."""
        step = self.evidence.step(start, boundary, end)
        return step.z if abs(step.size) >= self.floor else min(step.z, 1.5 * abs(step.size) / self.floor)

    def _relocate(self, boundaries: list[int]) -> list[int]:
        """Each boundary where it fits best between its neighbours, the earlier ones already moved."""
        edges = [0, *boundaries, self.n]
        for i in range(1, len(edges) - 1):
            start, end = edges[i - 1], edges[i + 1]
            if end - start >= 2 * self.shortest:
                at, fit = self._fit(start, end)
                edges[i] = int(at[np.argmax(fit)])
        return sorted(set(edges[1:-1]))

    def _fit(self, start: int, end: int) -> tuple[NDArray[np.intp], Floats]:
        """The sum of squares that a boundary at each place between two others explains."""
        at = np.arange(start + self.shortest, end - self.shortest + 1)
        left, right = self.sums[at] - self.sums[start], self.sums[end] - self.sums[at]
        return at, left**2 / (at - start) + right**2 / (end - at)

    def _describe(self, start: int, boundary: int, end: int) -> ChangePoint:
        signal = self.signal
        step = self.evidence.step(start, boundary, end)
        before = float(np.median(signal.values[start:boundary]))
        after = float(np.median(signal.values[boundary:end]))
        at, fit = self._fit(start, end)
        here = fit[np.searchsorted(at, boundary)]
        places = at[fit >= here - 2 * self.variance * self.inflate(end - start) * _PLAUSIBLE]
        low, high = _ratio_interval(signal, step, before, after)
        index, earliest, latest = (int(signal.kept[i]) for i in (boundary, places[0], places[-1]))
        return ChangePoint(index, before, after, low, high, p_of(step.z), earliest, latest)


def _ratio_interval(signal: Signal, step: Step, before: float, after: float) -> tuple[float, float]:
    """A 99 % interval of after / before: around the medians' own ratio, as wide as the step is unsure."""
    if before == 0:
        return math.inf, math.inf
    half = min(_INTERVAL_Z * step.error, _LARGEST)
    if signal.logarithmic:
        return after / before * math.exp(-half), after / before * math.exp(half)
    absolute = half * typical_size(signal.values) / abs(before)
    return after / before - absolute, after / before + absolute
