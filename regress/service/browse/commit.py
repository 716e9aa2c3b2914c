"""One commit: what was measured at it, how that compares with the commit before, and what failed."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import Commit, Comparison, Event, Failure, Measurement, SeriesKey, Verdict
from regress.service.browse.common import resolve
from regress.service.compare import compare
from regress.store import Store

_LOUD_FIRST = (Verdict.SLOWER, Verdict.FASTER, Verdict.UNCLEAR, Verdict.SAME)


@dataclass(frozen=True, slots=True)
class CommitRow:
    """A series measured here; ``comparison`` is against the commit before, when that has it too."""

    series_id: int
    key: SeriesKey
    measurement: Measurement
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class CommitPage:
    """Everything the commit page says.

    ``previous`` and ``next`` are neighbours on the branch; ``base`` is the nearest earlier commit with
    measurements, which the rows are compared with. ``events`` start at this commit.
    """

    commit: Commit
    branch: str | None
    previous: Commit | None
    next: Commit | None
    base: Commit | None
    rows: tuple[CommitRow, ...]
    failures: tuple[Failure, ...]
    events: tuple[Event, ...]


def commit_page(store: Store, revision: str) -> CommitPage:
    """A commit by hash (or its start) or branch. UnknownNameError when there is none."""
    commit = resolve(store, revision)
    branch, at = _place(store, commit)
    near = {c.position: c for c in store.commits(branch, span=(at - 1, at + 1))} if branch else {}
    measured = store.measurements_at(commit.sha)
    base = _measured_before(store, branch, at) if measured and branch else None
    against = {row.series_id: row for row in compare(store, base.sha, commit.sha)} if base else {}
    rows = [CommitRow(sid, m.series, m, against.get(sid)) for sid, m in measured]
    return CommitPage(
        commit=commit,
        branch=branch,
        previous=near.get(at - 1),
        next=near.get(at + 1),
        base=base,
        rows=tuple(sorted(rows, key=_row_order)),
        failures=tuple(store.failures(commit.sha)),
        events=tuple(event for event in store.events(branch) if event.first_after == commit.sha),
    )


def _place(store: Store, commit: Commit) -> tuple[str | None, int]:
    """The first branch that has the commit, and its position there."""
    for branch in store.branches():
        if found := store.located(branch, [commit.sha]):
            return branch, found[commit.sha].position
    return None, -1


def _measured_before(store: Store, branch: str, position: int) -> Commit | None:
    """The nearest measured commit before a position, looked for in ever longer stretches."""
    last, length = position - 1, 16
    while last >= 0:
        for status in reversed(store.commit_statuses(branch, span=(last - length + 1, last))):
            if status.measured:
                return status.commit
        last, length = last - length, 4 * length
    return None


def _row_order(row: CommitRow) -> tuple[int, float, str]:
    if row.comparison is None:
        return len(_LOUD_FIRST), 0.0, row.key.title
    size = abs(row.comparison.ratio - 1)
    return _LOUD_FIRST.index(row.comparison.verdict), -size, row.key.title
