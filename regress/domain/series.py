"""Series with their points, and the places where their level shifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from regress.domain.results import SeriesKey

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """One measured commit of a series, in history's order."""

    commit: str
    position: int
    value: float
    low: float | None = None
    high: float | None = None
    samples: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """A series with its points, oldest first."""

    id: int
    key: SeriesKey
    points: tuple[Point, ...]

    @property
    def columns(self) -> SeriesColumns:
        """The same, as columns."""
        return SeriesColumns(
            self.id,
            self.key,
            tuple(point.commit for point in self.points),
            tuple(point.position for point in self.points),
            tuple(point.value for point in self.points),
            tuple(point.low for point in self.points),
            tuple(point.high for point in self.points),
            tuple(point.samples for point in self.points),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SeriesColumns:
    """A series as columns, oldest point first: for who reads many, without an object for each point.

    Columns of numbers may be arrays; in ``lows`` and ``highs`` None or NaN is a bound that is not known.
    """

    id: int
    key: SeriesKey
    commits: Sequence[str]
    positions: Sequence[int]
    values: Sequence[float] | Floats
    lows: Sequence[float | None] | Floats
    highs: Sequence[float | None] | Floats
    samples: Sequence[tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """A series without its points: how many it has on its branch, and the newest one."""

    id: int
    key: SeriesKey
    points: int
    latest: Point | None = None
    latest_at: datetime | None = None


def relative(before: float, after: float) -> float:
    """One level relative to another, infinite where that was zero; 1.15 is 15 % more."""
    return after / before if before else float("inf")


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A place where a series' level shifted; ``index`` is the first point of the new level.

    ``before`` and ``after`` are the levels, ``low`` and ``high`` bound ``ratio`` = after / before,
    ``p_value`` is the chance of seeing this without a shift. ``earliest`` and ``latest`` bound ``index``:
    where else the data would put the shift almost as gladly (None: nowhere else).
    """

    index: int
    before: float
    after: float
    low: float
    high: float
    p_value: float
    earliest: int | None = None
    latest: int | None = None

    def __index__(self) -> int:
        """``values[point]`` is the first value of the new level; scorers of places take it as it is."""
        return self.index

    @property
    def ratio(self) -> float:
        """The level after, relative to the level before; 1.15 is 15 % more."""
        return relative(self.before, self.after)

    @property
    def span(self) -> tuple[int, int]:
        """The first and last point that the new level may begin with, as far as the detector tells."""
        earliest = self.index if self.earliest is None else self.earliest
        return earliest, self.index if self.latest is None else self.latest

    @property
    def slack(self) -> int:
        """Points by which the place may be off beyond its ``span``.

        One stray measurement beside the step moves a noisy series' place by one; an exact counter has none.
        """
        return 0 if self.high - self.low <= 1e-6 * abs(self.ratio) else 1
