"""The verb *analyse*: every series of a branch to the detector, its change points to events."""

from __future__ import annotations

from dataclasses import dataclass

from regress.config import Config
from regress.detect.pooling import Member
from regress.detect.recovery import with_recoveries
from regress.domain import Event, EventKind, LedgerEntry, SeriesChange
from regress.errors import RegressError
from regress.service.judging import Population, changes_of, explained, judged, membership
from regress.service.ledger import entry, ledger
from regress.store import Store


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """What an analysis found: events that are ``new``, ``kept``, or ``went_away`` since the last one.

    ``brief`` are those that came and went before anybody could see them.
    """

    branch: str
    series: int
    points: int
    new: tuple[Event, ...]
    kept: tuple[Event, ...]
    went_away: tuple[Event, ...]
    brief: tuple[Event, ...] = ()

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
    members: list[Member] = []
    entries: list[LedgerEntry] = []
    population, chosen = Population(), config.detection
    for series in store.all_series(branch):
        population.add(series)
        found = changes_of(series, chosen)
        changes += found
        members += membership(series, found, chosen)
        if (drifting := entry(series, found, chosen)) is not None:
            entries.append(drifting)
    changes = judged(changes, members, population, chosen)
    changes = explained(changes, population, store.fact_changes(branch))
    update = store.replace_changes(branch, with_recoveries(changes, population.positions, chosen.brief))
    store.save_ledger(ledger(branch, entries, chosen, population.positions))
    groups = (update.new, update.kept, update.went_away, update.brief)
    told = (tuple(store.event(id_) for id_ in ids) for ids in groups)
    return AnalysisReport(branch, population.series, population.points, *told)
