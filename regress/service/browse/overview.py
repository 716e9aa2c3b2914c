"""The first page: what got slower lately, what got faster, and what stopped giving numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from regress.domain import Commit, EventKind, Failure, SelfTest, SeriesSummary, State
from regress.service.browse.common import newest_of, pick_branch
from regress.service.browse.events import EventRow, event_rows
from regress.store import Store

SHOWN = 12
"""Events of each kind on the first page; the rest is one click away."""

STALE_COMMITS = 5
"""A series that missed this many measured commits in a row is stale: two in a row happen on a busy runner."""


@dataclass(frozen=True, slots=True)
class StaleSeries:
    """A series that others have left behind by ``behind`` commits of the branch."""

    summary: SeriesSummary
    behind: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page says. ``open_regressions`` counts all, the rows are the latest ``SHOWN``."""

    branch: str | None
    branches: tuple[str, ...]
    series: int
    commit: Commit | None
    last_data: datetime | None
    open_regressions: int
    regressions: tuple[EventRow, ...]
    improvements: tuple[EventRow, ...]
    failures: tuple[Failure, ...]
    stale: tuple[StaleSeries, ...]
    self_test: SelfTest | None


def overview(store: Store, branch: str | None = None) -> Overview:
    """The state of a branch (default: the main one)."""
    branch = pick_branch(store, branch)
    summaries = store.series_list(branch)
    worse = [e for e in store.events(branch, EventKind.REGRESSION) if e.is_open]
    better = [e for e in store.events(branch, EventKind.IMPROVEMENT) if e.state is not State.INVALID]
    runs = store.runs(1)
    return Overview(
        branch=branch,
        branches=tuple(store.branches()),
        series=len(summaries),
        commit=newest_of(store, summaries),
        last_data=runs[0].delivered_at if runs else None,
        open_regressions=len(worse),
        regressions=event_rows(store, worse[:SHOWN]),
        improvements=event_rows(store, better[:SHOWN]),
        failures=tuple(store.failures(latest_only=True)),
        stale=_stale(summaries),
        self_test=store.latest_self_test(branch) if branch else None,
    )


def _stale(summaries: list[SeriesSummary]) -> tuple[StaleSeries, ...]:
    """Series left behind, longest first; an older version of a benchmark that has moved on is not stale."""
    newest: dict[tuple[object, ...], int] = {}
    for row in summaries:
        if row.latest is not None:
            newest[_identity(row)] = max(newest.get(_identity(row), -1), row.latest.position)
    tip = max(newest.values(), default=0)
    rows = [
        StaleSeries(row, tip - row.latest.position)
        for row in summaries
        if row.latest is not None and row.latest.position == newest[_identity(row)] <= tip - STALE_COMMITS
    ]
    return tuple(sorted(rows, key=lambda row: (-row.behind, row.summary.key.title)))


def _identity(row: SeriesSummary) -> tuple[object, ...]:
    key = row.key
    return (key.benchmark, key.parameters, key.metric.name, key.machine, key.environment)
