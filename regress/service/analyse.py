"""The verb *analyse*: every series of a branch to the detector, its change points to events."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

from regress.config import Config
from regress.detect import detect
from regress.detect.causes import with_causes
from regress.detect.discoveries import discoveries
from regress.domain import ChangePoint, Event, EventKind, Series, SeriesChange
from regress.errors import RegressError
from regress.metrics import rule
from regress.store import Places, Store

FEWEST_POINTS = 8
"""Measured commits from which a series counts among those that could have moved."""


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """What an analysis found: events that are ``new``, ``kept``, or ``went_away`` since the last one."""

    branch: str
    series: int
    points: int
    new: tuple[Event, ...]
    kept: tuple[Event, ...]
    went_away: tuple[Event, ...]

    @property
    def regressions(self) -> tuple[Event, ...]:
        """The new events that are for the worse."""
        return tuple(event for event in self.new if event.kind is EventKind.REGRESSION)

    @property
    def improvements(self) -> tuple[Event, ...]:
        """The new events that are for the better."""
        return tuple(event for event in self.new if event.kind is EventKind.IMPROVEMENT)


def analyse(store: Store, config: Config, branch: str) -> AnalysisReport:
    """Look for changes in everything measured on a branch, and bring its events up to date.

    UnknownNameError for a branch that the store does not know, or a detector that does not exist;
    RegressError for a store without any history.
    """
    if not store.branches():
        raise RegressError("nothing is measured yet", hint="Run `regress run --last 3` first.")
    changes: list[SeriesChange] = []
    measured: Counter[tuple[tuple[str, str], str]] = Counter()
    positions: dict[str, int] = {}
    count = points = 0
    for series in store.all_series(branch):
        count, points = count + 1, points + len(series.points)
        positions.update((point.commit, point.position) for point in series.points)
        if len(series.points) >= FEWEST_POINTS:
            measured[((series.key.machine, series.key.environment), series.key.metric.unit)] += 1
        changes += changes_of(series, config)
    sure = discoveries([change.change.p_value for change in changes], points)
    changes = list(itertools.compress(changes, sure))
    places = Places(positions)
    reach = {i: places.reach(change) for i, change in enumerate(changes)}
    changes = with_causes(changes, store.fact_changes(branch), measured, reach, positions)
    update = store.replace_changes(branch, changes)
    groups = (update.new, update.kept, update.went_away)
    new, kept, gone = (tuple(store.event(id_) for id_ in ids) for ids in groups)
    return AnalysisReport(branch, count, points, new, kept, gone)


def changes_of(series: Series, config: Config) -> list[SeriesChange]:
    """The change points of one series, located in history."""
    key, chosen = series.key, config.detection
    found = detect(
        [point.value for point in series.points],
        detector=chosen.detector,
        false_alarms=chosen.false_alarms,
        minimum_effect=chosen.minimum_effect(key.benchmark, key.metric.name, rule(key.metric).minimum_effect),
    )
    return [located(series, change) for change in found]


def located(series: Series, change: ChangePoint) -> SeriesChange:
    """A change point of a series as one of history: its indices become commits."""
    shas = [point.commit for point in series.points]
    earliest, latest = change.span
    return SeriesChange(
        series_id=series.id,
        series=series.key,
        last_before=shas[change.index - 1],
        first_after=shas[change.index],
        change=change,
        earliest=shas[earliest],
        latest=shas[latest],
    )
