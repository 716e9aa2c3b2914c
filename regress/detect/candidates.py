"""Where steps might be: the peaks of moving-window differences at all scales, found in n log n.

At each width, the mean after a point is compared with the mean before it (MOSUM: Eichinger and Kirch,
"A MOSUM procedure for the estimation of multiple random change points", 2018); widths grow by half. Too many
candidates do no harm, a missing one does: the threshold is low and pruning decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from regress.detect.noise import Floats

LOW_BAR = 2.5
"""Standard errors by which a window's two halves must differ."""

_DENSE = 64  # up to this radius every local maximum is taken, beyond it one a block


def candidates(sums: Floats, sigma: float, shortest: int) -> list[int]:
    """Indices where a new level may start, at least ``shortest`` apart; ``sums`` are cumulative, from 0."""
    n = sums.size - 1
    score = np.zeros(n + 1)
    for width in _widths(n, shortest):
        at = np.arange(width, n - width + 1)
        gap = np.abs(sums[at + width] - 2 * sums[at] + sums[at - width]) / (sigma * math.sqrt(2 * width))
        peaks = _peaks(gap, max(1, width // 2))
        peaks = peaks[gap[peaks] > LOW_BAR]
        score[at[peaks]] = np.maximum(score[at[peaks]], gap[peaks])
    kept: list[int] = []
    for i in map(int, np.flatnonzero(score)):
        if kept and i - kept[-1] < shortest:
            if score[i] > score[kept[-1]]:
                kept[-1] = i
        elif shortest <= i <= n - shortest:
            kept.append(i)
    return kept


def _widths(n: int, shortest: int) -> Iterator[int]:
    width = float(shortest)
    while width <= n // 2:
        yield int(width)
        width = max(width + 1, width * 1.5)


def _peaks(gap: Floats, radius: int) -> NDArray[np.intp]:
    """Indices of maxima within ``radius`` to either side."""
    if radius < _DENSE:
        edge = np.zeros(radius)
        highest = sliding_window_view(np.concatenate([edge, gap, edge]), 2 * radius + 1).max(axis=1)
        return np.flatnonzero(gap >= highest)
    blocks = -(-gap.size // radius)
    padded = np.concatenate([gap, np.zeros(blocks * radius - gap.size)]).reshape(blocks, radius)
    peaks: NDArray[np.intp] = padded.argmax(axis=1) + np.arange(blocks) * radius
    return peaks
