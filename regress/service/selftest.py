"""The verb *selftest*: known slowdowns put into a copy of a project's own history, and who notices.

The levels of every series between its changes are A/A histories: the same code, measured again and again.
Lived again commit by commit, every alert in one is a false alarm, if it is sure enough to be told in this
project (its false discovery rate, see ``judging``). Then one step after the other is put in at a seeded
place, and it counts whether and when that is flagged. Nothing of it is stored.

The changes between levels are those that the detector finds, also when asked for doubtful and small ones:
with hindsight, these are no noise. The points among which a change may lie are left out. Levels are not
joined, since what is moved onto another by a wrong amount would be a change of our own making. What the
detector found falsely ends a level too; the labelled data count that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from regress.config import Config
from regress.detect import Detector, Options, detector_of
from regress.detect.discoveries import discoveries
from regress.detect.noise import Floats
from regress.detect.replay import looks, same
from regress.domain import ChangePoint, Direction, MachineTest, Power, SelfTest, SeriesKey
from regress.errors import RegressError
from regress.service.judging import options_of, values_of
from regress.store import Store

SIZES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""The slowdowns that are put in; 0.05 is 5 %."""

NEWEST = 300
"""Points of a series that are used: older noise says little about today's."""

QUIET = 20
"""Points before a step, at least."""

DEADLINE = 15
"""Points of the new level within which a step must be flagged."""

FEWEST = QUIET + DEADLINE
"""Points without which a level has no room for a quiet start, a step, and what follows it."""

NEAR = 3
"""Points by which the reported place may be off."""

DOUBTFUL = 0.1
"""Chance of a false change at which hindsight still takes one out of a series."""

Progress = Callable[[str, int, int], None]
"""Told the name of a series, and how many of how many are done."""


@dataclass
class _Tally:
    """What is counted on one machine."""

    series: set[SeriesKey] = field(default_factory=set)
    points: int = 0
    false_alarms: int = 0
    tried: dict[float, int] = field(default_factory=lambda: defaultdict(int))
    delays: dict[float, list[int]] = field(default_factory=lambda: defaultdict(list))

    def result(self, machine: str) -> MachineTest:
        powers = tuple(
            Power(size, self.tried[size], len(self.delays[size]), _median(self.delays[size]))
            for size in SIZES
        )
        return MachineTest(machine, len(self.series), self.points, self.false_alarms, powers)


def selftest(
    store: Store,
    config: Config,
    branch: str,
    *,
    seed: int = 0,
    progress: Progress = lambda name, done, total: None,
) -> SelfTest:
    """Try the configured detection on a branch's own history, and keep the result for the dashboard.

    RegressError where no series is long enough; UnknownNameError for a detector that does not exist.
    """
    chosen, detector = config.detection, detector_of(config.detection.detector)
    copies: list[_Copy] = []
    chances: list[float] = []
    total = store.count_series(branch)
    for done, series in enumerate(store.all_series(branch), 1):
        newest = replace(series, points=series.points[-NEWEST:])
        values, options = values_of(newest.columns), options_of(series, chosen)
        if values.size >= FEWEST and (values > 0).all():
            found = detector.detect(values, options)
            chances += [change.p_value for change in found]
            levels = levels_of(values, [*found, *detector.detect(values, _doubtful(options))])
            copies += [_Copy(series.key, level, options) for level in levels]
        progress(series.key.title, done, total)
    bar = _bar(chances, sum(copy.values.size for copy in copies), chosen.false_discoveries)
    rng = np.random.default_rng(seed)
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    for done, copy in enumerate(copies, 1):
        _try(copy, _Judge(detector, bar), rng, tallies[copy.key.machine])
        progress(copy.key.title, done, len(copies))
    if not tallies:
        hint = f"It needs {FEWEST} positive values without a change: regress run --last {FEWEST}."
        raise RegressError("no series has a level that is long enough to be tested on", hint=hint)
    machines = tuple(tallies[name].result(name) for name in sorted(tallies))
    result = SelfTest(branch, detector.name, config.detection.false_alarms, seed, datetime.now(UTC), machines)
    store.save_self_test(result)
    return result


@dataclass(frozen=True, slots=True)
class _Copy:
    """One level of a series."""

    key: SeriesKey
    values: Floats
    options: Options


@dataclass(frozen=True, slots=True)
class _Judge:
    """A detector, and the chance of error up to which what it says is told."""

    detector: Detector
    bar: float

    def told(self, values: Floats, options: Options) -> list[tuple[ChangePoint, int]]:
        """The alerts that a series would have raised as it grew, each with the point at which it was."""
        alerts: list[tuple[ChangePoint, int]] = []
        for place, found in looks(values, self.detector, options):
            for change in found:
                if change.p_value <= self.bar and not any(same(change, old) for old, _ in alerts):
                    alerts.append((change, place))
        return alerts


def _doubtful(options: Options) -> Options:
    """What hindsight is asked for."""
    return Options(max(DOUBTFUL, options.false_alarms), options.minimum_effect / 2)


def _bar(chances: Sequence[float], tests: int, rate: float) -> float:
    """The chance of error up to which an analysis of the history would report one more change."""
    return rate * (1 + sum(discoveries(chances, tests, rate))) / max(1, tests)


def _try(copy: _Copy, judge: _Judge, rng: np.random.Generator, tally: _Tally) -> None:
    """Count false alarms and found steps of one series."""
    flat = copy.values
    tally.series.add(copy.key)
    tally.points += flat.size
    tally.false_alarms += len(judge.told(flat, copy.options))
    worse = 1 if copy.key.metric.direction is Direction.LOWER else -1
    for size in SIZES:
        place = int(rng.integers(QUIET, flat.size - DEADLINE + 1))
        slowed = flat[: place + DEADLINE].copy()
        slowed[place:] *= (1 + size) ** worse
        tally.tried[size] += 1
        tally.delays[size] += _delay(judge.told(slowed, copy.options), place, worse)


def _delay(alerts: Sequence[tuple[ChangePoint, int]], place: int, worse: int) -> list[int]:
    """Points of the new level until a step at ``place`` was flagged; none if it never was."""
    for change, seen in alerts:
        if abs(change.index - place) <= NEAR and (change.after > change.before) == (worse > 0):
            return [max(1, seen - place + 1)]
    return []


def levels_of(values: Floats, changes: Iterable[ChangePoint]) -> list[Floats]:
    """The levels of a series that are long enough, without the points among which a change may lie."""
    edges = [(0, 0)]
    for change in sorted(changes, key=lambda change: change.index):
        earliest, latest = change.span
        edges.append((min(earliest, change.index), max(latest, change.index)))
    ends = [start for start, _ in edges[1:]] + [values.size]
    starts = np.maximum.accumulate([end for _, end in edges])
    levels = (values[start:end] for start, end in zip(starts.tolist(), ends, strict=True))
    return [level for level in levels if level.size >= FEWEST]


def _median(delays: Sequence[int]) -> float | None:
    return float(np.median(delays)) if delays else None
