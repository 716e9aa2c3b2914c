"""How far a measurement's centre may be off, by what was measured there and then: one number for each.

It stands with every measurement in packed form (``store/centres.py``), so that whole commits can be compared
without their raw samples; ``detect/compare.py`` turns it into an error, with the noise between runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from regress.domain import Measurement

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

CONFIDENCE_Z = 2.576
"""99 %: what the bounds of a measurement stand for, and what a comparison asks for."""

FEWEST_SAMPLES = 3

EXACT = -1.0
"""All samples agree: a counter."""

UNKNOWN = math.nan
"""One bare number."""

Tables = list[tuple[list[int], "NDArray[float64]"]]
"""Raw samples of many measurements, a table for all that have equally many: places, and a row for each."""


def within(measured: Measurement) -> float:
    """The standard error of a centre, relative to it, as its own run tells; or ``EXACT``, or ``UNKNOWN``."""
    m = measured
    return all_within([m.value], [m.low], [m.high], tables([m.samples]))[0]


def tables(samples: Sequence[tuple[float, ...]]) -> Tables:
    """The samples of those that have any; without numpy where none has."""
    if not any(samples):
        return []
    import numpy as np  # which deliveries without samples can do without

    counts, made = np.fromiter(map(len, samples), np.intp, len(samples)), []
    for count in np.unique(counts[counts > 0]).tolist():
        rows = np.flatnonzero(counts == count).tolist()
        flat = chain.from_iterable(map(samples.__getitem__, rows))
        made.append((rows, np.fromiter(flat, "<f8", count * len(rows)).reshape(-1, count)))
    return made


def all_within(
    values: Sequence[float],
    lows: Sequence[float | None],
    highs: Sequence[float | None],
    sampled: Tables,
) -> list[float]:
    """The same of many, by columns: from samples where there are enough, else from bounds."""
    found = [UNKNOWN] * len(values)
    told = [(rows, table) for rows, table in sampled if table.shape[1] >= FEWEST_SAMPLES]
    for rows, table in told:
        errors = _of_samples([values[i] for i in rows], table)
        for i, error in zip(rows, errors, strict=True):
            found[i] = error
    if sum(len(rows) for rows, _ in told) < len(values):
        enough = set(chain.from_iterable(rows for rows, _ in told))
        for i, (value, low, high) in enumerate(zip(values, lows, highs, strict=True)):
            if low is not None and high is not None and value > 0 and i not in enough:
                found[i] = max(0.0, high - low) / 2 / CONFIDENCE_Z / value
    return found


def _of_samples(values: list[float], table: NDArray[float64]) -> list[float]:
    """Of rows with equally many samples: 1.2533 sigma / sqrt(n) of normal values, and IQR = 1.349 sigma."""
    import numpy as np

    centres = np.array(values)
    ordered = np.sort(table, axis=1)
    with np.errstate(all="ignore"):  # centres of zero are not asked for; an error may be infinite
        spread = _quantile(ordered, 0.75) - _quantile(ordered, 0.25)
        errors = 1.2533 * spread / 1.349 / math.sqrt(table.shape[1]) / centres
    errors[~(centres > 0)] = UNKNOWN
    told: list[float] = np.where(ordered[:, 0] == ordered[:, -1], EXACT, errors).tolist()
    return told


def _quantile(ordered: NDArray[float64], share: float) -> NDArray[float64]:
    """Of each row, between its values; numpy's own takes five times as long as to order them does."""
    place = share * (ordered.shape[1] - 1)
    below, part = int(place), place % 1
    low, high = ordered[:, below], ordered[:, math.ceil(place)]
    between: NDArray[float64] = low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)
    return between
