"""Other people's detectors, through their own libraries: for comparison, and for whoever trusts them.

``asv-steps`` is asv's own step detection; ``e-divisive`` is Apache Otava's (Fleming et al., "Hunter", 2023);
``kernel`` is ruptures' kernel change point detection (radial basis functions). They say where levels begin.
What a change point is beside its place (levels, interval, chance of error) is measured as for ours, so that
events, triage and the project's false discovery rate treat all alike. ``false_alarms`` is not theirs to heed.
Libraries are imported at the first use; one that is missing is named with what to install.
"""

from __future__ import annotations

import importlib
import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from regress.detect.evidence import Evidence, p_of
from regress.detect.noise import (
    EXACT,
    Edges,
    Floats,
    Signal,
    correlation_factor,
    median,
    prepare,
    typical_size,
)
from regress.detect.options import Options
from regress.detect.segments import ratio_interval
from regress.domain import ChangePoint
from regress.errors import RegressError

_LARGEST = 1e12  # times the typical size: asv never ends where its sums overflow

FEWEST = 4
"""Finite values without which nobody is asked."""

OTAVA_P = 1e-6
"""Otava's ``max_pvalue``: at its default of 0.001 it has five times the false alarms on the labelled data."""

PENALTY = 3.0
"""Of ruptures' kernel cost for each change, times the logarithm of the length."""


@dataclass(slots=True)
class Peer:
    """A detector that is somebody else's: ``starts`` finds where levels begin in finite values."""

    name: str
    starts: Callable[[Floats], list[int]]

    def detect(self, values: Floats, options: Options, signal: Signal | None = None) -> list[ChangePoint]:
        """See ``regress.detect.Detector``; RegressError where the library is not installed."""
        signal = signal or prepare(values)
        size = signal.values.size
        if size < FEWEST or float(np.ptp(signal.level)) <= EXACT:
            return []
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # of squares of huge values
            starts = self.starts(np.clip(signal.values / typical_size(signal.values), -_LARGEST, _LARGEST))
        inner = sorted({place for place in starts if 0 < place < size})
        found = _described(signal, np.array([0, *inner, size], dtype=np.intp))
        return [change for change in found if _matters(change, options.minimum_effect)]


def _matters(change: ChangePoint, effect: float) -> bool:
    """Whether a change is as large as the smallest one that is to be reported."""
    if change.before > 0 and change.after > 0:
        return abs(math.log(change.after / change.before)) >= math.log1p(effect)
    return abs(change.after - change.before) >= effect * max(abs(change.before), abs(change.after))


def _described(signal: Signal, edges: Edges) -> list[ChangePoint]:
    """The boundaries between segments as change points; ``edges`` begin with 0 and end with the length."""
    evidence = Evidence(signal.clipped)
    sizes = np.diff(edges)
    residuals = signal.clipped - np.repeat(np.diff(evidence.sums[edges]) / sizes, sizes)
    free = max(1, residuals.size - sizes.size)
    variance = max(float(np.sum(residuals**2)) / free, EXACT**2)
    evidence.weigh(variance, correlation_factor(residuals, sizes.size), free)
    steps = evidence.steps(edges)
    levels = [median(signal.values[a:b]) for a, b in itertools.pairwise(edges.tolist())]
    found = []
    for i, (before, after) in enumerate(itertools.pairwise(levels)):
        low, high = ratio_interval(signal, math.sqrt(steps.variance[i]), before, after)
        index = int(signal.kept[edges[i + 1]])
        found.append(ChangePoint(index, before, after, low, high, p_of(float(steps.z[i]))))
    return found


def _library(name: str, peer: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        hint = f"Install it ({PACKAGES[peer]}), or choose another detector."
        raise RegressError(f"detector {peer!r} needs {name.split('.')[0]}: {error}", hint=hint) from error


def _asv(values: Floats) -> list[int]:
    steps = _library("asv.step_detect", "asv-steps").detect_steps(values.tolist())
    return [int(left) for left, *_ in steps[1:]]


def _otava(values: Floats) -> list[int]:
    analysis = _library("otava.analysis", "e-divisive")
    found, _ = analysis.compute_change_points(values.tolist(), max_pvalue=OTAVA_P)
    return [int(change.index) for change in found]


def _ruptures(values: Floats) -> list[int]:
    ruptures = _library("ruptures", "kernel")
    level = prepare(values).level
    spread = float(np.std(level)) or 1.0
    search = ruptures.KernelCPD(kernel="rbf", min_size=2).fit((level / spread).reshape(-1, 1))
    return [int(end) for end in search.predict(pen=PENALTY * math.log(values.size))[:-1]]


PACKAGES = {
    "asv-steps": "pip install asv",
    "e-divisive": "pip install apache-otava, in an environment of its own: it asks for one numpy only",
    "kernel": 'pip install "regress[peers]"',
}
"""How to install each peer's library."""

PEERS = (Peer("asv-steps", _asv), Peer("e-divisive", _otava), Peer("kernel", _ruptures))
