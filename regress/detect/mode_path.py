"""Which points of a series are in its upper mode: the likeliest path through modes and levels at once.

Whether a point is in the upper mode of one level or the lower of the next, its neighbours tell: both modes
are visited again and again, a level is left for good. Each (level, mode) is a state of a hidden chain; a
change of mode costs its rarity, one of level as much as any step must be worth. The path is found by
dynamic programming (Viterbi, "Error bounds for convolutional codes", 1967).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regress.detect.mode_gap import Gap
from regress.detect.noise import Edges, Floats

MOST_LEVELS = 400
"""Levels beyond which a series wanders rather than steps."""

STEP = 4.0
"""What a step costs, in nats, beside one and a half for each time the series is e times as long."""

_SPACING = 0.67  # sigma between levels
_SURE = 6.0  # nats that one point weighs at most: a spike is no reason to leave
_TURNS = 2  # of measuring how rare changes of mode are
_RAREST, _OFTENEST = 0.02, 0.7  # chance of a change of mode at a point


@dataclass(frozen=True, slots=True)
class Path:
    """For each point whether it is in the ``upper`` mode, and its ``base``: the lower mode of its level.

    ``edges`` are the places where the level changes, with 0 and the length.
    """

    upper: NDArray[np.bool_]
    base: Floats
    edges: Edges


def step_cost(points: int) -> float:
    """What a step costs in nats: where and how high it is, and that there is one."""
    return STEP + 1.5 * math.log(points)


def mode_path(level: Floats, gap: Gap) -> Path | None:
    """The likeliest path of a series with such modes; None where it wanders over too many levels."""
    spacing = _SPACING * gap.sigma
    cells = np.unique(np.rint(np.concatenate([level, level - gap.height]) / spacing))
    if cells.size > MOST_LEVELS:
        return None
    bases = cells * spacing
    away = (level[:, None] - bases) / gap.sigma
    costs = np.stack([away, away - gap.height / gap.sigma], axis=1)
    np.minimum(0.5 * costs * costs, _SURE, out=costs)
    chances = np.array([gap.share, gap.share])  # to leave the lower and the upper mode
    for _ in range(_TURNS):
        chances = np.clip(chances, _RAREST, _OFTENEST)
        modes, places, edges = _likeliest(costs, chances, step_cost(level.size))
        upper = modes.astype(np.bool_)
        changed = modes[1:] != modes[:-1]
        inside = np.array([upper.size - upper.sum(), upper.sum()])
        left = np.array([np.sum(changed & ~upper[:-1]), np.sum(changed & upper[:-1])])
        chances = (left + 1) / (inside + 2)
    return Path(upper, bases[places], edges)


def _likeliest(costs: Floats, chances: Floats, step: float) -> tuple[Edges, Edges, Edges]:
    """The cheapest path through ``costs`` (points x modes x levels): its modes, its levels, its steps."""
    stay, leave = -np.log(1 - chances)[:, None], -np.log(chances)[::-1, None]
    totals = np.empty_like(costs)
    totals[0] = costs[0]
    change = np.empty_like(costs[0])
    for before, now, cost in zip(totals, totals[1:], costs[1:], strict=False):
        np.add(before, stay, out=now)
        np.add(before[::-1], leave, out=change)
        np.minimum(now, change, out=now)
        np.minimum(now, before.min() + step, out=now)
        now += cost
    modes, places = np.empty(len(costs), dtype=np.intp), np.empty(len(costs), dtype=np.intp)
    mode, place = divmod(int(totals[-1].argmin()), costs.shape[2])
    edges = [len(costs)]
    for i in range(len(costs) - 1, -1, -1):
        modes[i], places[i] = mode, place
        if i:
            before = totals[i - 1]
            stays, changes = before[mode, place] + stay[mode, 0], before[1 - mode, place] + leave[mode, 0]
            if before.min() + step < min(stays, changes):
                mode, place = divmod(int(before.argmin()), costs.shape[2])
                edges.append(i)
            elif changes < stays:
                mode = 1 - mode
    return modes, places, np.array([0, *edges[::-1]], dtype=np.intp)
