"""Measurements as columns: what a file of many thousand results becomes without an object for each.

It is a sequence of ``Measurement`` like any other; filled and read by columns, it takes a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import overload

from regress.domain import Measurement, SeriesKey

Samples = tuple[float, ...]


class Measurements(Sequence[Measurement]):
    """Lists of one length, one for each field of ``Measurement``; to be filled, then read."""

    __slots__ = ("commits", "highs", "lows", "samples", "series", "times", "values")

    def __init__(self) -> None:
        self.series: list[SeriesKey] = []
        self.commits: list[str] = []
        self.values: list[float] = []
        self.lows: list[float | None] = []
        self.highs: list[float | None] = []
        self.samples: list[Samples] = []
        self.times: list[datetime | None] = []

    @classmethod
    def of(cls, measurements: Iterable[Measurement]) -> Measurements:
        """The columns of some measurements; themselves where they are columns."""
        if isinstance(measurements, cls):
            return measurements
        made = cls()
        for m in measurements:
            made.add(m.series, m.commit, m.value, m.low, m.high, m.samples, m.measured_at)
        return made

    def add(
        self,
        series: SeriesKey,
        commit: str,
        value: float,
        low: float | None,
        high: float | None,
        samples: Samples,
        at: datetime | None,
    ) -> None:
        """One more measurement."""
        self.series.append(series)
        self.commits.append(commit)
        self.values.append(value)
        self.lows.append(low)
        self.highs.append(high)
        self.samples.append(samples)
        self.times.append(at)

    def extend(
        self,
        series: Sequence[SeriesKey],
        commit: str,
        values: Iterable[float],
        lows: Iterable[float | None],
        highs: Iterable[float | None],
        samples: Iterable[Samples],
        at: datetime | None,
    ) -> None:
        """A measurement of each of some series at one commit and time; as many of everything else."""
        self.series += series
        self.commits += repeat(commit, len(series))
        self.values += values
        self.lows += lows
        self.highs += highs
        self.samples += samples
        self.times += repeat(at, len(series))

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Measurement: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Measurement]: ...

    def __getitem__(self, index: int | slice) -> Measurement | Sequence[Measurement]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return Measurement(
            self.series[index],
            self.commits[index],
            self.values[index],
            self.lows[index],
            self.highs[index],
            self.samples[index],
            self.times[index],
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment] # it grows while a file is read
