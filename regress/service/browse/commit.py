"""One commit: what was measured at it, how that compares with the commit before, and what failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regress.config import Config
from regress.detect.compare import VERDICTS
from regress.domain import Commit, Comparison, Event, Failure, Measurement, SeriesKey, Verdict
from regress.service.browse.common import resolve
from regress.service.browse.evidence import Tags, tags
from regress.service.browse.remembering import remembered
from regress.service.side_by_side import Side, SideBySide, side_by_side
from regress.store import Store
from regress.store.columns import Ids

PAGE_SIZE = 100
"""Series on one page."""


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
    measurements, which the rows are compared with. ``events`` start at this commit. ``rows`` are those from
    ``first`` on, of ``passed`` with the chosen verdicts and words, the loudest first; ``measured`` and
    ``counts`` (by verdict) are over all.
    """

    commit: Commit
    branch: str | None
    previous: Commit | None
    next: Commit | None
    base: Commit | None
    rows: tuple[CommitRow, ...]
    first: int
    passed: int
    measured: int
    counts: dict[Verdict, int]
    failures: tuple[Failure, ...]
    events: tuple[Event, ...]


def commit_page(
    store: Store,
    revision: str,
    verdicts: frozenset[Verdict] = frozenset(),
    query: str = "",
    *,
    first: int = 0,
    limit: int = PAGE_SIZE,
    config: Config | None = None,
) -> CommitPage:
    """A commit by hash (or its start), branch or tag. UnknownNameError when there is none."""
    tagged = tags(config.root) if config else None
    return _told(store, revision, tagged, verdicts, query, first, limit, config)


@remembered()
def _told(
    store: Store,
    revision: str,
    tagged: Tags | None,
    verdicts: frozenset[Verdict],
    query: str,
    first: int,
    limit: int,
    config: Config | None,
) -> CommitPage:
    commit = resolve(store, revision, tagged)
    branch, at = _place(store, commit)
    near = {c.position: c for c in store.commits(branch, span=(at - 1, at + 1))} if branch else {}
    measured = int(store.columns.centres(commit.sha).series.size)
    base = _measured_before(store, branch, at) if measured and branch else None
    chosen = (config or Config(root=Path())).detection
    # without a commit before, a commit is compared with nothing: all that it has is new
    table = side_by_side(store, Side(base.sha if base else ""), Side(commit.sha), chosen)
    passed = _passed(store, table, verdicts, query)
    counts = np.bincount(table.answers.verdicts, minlength=len(VERDICTS)).tolist()
    return CommitPage(
        commit=commit,
        branch=branch,
        previous=near.get(at - 1),
        next=near.get(at + 1),
        base=base,
        rows=_rows(store, table, base, commit, passed[first : first + limit]),
        first=first,
        passed=int(passed.size),
        measured=measured,
        counts=dict(zip(VERDICTS, counts, strict=True)),
        failures=tuple(store.failures(commit.sha)),
        events=tuple(store.events(branch, first_after=commit.sha, parts="worst")),
    )


def _passed(store: Store, table: SideBySide, verdicts: frozenset[Verdict], query: str) -> Ids:
    """The compared rows that pass, loudest first; behind them those that are new (their places beyond)."""
    answers = table.answers
    compared = np.ones(table.size, dtype=np.bool_)
    new = np.full(table.only_b.size, not verdicts)
    if verdicts:
        compared &= np.isin(answers.verdicts, [VERDICTS.index(verdict) for verdict in verdicts])
    if query.split():
        matching = store.columns.matching(query)
        compared &= np.isin(table.series_b, matching)
        new &= np.isin(table.only_b, matching)
    rows = np.flatnonzero(compared)
    order = np.lexsort((rows, -np.abs(answers.ratio[rows] - 1), answers.verdicts[rows]))
    return np.concatenate((rows[order], table.size + np.flatnonzero(new)))


def _rows(
    store: Store, table: SideBySide, base: Commit | None, commit: Commit, places: Ids
) -> tuple[CommitRow, ...]:
    """The rows at some places, as ``_passed`` counts them."""
    old, new = places[places < table.size], table.only_b[places[places >= table.size] - table.size].tolist()
    keys = store.columns.keys(new)
    alone = store.columns.exact(commit.sha, {id_: keys[id_] for id_ in new})
    compared = table.comparisons(store, base.sha, commit.sha, old) if base else []
    rows = [CommitRow(row.series_id, row.series, row.b, row) for row in compared]
    return (*rows, *(CommitRow(id_, keys[id_], alone[id_], None) for id_ in new))


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
