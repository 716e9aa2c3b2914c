"""The false discovery rate of a whole project: of all that is reported, the part that is false.

Each series' own bar limits false reports per series; ten thousand series have ten thousand chances. Benjamini
and Hochberg ("Controlling the false discovery rate", 1995) order all chances of error and keep as many as let
the expected part of false ones stay below the bar. Every point of every series is a test that could report.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from regress.config import FALSE_DISCOVERIES


def discoveries(p_values: Sequence[float], tests: int, rate: float = FALSE_DISCOVERIES) -> list[bool]:
    """For each chance of error among ``tests`` made: is it kept, if ``rate`` of those kept may be false?"""
    if not p_values:
        return []
    highest = bar(np.asarray(p_values, dtype=np.float64), tests, rate)
    return [p <= highest for p in p_values]


def bar(p_values: NDArray[np.float64], tests: int, rate: float) -> float:
    """The largest chance of error that is kept; -1 where none is."""
    ordered = np.sort(p_values)
    below = np.flatnonzero(ordered <= rate * np.arange(1, ordered.size + 1) / max(tests, ordered.size))
    return float(ordered[below[-1]]) if below.size else -1.0
