"""How far a measurement's centre may be off, by what was measured there and then: one number for each.

It stands with every measurement in packed form (``store/centres.py``), so that whole commits can be compared
without their raw samples; ``detect/compare.py`` turns it into an error, with the noise between runs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from regress.domain import Measurement

CONFIDENCE_Z = 2.576
"""99 %: what the bounds of a measurement stand for, and what a comparison asks for."""

FEWEST_SAMPLES = 3

EXACT = -1.0
"""All samples agree: a counter."""

UNKNOWN = math.nan
"""One bare number."""


def within(measured: Measurement) -> float:
    """The standard error of a centre, relative to it, as its own run tells; or ``EXACT``, or ``UNKNOWN``."""
    m = measured
    return all_within([m.value], [m.low], [m.high], [m.samples])[0]


def all_within(
    values: Sequence[float],
    lows: Sequence[float | None],
    highs: Sequence[float | None],
    samples: Sequence[tuple[float, ...]],
) -> list[float]:
    """The same of many, by columns: from samples where there are enough, else from bounds."""
    found = [
        UNKNOWN
        if low is None or high is None or value <= 0
        else max(0.0, high - low) / 2 / CONFIDENCE_Z / value
        for value, low, high in zip(values, lows, highs, strict=True)
    ]
    by_count: defaultdict[int, list[int]] = defaultdict(list)
    if any(samples):
        for i, one in enumerate(samples):
            by_count[len(one)].append(i)
    for count, rows in by_count.items():
        if count >= FEWEST_SAMPLES:
            _sampled(values, samples, rows, found)
    return found


def _sampled(
    values: Sequence[float], samples: Sequence[tuple[float, ...]], rows: list[int], found: list[float]
) -> None:
    """Of rows with equally many samples: 1.2533 sigma / sqrt(n) of normal values, and IQR = 1.349 sigma."""
    import numpy as np  # which deliveries without samples can do without

    table = np.array([samples[i] for i in rows])
    centres = np.array([values[i] for i in rows])
    with np.errstate(all="ignore"):  # centres of zero are not asked for; an error may be infinite
        low, high = np.quantile(table, [0.25, 0.75], axis=1)
        errors = 1.2533 * (high - low) / 1.349 / math.sqrt(table.shape[1]) / centres
    exact = table.min(axis=1) == table.max(axis=1)
    errors[~(centres > 0)] = UNKNOWN
    for i, error in zip(rows, np.where(exact, EXACT, errors).tolist(), strict=True):
        found[i] = error
