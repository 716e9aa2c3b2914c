"""Where steps might be: the peaks of moving-window differences at all scales, found in n log n.

At each width, the mean after a point is compared with the mean before it (MOSUM: Eichinger and Kirch,
"A MOSUM procedure for the estimation of multiple random change points", 2018); widths grow by three quarters.
Too many candidates do no harm, a missing one does: the threshold is low and pruning decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from regress.detect.noise import Floats

LOW_BAR = 3.0
"""Standard errors by which a window's two halves must differ."""


def candidates(sums: Floats, sigma: float, shortest: int) -> list[int]:
    """Indices where a new level may start, at least ``shortest`` apart; ``sums`` are cumulative, from 0."""
    n = sums.size - 1
    places, heights = [], []
    for width in _widths(n, shortest):
        means = sums[width:] - sums[:-width]
        gap = np.abs(means[width:] - means[:-width])
        gap /= sigma * math.sqrt(2 * width)
        peaks = _peaks(gap, max(1, width // 2))
        at_peaks = gap[peaks]
        high = at_peaks > LOW_BAR
        places.append(peaks[high] + width)
        heights.append(at_peaks[high])
    score = np.zeros(n + 1)
    if places:
        np.maximum.at(score, np.concatenate(places), np.concatenate(heights))
    kept = [0]
    strength = score.tolist()
    for i in score[shortest : n - shortest + 1].nonzero()[0].tolist():
        place = i + shortest
        if place - kept[-1] >= shortest:
            kept.append(place)
        elif len(kept) > 1 and strength[place] > strength[kept[-1]]:
            kept[-1] = place
    return kept[1:]


def _widths(n: int, shortest: int) -> Iterator[int]:
    width = float(shortest)
    while width <= n // 2:
        yield int(width)
        width = max(width + 1, width * 1.75)


def _peaks(gap: Floats, radius: int) -> NDArray[np.intp]:
    """The places of the highest value of each stretch of ``radius``; for 1, of local maxima."""
    if radius == 1:
        inner = np.concatenate([[0.0], gap, [0.0]])
        return np.flatnonzero((gap >= inner[:-2]) & (gap >= inner[2:]))
    blocks = -(-gap.size // radius)
    padded = np.zeros(blocks * radius)
    padded[: gap.size] = gap
    peaks: NDArray[np.intp] = padded.reshape(blocks, radius).argmax(axis=1) + np.arange(blocks) * radius
    return peaks
