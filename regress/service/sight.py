"""What a stored series can see: its sensitivity, the change that its owner cares about, the price of a look.

The price is what one more measurement took here: benchmarks of a run start one after another, so that the
time from one start to the next is what the first of them cost (set-up and all). The last one's is not known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from regress.config import Config
from regress.detect import Options, Sensitivity, sensitivity
from regress.domain import Event, Measurement, Series, SeriesKey
from regress.metrics import rule
from regress.service.judging import values_of
from regress.store import Store

LONGEST = 3600.0
"""Seconds between two starts beyond which the machine did something else in between."""


@dataclass(frozen=True, slots=True)
class Sight:
    """``sees`` is None while the history is short; ``seconds`` what a measurement takes, where times tell.

    ``minimum_effect`` is the smallest change that is reported, whatever smaller ones the series can see.
    """

    series_id: int
    key: SeriesKey
    sees: Sensitivity | None
    minimum_effect: float
    seconds: float | None

    @property
    def price(self) -> float | None:
        """Seconds that the further measurements for ``sees.target`` take."""
        if self.sees is None or self.sees.more is None or self.seconds is None:
            return None
        return self.sees.more * self.seconds


def sight(store: Store, series: Series, events: Iterable[Event], config: Config | None = None) -> Sight:
    """What one series can see; ``events`` are those that it has a part in, or more."""
    known = seconds_of(store, series.id)
    return _sight(series, _starts(events, series.id), known, config or Config(root=Path()))


def seconds_of(store: Store, series_id: int) -> float | None:
    """What the newest measurement of a series took, where times tell."""
    times = store.next_start(series_id)
    seconds = (times[1] - times[0]).total_seconds() if times else None
    return seconds if seconds is not None and seconds <= LONGEST else None


def sights(store: Store, branch: str, config: Config) -> Iterator[Sight]:
    """What every series of a branch can see, in the store's order."""
    events = store.events(branch)
    costs: dict[str, dict[int, float]] = {}
    for series in store.all_series(branch):
        newest = series.points[-1].commit
        if newest not in costs:
            costs[newest] = _costs(store.measurements_at(newest))
        yield _sight(series, _starts(events, series.id), costs[newest].get(series.id), config)


def _sight(series: Series, starts: set[str], seconds: float | None, config: Config) -> Sight:
    key, chosen = series.key, config.detection
    places = [i for i, point in enumerate(series.points) if point.commit in starts]
    values = values_of(series.columns)
    found = sensitivity(values, places, Options(chosen.false_alarms))
    effect = chosen.minimum_effect(key.benchmark, key.metric.name, rule(key.metric).minimum_effect)
    return Sight(series.id, key, found, effect, seconds)


def _starts(events: Iterable[Event], series_id: int) -> set[str]:
    """The commits at which new levels of a series begin, as far as analysis found and nobody denied."""
    standing = (event for event in events if event.has_levels)
    return {part.first_after for event in standing for part in event.changes if part.series_id == series_id}


def _costs(measured: list[tuple[int, Measurement]]) -> dict[int, float]:
    """Seconds from the start of each series' measurement to that of the next on its machine."""
    starts: dict[tuple[str, str], set[datetime]] = {}
    for _, one in measured:
        if one.measured_at is not None:
            starts.setdefault((one.series.machine, one.series.environment), set()).add(one.measured_at)
    following = {
        (place, at): (after - at).total_seconds()
        for place, times in starts.items()
        for at, after in itertools.pairwise(sorted(times))
    }
    known: dict[int, float] = {}
    for id_, one in measured:
        seconds = following.get(((one.series.machine, one.series.environment), one.measured_at))  # type: ignore[arg-type]
        if seconds is not None and seconds <= LONGEST:
            known[id_] = seconds
    return known
