"""From what each series' detector says to what a project reports: one way for *analyse* and *backtest*.

    population, members = Population(), []
    for series in store.all_series(branch):
        columns = series.columns
        population.add(columns)
        values = values_of(columns)
        found = changes_of(columns, values, chosen)
        changes += found
        members += membership(columns, values, found, chosen)
    told = explained(judged(changes, members, population, chosen), population, facts)

``judged`` adds what many series have in common (``detect/pooling.py``) and keeps what may be reported at the
project's false discovery rate; ``explained`` says what the code did not make.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from regress.config import DetectionConfig
from regress.detect import Options, detector_of
from regress.detect.causes import with_causes
from regress.detect.discoveries import discoveries
from regress.detect.noise import Floats, Signal
from regress.detect.pooling import Common, Member, indices, member_of, spread
from regress.detect.weighting import standard_errors, steadied
from regress.domain import ChangePoint, FactChange, Series, SeriesChange, SeriesColumns
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

    def add(self, series: SeriesColumns) -> None:
        """Count a series."""
        key, points = series.key, len(series.commits)
        self.series += 1
        self.points += points
        self.positions.update(zip(series.commits, series.positions, strict=True))
        if points >= FEWEST_POINTS:
            self.measured[((key.machine, key.environment), key.metric.unit)] += 1

    def merge(self, other: Population) -> None:
        """Count the series of another one."""
        self.series += other.series
        self.points += other.points
        self.positions |= other.positions
        self.measured += other.measured

    def commits(self) -> dict[int, str]:
        """The commits by position."""
        return {position: commit for commit, position in self.positions.items()}


def options_of(series: Series | SeriesColumns, chosen: DetectionConfig) -> Options:
    """What the detector is asked of a series."""
    key = series.key
    effect = chosen.minimum_effect(key.benchmark, key.metric.name, rule(key.metric).minimum_effect)
    return Options(chosen.false_alarms, effect)


def values_of(series: SeriesColumns) -> Floats:
    """What detectors are given of a series: its values, those known to be unsure steadied."""
    return steadied(np.asarray(series.values, dtype=np.float64), standard_errors(series))


def changes_of(
    series: SeriesColumns, values: Floats, chosen: DetectionConfig, signal: Signal | None = None
) -> list[SeriesChange]:
    """The change points of one series, located in history; UnknownNameError for an unknown detector.

    ``values`` is ``values_of`` it, here and below; ``signal`` is as in ``Detector.detect``.
    """
    found = detector_of(chosen.detector).detect(values, options_of(series, chosen), signal)
    return [located(series, change) for change in found]


def membership(
    series: SeriesColumns, values: Floats, found: Iterable[SeriesChange], chosen: DetectionConfig
) -> list[Member]:
    """The series for the pool, freed of the changes ``found`` in it; nothing where there is no pool."""
    if not chosen.pooling:
        return []
    starts = [change.change.index for change in found]
    member = member_of(series, values, starts, options_of(series, chosen).minimum_effect)
    return [] if member is None else [member]


def common_options(chosen: DetectionConfig) -> Options:
    """What the detector is asked of an index: any effect, since what matters is judged series by series."""
    return Options(chosen.false_alarms)


def judged(
    changes: Sequence[SeriesChange],
    members: Sequence[Member],
    population: Population,
    chosen: DetectionConfig,
) -> list[SeriesChange]:
    """What a project reports of the changes of its series and of what ``members`` have in common."""
    detector, options, tests = detector_of(chosen.detector), common_options(chosen), population.points
    found: list[SeriesChange | Common] = list(changes)
    for index in indices(members):
        tests += index.values.size
        found += [Common(index, change) for change in detector.detect(index.values, options)]
    kept = sure(found, tests, chosen.false_discoveries)
    common = [one for one in kept if isinstance(one, Common)]
    pooled = spread(common, chosen.pooling, population.commits())
    return [one for one in kept if isinstance(one, SeriesChange)] + [
        part for _, parts in pooled for part in parts
    ]


Found = TypeVar("Found", SeriesChange, Common, SeriesChange | Common)


def sure(found: Sequence[Found], tests: int, rate: float) -> list[Found]:
    """Those that are kept, so that at most ``rate`` of them are expected to be false."""
    kept = discoveries([one.change.p_value for one in found], tests, rate)
    return list(itertools.compress(found, kept))


def explained(
    changes: Sequence[SeriesChange], population: Population, facts: Iterable[FactChange]
) -> list[SeriesChange]:
    """The changes, each with its cause."""
    places = Places(population.positions)
    reach = {i: places.reach(change) for i, change in enumerate(changes)}
    return with_causes(changes, facts, population.measured, reach, population.positions)


def located(series: SeriesColumns, change: ChangePoint) -> SeriesChange:
    """A change point of a series as one of history: its indices become commits."""
    commits = series.commits
    earliest, latest = change.span
    return SeriesChange(
        series_id=series.id,
        series=series.key,
        last_before=commits[change.index - 1],
        first_after=commits[change.index],
        change=change,
        earliest=commits[earliest],
        latest=commits[latest],
    )
