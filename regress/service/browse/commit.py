"""One commit: what was measured at it, how that compares with the commit before, and what failed."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import Commit, CommitStatus, Comparison, Event, Failure, Measurement, SeriesKey, Verdict
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
    branch, line, at = _place(store, commit)
    measured = store.measurements_at(commit.sha)
    earlier = (status.commit for status in reversed(line[:at]) if status.measured)
    base = next(earlier, None) if measured else None
    against = {row.series_id: row for row in compare(store, base.sha, commit.sha)} if base else {}
    rows = [CommitRow(sid, m.series, m, against.get(sid)) for sid, m in measured]
    return CommitPage(
        commit=commit,
        branch=branch,
        previous=line[at - 1].commit if at > 0 else None,
        next=line[at + 1].commit if at + 1 < len(line) else None,
        base=base,
        rows=tuple(sorted(rows, key=_row_order)),
        failures=tuple(store.failures(commit.sha)),
        events=tuple(event for event in store.events(branch) if event.first_after == commit.sha),
    )


def _place(store: Store, commit: Commit) -> tuple[str | None, list[CommitStatus], int]:
    """The first branch that has the commit, how its commits stand, and the commit's index among them."""
    for branch in store.branches():
        line = store.commit_statuses(branch)
        for index, status in enumerate(line):
            if status.commit.sha == commit.sha:
                return branch, line, index
    return None, [CommitStatus(commit)], 0


def _row_order(row: CommitRow) -> tuple[int, float, str]:
    if row.comparison is None:
        return len(_LOUD_FIRST), 0.0, row.key.title
    size = abs(row.comparison.ratio - 1)
    return _LOUD_FIRST.index(row.comparison.verdict), -size, row.key.title
