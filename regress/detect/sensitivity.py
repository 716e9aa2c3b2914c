"""What a series can show: its noise, the smallest change it would flag now, the price of a smaller one.

Nothing is measured for this: a series between its change points is one A/A test, the same code timed again
and again. The smallest change turns the default detector's own test around: a step at the newest
commit, looked at once ``SETTLED`` commits follow it, is flagged nine times in ten. So it is an answer about
that detector; the others of the registry see other sizes.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regress.detect.evidence import PRIOR, z_of
from regress.detect.newest import CLEAR, newest_bar
from regress.detect.noise import EXACT, Floats, correlation_factor, prepare
from regress.detect.options import Options
from regress.detect.segments import FLOOR

FEWEST = 8
"""Points from which a series' own history tells its noise."""

FEWEST_MODE = 16
"""Points on one level from which a mode is named: fewer fall into two groups by chance (9 % of 8)."""

SETTLED = 12
"""Commits after a step at which it is judged: its level is no longer young then (``youth``)."""

POWER_Z = 1.2816
"""Nine times in ten: the normal's 90 % quantile."""

MARGIN = 1.1
"""By how much steps must be larger than the test alone asks: until a step is found, the noise estimate holds
part of it, and it is clipped. Simulated: 0.75-0.91 of steps are found without it, 0.90-0.95 with it.
"""

MOST = 1000
"""Further measurements beyond which none is named: nobody would make them."""

_ROUND = (5.0, 2.0, 1.0)
_TWO_MODES = 0.85
"""Share of the variance that two levels explain of a series with two modes: normal 0.64, uniform 0.75."""

_RARER = 0.15  # part of the points that the rarer mode has at least: fewer are spikes
_RETURNS = 4  # changes of side: fewer are steps
_COARSE = 0.5  # part of neighbours that agree exactly, from which values are those of a coarse clock
_DRIFT_Z = 4.0  # of the slope: a commit's worth of thousands of series has none by chance
_DRIFT_SIGMA = 1.0  # sigma that a drift has moved the level by, since its last change


class Mode(enum.StrEnum):
    """How a series behaves between changes."""

    STEADY = "steady"
    BIMODAL = "bimodal"
    DRIFTING = "drifting"
    QUANTISED = "quantised"


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What one series can see. Sizes are relative: 0.02 is 2 %.

    ``noise`` is sigma between commits on one level, ``smallest`` the change that is flagged nine times in ten
    ``SETTLED`` commits after it. ``target`` is the next round size below; ``more`` the further measurements
    after a step that make it visible (None: no number does, the noise is in the way).
    """

    points: int
    mode: Mode
    noise: float
    smallest: float
    target: float
    more: int | None


def sensitivity(
    values: Floats, starts: Sequence[int] = (), options: Options | None = None
) -> Sensitivity | None:
    """What a series can see; None while it has fewer than ``FEWEST`` values.

    ``starts`` are the indices at which new levels begin, in order (the change points' ``index``).
    """
    options = options or Options()
    signal = prepare(values)
    if signal.values.size < FEWEST:
        return None
    levels = [part for part in np.split(signal.level, np.searchsorted(signal.kept, starts)) if part.size]
    clipped = np.split(signal.clipped, np.cumsum([part.size for part in levels])[:-1])
    residuals = np.concatenate([part - part.mean() for part in clipped])
    sigma = math.sqrt(float(np.sum(residuals**2)) / max(1, residuals.size - len(levels)))
    last = levels[-1]
    if sigma <= EXACT or signal.exact:
        return Sensitivity(signal.values.size, mode_of(last), 0.0, 0.0, 0.0, 0)
    seen = _Seen(
        sigma, correlation_factor(residuals, len(levels)), signal.values.size, last.size, options.false_alarms
    )
    smallest = seen.smallest(SETTLED)
    target = _round_below(math.expm1(smallest))
    return Sensitivity(
        signal.values.size,
        mode_of(last),
        math.expm1(sigma),
        math.expm1(min(smallest, 700.0)),  # beyond, exp overflows
        target,
        seen.more(math.log1p(target)),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The detector's test, turned around: from how sure a step must be to how large it must be."""

    sigma: float
    correlation: float
    points: int
    before: int
    false_alarms: float

    def smallest(self, after: int) -> float:
        """The step, on a logarithmic scale, that is seen when ``after`` measurements follow it."""
        sizes = np.array([self.before, after], dtype=np.float64)
        errors = self.sigma**2 * (1 + (self.correlation - 1) * (1 - 1 / sizes)) / sizes
        lent = sizes - 1 + PRIOR
        free = min(float(errors.sum() ** 2 / (errors**2 / lent).sum()), float(self.points))
        points = self.points + after
        bars = z_of(self.false_alarms / points), newest_bar(self.false_alarms, points)
        error = math.sqrt(float(errors.sum()))
        settled, unclear = (MARGIN * error * (_of_t(z, free) + POWER_Z) for z in bars)
        clear = CLEAR * self.sigma + POWER_Z * error
        return max(min(unclear, max(settled, clear)), FLOOR * self.sigma)

    def more(self, step: float) -> int | None:
        """How many measurements beyond ``SETTLED`` make a step visible."""
        low, high = 0, MOST
        if self.smallest(SETTLED + high) > step:
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.smallest(SETTLED + middle) <= step else (middle + 1, high)
        return low


def _of_t(z: float, free: float) -> float:
    """The t that is as sure as a normal's z: the detector's own formula (``evidence``), turned around."""
    z *= (8 * free + 3) / (8 * free + 1)
    return math.sqrt(free * math.expm1(z * z / free))


def mode_of(level: Floats) -> Mode:
    """How values that have no step between them behave."""
    if level.size < FEWEST_MODE:
        return Mode.STEADY
    if _is_bimodal(level):
        return Mode.BIMODAL
    agree = float(np.mean(np.diff(level) == 0))
    if agree >= _COARSE:
        return Mode.STEADY if agree == 1 else Mode.QUANTISED
    return Mode.DRIFTING if _drifts(level) else Mode.STEADY


def _is_bimodal(level: Floats) -> bool:
    """Whether values keep going between two levels that explain nearly all of how they differ (Otsu 1979)."""
    ordered = np.sort(level - level.mean())
    total = float(np.sum(ordered**2))
    rarest = max(2, math.ceil(_RARER * level.size))
    if total <= EXACT**2 or level.size <= 2 * rarest:
        return False
    sizes = np.arange(rarest, level.size - rarest + 1)
    lower = np.cumsum(ordered)[sizes - 1]
    explained = lower**2 / sizes + lower**2 / (level.size - sizes)
    best = int(explained.argmax())
    border = float(ordered[sizes[best] - 1] + ordered[min(sizes[best], level.size - 1)]) / 2
    sides = (level - level.mean()) > border
    return float(explained[best]) > _TWO_MODES * total and int(np.sum(sides[1:] != sides[:-1])) >= _RETURNS


def _drifts(level: Floats) -> bool:
    """Whether a line through the values rises or falls by more than chance and correlation make it."""
    places = np.arange(level.size) - (level.size - 1) / 2
    power = float(np.sum(places**2))
    slope = float(np.sum(places * level)) / power
    residuals = level - level.mean() - slope * places
    variance = float(np.sum(residuals**2)) / max(1, level.size - 2)
    error = math.sqrt(max(variance, EXACT**2) * correlation_factor(residuals) / power)
    moved = abs(slope) * level.size
    return abs(slope) > _DRIFT_Z * error and moved > _DRIFT_SIGMA * math.sqrt(variance)


def _round_below(size: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 ... per cent (or parts of one) below a size."""
    if not 0 < size < math.inf:
        return 0.0
    decade = 10.0 ** math.floor(math.log10(size))
    return next(step * decade for step in (*_ROUND, 0.5) if step * decade < 0.999 * size)
