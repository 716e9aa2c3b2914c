"""Two results, three answers: slower, faster, the same within what the data can see, or can't tell.

The centres' ratio gets a 99 % interval: from raw samples where both sides have three or more (the spread of
medians, by order statistics), else from the bounds the tool gave. "Same" needs an interval that lies within
the smallest effect that matters; an interval that reaches beyond it without excluding "no change" is
"can't tell", and tells how many more runs would narrow it enough (width falls with the root of the count).
Go's benchstat and its "~" are the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from regress.domain import Direction, Measurement, Verdict

CONFIDENCE_Z = 2.576
"""99 %: a commit compares tens of benchmarks, and at 95 % one in twenty would lie."""

FEWEST_SAMPLES = 3
MOST_RUNS = 1000
"""Beyond this many further runs, no count is given: nobody would do them."""

RUN_NOISE = 0.005
"""Spread between processes that samples of one process cannot see (layout, hash seeds, frequency), at least:
half a per cent of the value (Kalibera and Jones, "Rigorous benchmarking in reasonable time", 2013)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What two results say: b / a with its interval, and what the data can see."""

    verdict: Verdict
    ratio: float
    low: float
    high: float
    resolution: float
    more_runs: int | None


def compare_samples(
    a: Measurement, b: Measurement, *, minimum_effect: float, noise: float | None = None
) -> Answer:
    """Compare two measurements of one series, ``a`` before and ``b`` after.

    ``noise`` is the series' own spread between runs, relative (0.01 is 1 %), where its history tells it.
    "Slower" is worse and "faster" better, by the direction of the metric.
    """
    if a.value <= 0 or b.value <= 0:
        return _without_ratio(a, b, minimum_effect)
    errors = [_relative_error(side, noise) for side in (a, b)]
    shift, ratio = math.log(b.value) - math.log(a.value), b.value / a.value
    if None in errors:
        return Answer(Verdict.UNCLEAR, ratio, 0.0, math.inf, math.inf, None)
    half = CONFIDENCE_Z * math.hypot(*(error or 0.0 for error in errors))
    verdict = _judge(shift, half, math.log1p(minimum_effect), a)
    more = _more_runs(shift, half, math.log1p(minimum_effect)) if verdict is Verdict.UNCLEAR else None
    resolution = math.expm1(min(half, 700.0))  # beyond, exp overflows
    return Answer(verdict, ratio, ratio / (1 + resolution), ratio * (1 + resolution), resolution, more)


def _relative_error(side: Measurement, noise: float | None) -> float | None:
    """The standard error of a centre, relative to it; None where nothing tells it."""
    between = noise if noise is not None else RUN_NOISE
    if len(side.samples) >= FEWEST_SAMPLES:
        low, high = np.quantile(side.samples, [0.25, 0.75])
        if high == low and min(side.samples) == max(side.samples):
            return noise or 0.0  # an exact counter
        # The standard error of a median of n normal values is 1.2533 sigma / sqrt(n), and IQR = 1.349 sigma.
        within = 1.2533 * float(high - low) / 1.349 / math.sqrt(len(side.samples)) / side.value
        return math.hypot(within, between) if noise is None else max(within, between)
    if side.low is not None and side.high is not None:
        within = max(0.0, side.high - side.low) / 2 / CONFIDENCE_Z / side.value
        return math.hypot(within, between) if noise is None else max(within, between)
    if noise is None and side.series.metric.unit == "seconds":
        return None  # one naked time says nothing of its noise
    return noise or 0.0


def _judge(shift: float, half: float, effect: float, a: Measurement) -> Verdict:
    """Three answers from a log ratio, the half of its interval, and the smallest effect that matters."""
    if abs(shift) > half and abs(shift) >= effect:
        return worse_or_better(shift, a)
    settled = abs(shift) + half <= effect or half < abs(shift) < effect
    return Verdict.SAME if settled or shift == half == 0 else Verdict.UNCLEAR


def worse_or_better(shift: float, measured: Measurement) -> Verdict:
    """The verdict on a change that is sure, by the metric's direction."""
    worse = (shift > 0) == (measured.series.metric.direction is Direction.LOWER)
    return Verdict.SLOWER if worse else Verdict.FASTER


def _more_runs(shift: float, half: float, effect: float) -> int | None:
    """Further runs of each side that would settle it, if the centres stay where they are."""
    target = abs(shift) if abs(shift) >= effect else max(abs(shift), effect - abs(shift))
    if target <= 0:
        return None
    more = math.ceil(min(half / target, MOST_RUNS) ** 2) - 1
    return max(1, more) if more <= MOST_RUNS else None


def _without_ratio(a: Measurement, b: Measurement, effect: float) -> Answer:
    """Zero or negative values (a counter that can be 0): their difference against their size."""
    if a.value == b.value:
        return Answer(Verdict.SAME, 1.0, 1.0, 1.0, 0.0, None)
    size = (b.value - a.value) / max(abs(a.value), abs(b.value))
    ratio = b.value / a.value if a.value else math.inf
    verdict = worse_or_better(size, a) if abs(size) >= effect else Verdict.SAME
    return Answer(verdict, ratio, ratio, ratio, 0.0, None)
