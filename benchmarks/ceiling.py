"""How many steps of the generated series anybody could find: the share of an oracle.

The oracle knows sigma, all other steps, and that there is one step more; it has white normal noise and a bar
in standard errors, puts the step where the likelihood is highest, and has no false alarm. It misses what is
too small to be seen, or too small to be placed within the scorer's margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

BAR = 4.0
"""Standard errors: the best of 400 places exceeds them by chance in one of fifty series (0.05 per 1,000)."""

DRAWS = 20


def ceiling(cases: Iterable[Any], margin: int, bar: float = BAR) -> float:
    """The F1 of the oracle over generated series; steps that it misplaces are missed and false."""
    import numpy as np

    rng = np.random.default_rng(0)
    hits = misplaced = steps = 0.0
    for case in cases:
        edges = [0, *case.cps, len(case.values)]
        for i, size in enumerate(case.sizes):
            before, points = edges[i + 1] - edges[i], edges[i + 2] - edges[i]
            noise = rng.standard_normal((DRAWS, points))
            noise[:, before:] += math.log1p(size) / case.sigma
            sums = noise.cumsum(axis=1)
            left = np.arange(1, points)
            gap = np.abs(sums[:, :-1] - sums[:, -1:] * left / points) / np.sqrt(
                left * (points - left) / points
            )
            seen, near = gap.max(axis=1) > bar, np.abs(gap.argmax(axis=1) + 1 - before) <= margin
            hits += float(np.mean(seen & near))
            misplaced += float(np.mean(seen & ~near))
            steps += 1
    return 2 * hits / max(1.0, hits + misplaced + steps)
