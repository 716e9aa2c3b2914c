"""The default detector: many candidates, the weakest dropped until all that are left are sure.

1. ``noise``: logarithms, spikes clipped to the running median, sigma from neighbours. A series that rides
   between two modes is first laid upon one of them (``modes``); its levels are then those of that mode.
2. ``candidates``: peaks of moving-window differences at all scales.
3. Prune, weakest first, by a t test between adjacent segments whose variance counts correlation
   (``evidence``); drop bursts, modes and passages (``excursions``); move each boundary to where it fits best;
   measure the noise again; until nothing moves.
4. The newest step must be surer than the others, or clear (``newest``); a level that has just begun beyond
   all that the series did before (``youth``), a brief one no mode's visit (``moods``); steps that follow
   each other in one direction must fit better than a smooth curve does (``slopes``).

A boundary stays if its chance under no change is below ``false_alarms`` shared among all points (Bonferroni),
and if the step is larger than the effect that matters and than half a sigma of the noise.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from regress.detect.candidates import candidates
from regress.detect.evidence import Evidence, p_of, z_of
from regress.detect.excursions import without_excursions, without_mixtures, without_passages
from regress.detect.modes import folded
from regress.detect.moods import without_moods
from regress.detect.newest import is_unsure
from regress.detect.noise import (
    EXACT,
    Edges,
    Floats,
    Signal,
    correlation_factor,
    gaps,
    median,
    prepare,
    shifted,
    typical_size,
    typical_variance,
)
from regress.detect.options import Options
from regress.detect.slopes import without_slopes
from regress.detect.youth import without_youth
from regress.domain import ChangePoint

FEWEST = 4
"""Points without which noise cannot be told from a step."""

FEWEST_EXACT = 3
"""The same for a series of which two neighbours in three agree exactly: a counter, which has no noise."""

FLOOR = 0.5  # smallest step, in sigma of the residuals: below, drift and machines' moods pass for steps
_ROUNDS = 6  # it settles after two or three
_FIRST_BAR = 0.7  # the first round's part of the full z: its noise estimate still holds steps
_INTERVAL_Z = 2.576  # 99 %
_LARGEST = 700.0  # exp of more overflows
_PLAUSIBLE = 3.0  # log-likelihood below the best place's at which another place is ruled out (95 % is 1.9)


class SegmentsDetector:
    """See the module."""

    name = "segments"

    def detect(self, values: Floats, options: Options, signal: Signal | None = None) -> list[ChangePoint]:
        """The change points of a series; see ``regress.detect.Detector``."""
        signal = signal or prepare(values)
        if signal.logarithmic and not signal.exact:
            laid = folded(signal.level)
            signal = signal if laid is None else shifted(signal, laid)
        if signal.values.size < (FEWEST_EXACT if signal.exact else FEWEST):
            return []
        return _Search(signal, options).run()


class _Search:
    """The state of one series' search; ``edges`` are the boundaries between 0 and the length."""

    def __init__(self, signal: Signal, options: Options) -> None:
        self.signal = signal
        self.n = signal.clipped.size
        self.shortest = 1 if signal.exact else 2
        self.false_alarms = options.false_alarms
        self.bar = z_of(self.false_alarms / self.n)
        self.effect = math.log1p(options.minimum_effect) if signal.logarithmic else options.minimum_effect
        self.evidence = Evidence(signal.clipped)
        self.sums = self.evidence.sums
        # Residuals still hold the steps; differences of neighbours do not (nor do they show correlation).
        self._weigh(signal.sigma**2, 1.0, 1)

    def run(self) -> list[ChangePoint]:
        """The whole search, as the module tells it."""
        inner = candidates(self.sums, self.signal.sigma, self.shortest)
        edges = self._settle(np.array([0, *inner, self.n], dtype=np.intp))
        return self._describe(without_slopes(self.signal.clipped, self.sums, self._ripe(edges)))

    def _ripe(self, edges: Edges) -> Edges:
        """The edges that are sure, neither too new nor moods; a level that grows is judged again."""
        while True:
            sure = self._prune(edges, self.bar)
            if sure.size > 2 and not self.signal.exact and is_unsure(self.evidence, sure, self.false_alarms):
                edges = np.delete(sure, -2)
                continue
            edges = without_moods(
                self.signal.level, without_youth(self.signal.level, sure), self.signal.sigma
            )
            if edges.size == sure.size:
                return edges

    def _settle(self, edges: Edges) -> Edges:
        """The edges that are left when nothing moves any more."""
        for turn in range(_ROUNDS):
            kept = self._turn(edges, self.bar if turn else self.bar * _FIRST_BAR)
            if turn and np.array_equal(kept, edges):
                break
            self._measure_noise(kept)
            edges = kept
        return edges

    def _turn(self, edges: Edges, bar: float) -> Edges:
        """The edges without all that is too weak or no step, each where it fits best."""
        kept = without_excursions(self.sums, self._prune(edges, bar))
        if not self.signal.exact:
            kept = without_passages(self.sums, kept)
        return self._relocate(without_mixtures(self.signal.level, kept, self.signal.sigma))

    def _measure_noise(self, edges: Edges) -> None:
        """Residual variance and correlation, given the segments."""
        sizes = gaps(edges)
        residuals = self.signal.clipped - np.repeat(gaps(self.sums[edges]) / sizes, sizes)
        squares = float(np.add.reduce(residuals * residuals))
        variance = max(squares / max(1, self.n - sizes.size), EXACT**2)
        if not self.signal.exact:
            variance = typical_variance(residuals, variance)
        self._weigh(variance, correlation_factor(residuals, sizes.size), sizes.size)

    def _weigh(self, variance: float, correlation: float, segments: int) -> None:
        self.evidence.weigh(variance, correlation, self.n - segments)
        self.floor = max(FLOOR * math.sqrt(variance), self.effect, EXACT)

    def _prune(self, edges: Edges, bar: float) -> Edges:
        """Drop the weakest boundaries until all are above ``bar``; each drop makes its neighbours surer."""
        while edges.size > 2:
            steps = self.evidence.steps(edges)
            size, sure = np.abs(steps.size), steps.z
            small = size < self.floor
            if np.count_nonzero(small):  # no surer than 1.5, by size, for they are too small to matter
                sure = np.where(small, np.minimum(sure, 1.5 * size / self.floor), sure)
            drop = sure < bar
            drop[1:] &= sure[1:] <= sure[:-1]
            drop[:-1] &= sure[:-1] < sure[1:]
            if not np.count_nonzero(drop):
                break
            keep = np.zeros(edges.size, dtype=np.bool_)
            np.logical_not(drop, out=keep[1:-1])
            keep[0] = keep[-1] = True
            edges = edges[keep]
        return edges

    def _relocate(self, edges: Edges) -> Edges:
        """Each boundary where it fits best between its neighbours, the highest steps first.

        A neighbour that is a point off leaves that point of a high step to be fitted, and it would win.
        """
        places = edges.tolist()
        heights = np.abs(gaps(gaps(self.sums[edges]) / gaps(edges)))
        for i in (np.argsort(-heights, kind="stable") + 1).tolist():
            start, end = places[i - 1], places[i + 1]
            if end - start >= 2 * self.shortest:
                places[i] = start + self.shortest + int(self._fit(start, end).argmax())
        return np.array(sorted(set(places)), dtype=np.intp)

    def _fit(self, start: int, end: int) -> Floats:
        """The sum of squares that a boundary explains, at each place from ``shortest`` after ``start`` on."""
        here = self.sums[start + self.shortest : end - self.shortest + 1]
        left, right = here - self.sums[start], self.sums[end] - here
        lengths = self.evidence.counts[self.shortest : end - start - self.shortest + 1]
        fit: Floats = left * left / lengths + right * right / lengths[::-1]
        return fit

    def _describe(self, edges: Edges) -> list[ChangePoint]:
        if edges.size <= 2:
            return []
        steps, signal, places = self.evidence.steps(edges), self.signal, edges.tolist()
        levels = [median(signal.values[a:b]) for a, b in itertools.pairwise(places)]
        found = []
        for i, (before, after) in enumerate(itertools.pairwise(levels)):
            low, high = ratio_interval(signal, math.sqrt(steps.variance[i]), before, after)
            index, earliest, latest = self._place(*places[i : i + 3])
            p_value = p_of(float(steps.z[i]))
            found.append(ChangePoint(index, before, after, low, high, p_value, earliest, latest))
        return found

    def _place(self, start: int, boundary: int, end: int) -> tuple[int, int, int]:
        """Where in the series a boundary is, and the first and the last place where it could be."""
        fit, first = self._fit(start, end), start + self.shortest
        slack = 2 * self.evidence.variance * self.evidence.inflation(end - start) * _PLAUSIBLE
        places = (fit >= fit[boundary - first] - slack).nonzero()[0]
        kept = self.signal.kept
        return int(kept[boundary]), int(kept[first + places[0]]), int(kept[first + places[-1]])


def ratio_interval(signal: Signal, error: float, before: float, after: float) -> tuple[float, float]:
    """A 99 % interval of after / before: around the medians' own ratio, as wide as the step is unsure."""
    if before == 0:
        return math.inf, math.inf
    half = min(_INTERVAL_Z * error, _LARGEST)
    if signal.logarithmic:
        return after / before * math.exp(-half), after / before * math.exp(half)
    absolute = half * typical_size(signal.values) / abs(before)
    return after / before - absolute, after / before + absolute
