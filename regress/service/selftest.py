"""The verb *selftest*: known slowdowns put into a copy of a project's own history, and who notices.

Every series is copied without its changes (each level moved onto the first): the copy is an A/A history.
Lived again commit by commit, every alert in it is a false alarm. Then one step after the other is put in at a
seeded place, and it counts whether and when that is flagged. Nothing of the copy is stored.

The changes that are taken out are those that the detector finds; one that it found falsely is
taken out too. Changes that it missed stay in, and count as false alarms if they are noticed after all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from regress.config import Config
from regress.detect import Detector, Options, detector_of, replay
from regress.domain import Direction, MachineTest, Power, SelfTest, Series
from regress.errors import RegressError
from regress.service.judging import options_of, values_of
from regress.store import Store

SIZES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""The slowdowns that are put in; 0.05 is 5 %."""

FEWEST = 40
"""Points without which a series has no room for a quiet start, a step, and what follows it."""

NEWEST = 300
"""Points of a series that are used: older noise says little about today's."""

QUIET = 20
"""Points before a step, at least."""

DEADLINE = 15
"""Points of the new level within which a step must be flagged."""

NEAR = 3
"""Points by which the reported place may be off."""

Progress = Callable[[str, int, int], None]
"""Told the name of a series, and how many of how many are done."""


@dataclass
class _Tally:
    """What is counted on one machine."""

    series: int = 0
    points: int = 0
    false_alarms: int = 0
    tried: dict[float, int] = field(default_factory=lambda: defaultdict(int))
    delays: dict[float, list[int]] = field(default_factory=lambda: defaultdict(list))

    def result(self, machine: str) -> MachineTest:
        powers = tuple(
            Power(size, self.tried[size], len(self.delays[size]), _median(self.delays[size]))
            for size in SIZES
        )
        return MachineTest(machine, self.series, self.points, self.false_alarms, powers)


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
    detector = detector_of(config.detection.detector)
    rng = np.random.default_rng(seed)
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    total = store.count_series(branch)
    for done, series in enumerate(store.all_series(branch), 1):
        values = values_of(series.points[-NEWEST:])
        if values.size >= FEWEST and (values > 0).all():
            options, tally = options_of(series, config.detection), tallies[series.key.machine]
            _try(values, series, detector, options, rng, tally)
        progress(series.key.title, done, total)
    if not tallies:
        hint = f"A series needs {FEWEST} positive values: regress run --last {FEWEST}."
        raise RegressError("no series is long enough to be tested on", hint=hint)
    machines = tuple(tallies[name].result(name) for name in sorted(tallies))
    found = SelfTest(branch, detector.name, config.detection.false_alarms, seed, datetime.now(UTC), machines)
    store.save_self_test(found)
    return found


def _try(
    values: NDArray[np.float64],
    series: Series,
    detector: Detector,
    options: Options,
    rng: np.random.Generator,
    tally: _Tally,
) -> None:
    """Count false alarms and found steps of one series."""
    flat = without_changes(values, [change.index for change in detector.detect(values, options)])
    tally.series += 1
    tally.points += flat.size
    tally.false_alarms += len(replay(flat, detector, options))
    worse = 1 if series.key.metric.direction is Direction.LOWER else -1
    for size in SIZES:
        place = int(rng.integers(QUIET, flat.size - DEADLINE + 1))
        slowed = flat[: place + DEADLINE].copy()
        slowed[place:] *= (1 + size) ** worse
        tally.tried[size] += 1
        tally.delays[size] += _delay(slowed, place, worse, detector, options)


def _delay(
    values: NDArray[np.float64], place: int, worse: int, detector: Detector, options: Options
) -> list[int]:
    """Points of the new level until a step at ``place`` was flagged; none if it never was."""
    for alert in replay(values, detector, options):
        change = alert.change
        if abs(change.index - place) <= NEAR and (change.after > change.before) == (worse > 0):
            return [max(1, alert.seen - place + 1)]
    return []


def without_changes(values: NDArray[np.float64], starts: Sequence[int]) -> NDArray[np.float64]:
    """Positive values with every level moved onto the first one; ``starts`` are where levels begin."""
    levels = np.split(values, starts)
    first = float(np.median(levels[0]))
    return np.concatenate([level * (first / float(np.median(level))) for level in levels])


def _median(delays: Sequence[int]) -> float | None:
    return float(np.median(delays)) if delays else None
