"""Which commits to measure at once: each pick is what tells most, given what those before it will have told.

What a measurement will say is not known, but on which sides of its commit the step can then lie: one of
them is what is left, to the extent that a measurement tells the sides apart. With little noise that shares
the range out among the workers; with much, several of them measure the same commit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from regress.bisect.evidence import Floats

SUREST = 0.95
"""The most that one measurement counts as having told: the last one is never worth nothing."""

WIDEST = 8
"""The most commits that are measured at once: with 16 the turns are hardly fewer and the runs nearly twice
as many, with 64 most searches spend their budget before they can verify anybody."""

Rates = Callable[[Floats], Floats]
"""What measuring each commit is worth under a posterior."""


def picks(places: Floats, rates: Rates, told: Rates, best: Callable[[Floats], int], width: int) -> list[int]:
    """``width`` commits. ``told``: the nats that one measurement of each commit tells; ``best`` chooses."""
    chosen: list[int] = []
    alone = rates(places)
    nats = told(places) if width > 1 else alone
    for _ in range(width):
        worth = alone
        if chosen:
            sure = float(np.mean([_surely(places, nats, place) for place in chosen]))
            worth = (1 - sure) * alone + sure * _apart(places, rates, sorted(set(chosen)))
        chosen.append(best(worth))
    return chosen


def _surely(places: Floats, nats: Floats, place: int) -> float:
    """How much of "before or after this commit?" one measurement of it answers."""
    after = min(max(float(places[: place + 1].sum()), 1e-12), 1 - 1e-12)
    open_ = -(after * math.log(after) + (1 - after) * math.log(1 - after))
    return min(float(nats[place]) / max(open_, 1e-12), SUREST)


def _apart(places: Floats, rates: Rates, chosen: list[int]) -> Floats:
    """What measuring is worth once it is known between which of the chosen commits the step lies."""
    worth: Floats = np.zeros(len(places) - 1)
    bounds = [0, *(place + 1 for place in chosen), len(places)]
    for start, stop in itertools.pairwise(bounds):
        part = np.zeros_like(places)
        part[start:stop] = places[start:stop]
        mass = float(part.sum())
        if mass > 1e-9:
            worth += mass * rates(part / mass)
    return worth
