"""Two results, three answers: slower, faster, the same within what the data can see, or can't tell.

The centres' ratio gets a 99 % interval: from raw samples where both sides have three or more (the spread of
medians, by order statistics), else from the bounds the tool gave. "Same" needs an interval that lies within
the smallest effect that matters; an interval that reaches beyond it without excluding "no change" is
"can't tell", and tells how many more runs would narrow it enough (width falls with the root of the count).
Go's benchstat and its "~" are the model.

Written once, for columns: a commit has tens of thousands of results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regress.detect.noise import Floats
from regress.domain import Direction, Measurement, Verdict
from regress.precision import CONFIDENCE_Z, within

MOST_RUNS = 1000
"""Beyond this many further runs, no count is given: nobody would do them."""

RUN_NOISE = 0.005
"""Spread between processes that samples of one process cannot see (layout, hash seeds, frequency), at least:
half a per cent of the value (Kalibera and Jones, "Rigorous benchmarking in reasonable time", 2013)."""

VERDICTS = (Verdict.SLOWER, Verdict.FASTER, Verdict.UNCLEAR, Verdict.SAME)
"""What the numbers in ``Answers.verdicts`` stand for: the loudest first."""

_SLOWER, _FASTER, _UNCLEAR, _SAME = range(4)
_WIDEST = 700.0  # of a logarithm: beyond, exp overflows

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answer:
    """What two results say: b / a with its interval, and what the data can see."""

    verdict: Verdict
    ratio: float
    low: float
    high: float
    resolution: float
    more_runs: int | None


@dataclass(frozen=True, slots=True)
class Sides:
    """Results of two sides by columns: centres, what their runs tell of their errors, and what is known.

    ``within_a`` and ``within_b`` are as in ``regress.precision``; ``noise`` is the series' own spread between
    runs, relative (0.01 is 1 %), NaN where nothing tells it; ``effect`` is the smallest change that matters;
    ``timed`` says that the unit is seconds, ``lower`` that less is better.
    """

    a: Floats
    b: Floats
    within_a: Floats
    within_b: Floats
    noise: Floats
    effect: Floats
    timed: Bools
    lower: Bools


@dataclass(frozen=True, slots=True)
class Answers:
    """Columns of what ``Answer`` says; ``more_runs`` is 0 where there is no count."""

    verdicts: npt.NDArray[np.int8]
    ratio: Floats
    low: Floats
    high: Floats
    resolution: Floats
    more_runs: npt.NDArray[np.int64]

    def __getitem__(self, row: int) -> Answer:
        return Answer(
            VERDICTS[self.verdicts[row]],
            float(self.ratio[row]),
            float(self.low[row]),
            float(self.high[row]),
            float(self.resolution[row]),
            int(self.more_runs[row]) or None,
        )


def compare_samples(
    a: Measurement, b: Measurement, *, minimum_effect: float, noise: float | None = None
) -> Answer:
    """Compare two measurements of one series, ``a`` before and ``b`` after.

    ``noise`` is the series' own spread between runs, relative (0.01 is 1 %), where its history tells it.
    "Slower" is worse and "faster" better, by the direction of the metric.
    """
    metric = a.series.metric
    sides = Sides(
        a=np.array([a.value]),
        b=np.array([b.value]),
        within_a=np.array([within(a)]),
        within_b=np.array([within(b)]),
        noise=np.array([np.nan if noise is None else noise]),
        effect=np.array([minimum_effect]),
        timed=np.array([metric.unit == "seconds"]),
        lower=np.array([metric.direction is Direction.LOWER]),
    )
    return compare_columns(sides)[0]


def compare_columns(sides: Sides) -> Answers:
    """Compare many at once."""
    with np.errstate(all="ignore"):  # zeros and infinities are answered for
        return _with_ratios(sides) if bool(np.all((sides.a > 0) & (sides.b > 0))) else _with_zeros(sides)


def _with_ratios(sides: Sides) -> Answers:
    """Where every value is above zero."""
    shift, ratio = np.log(sides.b) - np.log(sides.a), sides.b / sides.a
    errors = [_relative_error(one, sides.noise, sides.timed) for one in (sides.within_a, sides.within_b)]
    half = CONFIDENCE_Z * np.hypot(*errors)
    known = np.isfinite(half)
    effect = np.log1p(sides.effect)
    verdicts = _judge(shift, half, effect, sides.lower)
    more = np.where((verdicts == _UNCLEAR) & known, _more_runs(shift, half, effect), 0)
    resolution = np.where(known, np.expm1(np.minimum(half, _WIDEST)), np.inf)
    low = np.where(known, ratio / (1 + resolution), 0.0)
    return Answers(verdicts, ratio, low, ratio * (1 + resolution), resolution, more.astype(np.int64))


def _relative_error(own: Floats, noise: Floats, timed: Bools) -> Floats:
    """The standard error of a centre, relative to it; infinite where nothing tells it."""
    bare, exact, unheard = np.isnan(own), own < 0, np.isnan(noise)
    wider = np.where(unheard, np.hypot(own, RUN_NOISE), np.maximum(own, noise))
    # one naked time says nothing of its noise; a counter has none
    alone = np.where(unheard, np.where(bare & timed, np.inf, 0.0), noise)
    return np.where(bare | exact, alone, wider)


def _judge(shift: Floats, half: Floats, effect: Floats, lower: Bools) -> npt.NDArray[np.int8]:
    """Three answers from log ratios, the halves of their intervals, and the smallest effects that matter."""
    size = np.abs(shift)
    sure = (size > half) & (size >= effect)
    settled = (size + half <= effect) | ((half < size) & (size < effect)) | ((shift == half) & (half == 0))
    quiet = np.where(settled, _SAME, _UNCLEAR)
    return np.where(sure, _worse_or_better(shift, lower), quiet).astype(np.int8)


def _worse_or_better(shift: Floats, lower: Bools) -> npt.NDArray[np.int64]:
    """The verdicts on changes that are sure, by the metric's direction."""
    return np.where((shift > 0) == lower, _SLOWER, _FASTER)


def _more_runs(shift: Floats, half: Floats, effect: Floats) -> Floats:
    """Further runs of each side that would settle it, if the centres stay where they are; 0: nobody knows."""
    size = np.abs(shift)
    target = np.where(size >= effect, size, np.maximum(size, effect - size))
    more = np.ceil(np.minimum(half / target, MOST_RUNS) ** 2) - 1
    return np.where((target > 0) & (more <= MOST_RUNS), np.maximum(1, more), 0)


def _with_zeros(sides: Sides) -> Answers:
    """Zero or negative values (a counter that can be 0) are judged by their difference against their size."""
    answers = _with_ratios(sides)
    odd = (sides.a <= 0) | (sides.b <= 0)
    same = sides.a == sides.b
    size = (sides.b - sides.a) / np.maximum(np.abs(sides.a), np.abs(sides.b))
    moved = ~same & (np.abs(size) >= sides.effect)
    verdicts = np.where(moved, _worse_or_better(size, sides.lower), _SAME)
    ratio = np.where(same, 1.0, np.where(sides.a == 0, np.inf, sides.b / sides.a))
    return Answers(
        np.where(odd, verdicts, answers.verdicts).astype(np.int8),
        np.where(odd, ratio, answers.ratio),
        np.where(odd, ratio, answers.low),
        np.where(odd, ratio, answers.high),
        np.where(odd, 0.0, answers.resolution),
        np.where(odd, 0, answers.more_runs),
    )
