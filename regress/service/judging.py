"""From what each series' detector says to what a project reports: one way for *analyse* and *backtest*.

    population = Population()
    for series in store.all_series(branch):
        population.add(series)
        changes += changes_of(series, config)
    told = explained(sure(changes, population.points, rate), population, facts)

``sure`` keeps what may be reported at the project's false discovery rate, ``explained`` says what the code
did not make.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from regress.config import DetectionConfig
from regress.detect import Options, detector_of
from regress.detect.causes import with_causes
from regress.detect.discoveries import discoveries
from regress.domain import ChangePoint, FactChange, Series, SeriesChange
from regress.metrics import rule
from regress.store import Places

FEWEST_POINTS = 8
"""Measured commits from which a series counts among those that could have moved."""


@dataclass
class Population:
    """All that could have changed: series by host and unit, commits with their positions, points."""

    series: int = 0
    points: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    measured: Counter[tuple[tuple[str, str], str]] = field(default_factory=Counter)

    def add(self, series: Series) -> None:
        """Count a series."""
        key = series.key
        self.series += 1
        self.points += len(series.points)
        self.positions.update((point.commit, point.position) for point in series.points)
        if len(series.points) >= FEWEST_POINTS:
            self.measured[((key.machine, key.environment), key.metric.unit)] += 1


def options_of(series: Series, chosen: DetectionConfig) -> Options:
    """What the detector is asked of a series."""
    key = series.key
    effect = chosen.minimum_effect(key.benchmark, key.metric.name, rule(key.metric).minimum_effect)
    return Options(chosen.false_alarms, effect)


def changes_of(series: Series, chosen: DetectionConfig) -> list[SeriesChange]:
    """The change points of one series, located in history; UnknownNameError for an unknown detector."""
    values = np.array([point.value for point in series.points], dtype=np.float64)
    found = detector_of(chosen.detector).detect(values, options_of(series, chosen))
    return [located(series, change) for change in found]


def sure(changes: Sequence[SeriesChange], tests: int, rate: float) -> list[SeriesChange]:
    """Those of the changes that are kept, so that at most ``rate`` of them are expected to be false."""
    kept = discoveries([change.change.p_value for change in changes], tests, rate)
    return list(itertools.compress(changes, kept))


def explained(
    changes: Sequence[SeriesChange], population: Population, facts: Iterable[FactChange]
) -> list[SeriesChange]:
    """The changes, each with its cause."""
    places = Places(population.positions)
    reach = {i: places.reach(change) for i, change in enumerate(changes)}
    return with_causes(changes, facts, population.measured, reach, population.positions)


def located(series: Series, change: ChangePoint) -> SeriesChange:
    """A change point of a series as one of history: its indices become commits."""
    points = series.points
    earliest, latest = change.span
    return SeriesChange(
        series_id=series.id,
        series=series.key,
        last_before=points[change.index - 1].commit,
        first_after=points[change.index].commit,
        change=change,
        earliest=points[earliest].commit,
        latest=points[latest].commit,
    )
