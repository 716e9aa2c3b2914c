"""Series that ride between two modes: a step moves both, so one is laid upon the other before the search.

In such a series the gap between the modes passes for noise, correlated where they last: it hides steps and
looks like some. ``mode_gap`` measures it, ``mode_path`` tells which points are in the upper mode; what is
left without it is noise and steps. That there are two modes must be worth saying: the description of all
points by levels, modes and noise must be shorter than any with one mode, whose noise may be correlated
(Rissanen, "Modeling by shortest data description", 1978).
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from regress.detect.mode_gap import Gap, mode_gap
from regress.detect.mode_path import Path, mode_path, step_cost
from regress.detect.noise import EXACT, Floats, gaps, middle

FEWEST = 30
"""Points in which two modes can be told from noise."""

LONGEST = 5000
"""Points beyond which a series is taken as it is: the path takes about 15 us a point."""

WIDEST = 7.0
"""Of the gap's logarithm: what differs by a factor of a thousand and more is not one thing in two modes."""

VISITS = 4
"""Visits to the upper mode, at least: what is visited once or twice may be changes that were undone."""

GAIN = 10.0
"""Nats by which the description with two modes is shorter, at least."""

STRAYS = 0.02
"""Points further than three sigma from either mode, at most: of normal noise there are 0.003."""


def folded(level: Floats) -> Floats | None:
    """The series as it were if all points were in the commoner mode; None where there are no two modes.

    ``level`` is on a scale where steps add; the gap between modes is taken to be the same at all levels.
    """
    if not FEWEST <= level.size <= LONGEST:
        return None
    gap = mode_gap(level)
    path = mode_path(level, gap) if gap and gap.height < WIDEST else None
    if not gap or not path or int(np.sum(path.upper[1:] & ~path.upper[:-1])) < VISITS:
        return None
    left = level - path.base - gap.height * path.upper
    strays = int(np.sum(np.abs(left) > 3 * gap.sigma))
    if strays > STRAYS * level.size + 1 or _gain(level, left, path) < GAIN:
        return None
    return _laid(level, path, gap)


def _laid(level: Floats, path: Path, gap: Gap) -> Floats:
    rarer = path.upper if 2 * path.upper.sum() < level.size else path.upper - 1.0
    laid: Floats = level - gap.height * rarer
    return laid


def _gain(level: Floats, left: Floats, path: Path) -> float:
    """By how many nats the description with two modes is shorter than the shortest with one."""
    two = _noise(left) + _switches(path) + 2.5 * math.log(level.size)  # two chances, gap, two sigma
    steps = step_cost(level.size) * (path.edges.size - 2)
    flat = level - middle(level)
    stepped = np.concatenate([level[a:b] - middle(level[a:b]) for a, b in itertools.pairwise(path.edges)])
    return min(_one_mode(flat), _one_mode(stepped) + steps) - two - steps


def _noise(residuals: Floats) -> float:
    """The length of noise: normal or Laplace's, whichever is shorter."""
    sigma, size = max(float(residuals.std()), EXACT), max(float(np.abs(residuals).mean()), EXACT)
    normal = 0.5 * math.log(2 * math.pi * math.e) + math.log(sigma)
    return residuals.size * min(normal, 1 + math.log(2 * size))


def _one_mode(residuals: Floats) -> float:
    """The length of noise with one mode, which may be correlated."""
    now, before = residuals[1:], residuals[:-1]
    part = float(now @ before) / max(float(before @ before), EXACT**2)
    first = residuals[:1] * math.sqrt(max(0.0, 1 - part * part))
    news = np.concatenate([first, now - part * before])
    return min(_noise(residuals), _noise(news) + 0.5 * math.log(residuals.size))


def _switches(path: Path) -> float:
    """The length of which points are in which mode."""
    changed = gaps(path.upper.astype(np.intp))
    lower = ~path.upper[:-1]
    return sum(_entropy(int(np.sum(changed[mode] != 0)), int(mode.sum())) for mode in (lower, ~lower))


def _entropy(some: int, all_: int) -> float:
    if not 0 < some < all_:
        return 0.0
    share = some / all_
    return -all_ * (share * math.log(share) + (1 - share) * math.log(1 - share))
