"""The verb *analyse*: every series of a branch to the detector, its change points to events."""

from __future__ import annotations

from dataclasses import dataclass

from regress.config import Config
from regress.detect import detector_of
from regress.detect.recovery import with_recoveries
from regress.domain import Event, EventKind
from regress.errors import RegressError, UnknownNameError
from regress.service.examining import Listener, examined
from regress.service.judging import explained, judged
from regress.service.ledger import ledger
from regress.service.spreading import How
from regress.store import Store

_HERE = How()


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """What an analysis found: events that are ``new``, ``kept``, or ``went_away`` since the last one.

    ``asked`` counts the series of which the detector was asked, since they had changed; ``brief`` are the
    events that came and went before anybody could see them.
    """

    branch: str
    series: int
    points: int
    asked: int
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


def _silent(_step: str, _done: int, _total: int) -> None:
    """Nobody listens."""


def analyse(
    store: Store,
    config: Config,
    branch: str,
    how: How = _HERE,
    listen: Listener = _silent,
    *,
    afresh: bool = False,
) -> AnalysisReport:
    """Look for changes in everything measured on a branch, and bring its events up to date.

    The detector is asked only of series that have changed since it was, or of all (``afresh``); ``how`` says
    by whom. UnknownNameError for a branch that the store does not know, or a detector that does not exist;
    RegressError for a store without any history.
    """
    known = store.branches()
    if not known:
        raise RegressError("nothing is measured yet", hint="Run `regress run --last 3` first.")
    if branch not in known:
        raise UnknownNameError("branch", branch, known)
    chosen = config.detection
    detector_of(chosen.detector)
    store.begin_analysis(branch)
    all_, asked = examined(store, branch, chosen, how, listen, afresh=afresh)
    population = all_.population
    changes = judged(all_.changes, all_.members, population, chosen)
    changes = explained(changes, population, store.fact_changes(branch))
    update = store.replace_changes(branch, with_recoveries(changes, population.positions, chosen.brief))
    store.save_ledger(ledger(branch, all_.entries, chosen, population.positions))
    groups = (update.new, update.kept, update.went_away, update.brief)
    told = (tuple(store.event(id_) for id_ in ids) for ids in groups)
    return AnalysisReport(branch, population.series, population.points, asked, *told)
