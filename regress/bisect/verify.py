"""How much two commits differ: the size of a step, from measurements of culprit and parent taken in turns, or
from all that a search knows while its place is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from regress.bisect.evidence import Floats, logarithms
from regress.bisect.posterior import Fit

_WIDTH = {2: 4.30, 4: 2.78, 6: 2.45, 8: 2.31, 10: 2.23}
"""97.5 % points of Student's t by degrees of freedom (any statistics table); ``_WIDEST`` at infinity."""

_WIDEST = 1.96

VAGUE = 1.0
"""Half an interval, as a logarithm, beyond which nobody need be told of it."""


@dataclass(frozen=True, slots=True)
class Check:
    """``ratio`` after / before with its 95 % interval."""

    ratio: float
    low: float
    high: float


def check(before: Sequence[float], after: Sequence[float]) -> Check:
    """Compare two non-empty sets of measurements."""
    values = np.array([*before, *after], dtype=np.float64)
    scaled = logarithms(values)
    a, b = scaled[: len(before)], scaled[len(before) :]
    freedom = max(len(values) - 2, 1)
    spread = sqrt((float(((a - a.mean()) ** 2).sum()) + float(((b - b.mean()) ** 2).sum())) / freedom)
    error = _quantile(freedom) * spread * sqrt(1 / len(a) + 1 / len(b))
    step = float(b.mean() - a.mean())
    if not (values > 0).all():  # linear scale: there is no ratio of logarithms
        level = float(a.mean()) or 1.0
        return Check(1 + step / level, 1 + (step - error) / level, 1 + (step + error) / level)
    return Check(exp(step), exp(step - error), exp(step + error))


def wherever(places: Floats, fit: Fit) -> Check | None:
    """A step's size under the chances of its places (the last: none); None while it may be nearly any."""
    weight = float(places[:-1].sum())
    if weight <= 0:
        return None
    share, shift = places[:-1] / weight, fit.shift[:-1]
    mean = float(share @ shift)
    spread = _WIDEST * sqrt(max(float(share @ (fit.error[:-1] ** 2 + shift**2)) - mean**2, 0.0))
    return Check(exp(mean), exp(mean - spread), exp(mean + spread)) if spread <= VAGUE else None


def _quantile(freedom: int) -> float:
    return next((width for limit, width in _WIDTH.items() if freedom <= limit), _WIDEST)
