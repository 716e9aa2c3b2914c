"""The first page: what got slower lately, what got faster, and what stopped giving numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from regress.config import Config
from regress.domain import OPEN_STATES, Commit, EventKind, Failure, SelfTest, SeriesSummary, State
from regress.service.browse.common import latest_measured, pick_branch
from regress.service.browse.events import EventRow, event_rows
from regress.service.browse.remembering import remembered
from regress.store import Store

SHOWN = 12
"""Events of each kind on the first page; the rest is one click away."""

STALE_COMMITS = 5
"""A series that missed this many measured commits in a row is stale: two in a row happen on a busy runner."""

STALE_SHOWN = 100
"""Stale series on the first page; where there are more, all of a suite is."""

FAILURES_SHOWN = 20
"""Failures on the first page: one broken import fails a whole suite, and the commit's page lists all."""

LOG_SHOWN = 2_000
"""Characters of a log's end on the first page: tools say last what went wrong."""


@dataclass(frozen=True, slots=True)
class StaleSeries:
    """A series that others have left behind by ``behind`` commits of the branch."""

    summary: SeriesSummary
    behind: int


@dataclass(frozen=True, slots=True)
class MachineHealth:
    """A machine: its deliveries, when the last one came, what fails at the newest commit, what is stale."""

    name: str
    deliveries: int
    last_data: datetime
    failures: int
    stale: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page says. ``open_regressions`` counts all, the rows are the latest ``SHOWN``;
    ``failed`` likewise, of which ``FAILURES_SHOWN`` are here, with the ends of their logs.

    ``analysed_at`` is None before the first analysis of the branch, and while one is under way.
    """

    branch: str | None
    branches: tuple[str, ...]
    series: int
    commit: Commit | None
    last_data: datetime | None
    analysed_at: datetime | None
    open_regressions: int
    failed: int
    regressions: tuple[EventRow, ...]
    improvements: tuple[EventRow, ...]
    failures: tuple[Failure, ...]
    stale: tuple[StaleSeries, ...]
    self_test: SelfTest | None
    machines: tuple[MachineHealth, ...]


@remembered()
def overview(store: Store, branch: str | None = None, config: Config | None = None) -> Overview:
    """The state of a branch (default: the main one)."""
    branch = pick_branch(store, branch)
    stale = store.stale_series(branch, STALE_COMMITS, STALE_SHOWN) if branch else []
    worse = store.events(branch, EventKind.REGRESSION, OPEN_STATES, SHOWN, parts="worst")
    better = store.events(branch, EventKind.IMPROVEMENT, set(State) - {State.INVALID}, SHOWN, parts="worst")
    failures = store.failures(latest_only=True)
    machines = _machines(store, failures, stale)
    return Overview(
        branch=branch,
        branches=tuple(store.branches()),
        series=store.count_series(branch),
        commit=latest_measured(store, branch),
        last_data=max((machine.last_data for machine in machines), default=None),
        analysed_at=store.analysed_at(branch) if branch else None,
        open_regressions=store.count_events(branch, EventKind.REGRESSION, OPEN_STATES) if branch else 0,
        failed=len(failures),
        regressions=event_rows(store, worse, config),
        improvements=event_rows(store, better, config),
        failures=tuple(map(_shortened, failures[:FAILURES_SHOWN])),
        stale=tuple(StaleSeries(*row) for row in stale),
        self_test=store.latest_self_test(branch) if branch else None,
        machines=machines,
    )


def _shortened(failure: Failure) -> Failure:
    if len(failure.log) <= LOG_SHOWN:
        return failure
    _, _, end = failure.log[-LOG_SHOWN:].partition("\n")
    return replace(failure, log=f"... (all of it is on the commit's page)\n{end or failure.log[-LOG_SHOWN:]}")


def _machines(
    store: Store, failures: list[Failure], stale: list[tuple[SeriesSummary, int]]
) -> tuple[MachineHealth, ...]:
    """The machines that delivered, the one that is silent for longest last."""
    failed = Counter(failure.machine for failure in failures)
    missing = Counter(summary.key.machine for summary, _ in stale)
    return tuple(
        MachineHealth(name, count, last, failed[name], missing[name])
        for name, count, last in store.machine_deliveries()
    )
