"""All benchmarks of a branch with their series, by name, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from regress.domain import OpenChange, SeriesSummary
from regress.service.browse.common import SPARK_POINTS, Spark, pick_branch, spark
from regress.service.browse.remembering import remembered
from regress.store import Store

PAGE_SIZE = 50
"""Series on one page of the list."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series with its small line, and the open change that it is part of."""

    summary: SeriesSummary
    spark: Spark
    change: OpenChange | None


@dataclass(frozen=True, slots=True)
class BenchmarkGroup:
    """A benchmark's series."""

    benchmark: str
    rows: tuple[SeriesRow, ...]


@dataclass(frozen=True, slots=True)
class BenchmarksPage:
    """Page ``page`` of ``pages`` (from 1) of the series whose title, machine or metric match ``query``."""

    branch: str | None
    query: str
    groups: tuple[BenchmarkGroup, ...]
    total: int
    page: int
    pages: int


@remembered()
def benchmarks_page(
    store: Store, branch: str | None = None, query: str = "", page: int = 1
) -> BenchmarksPage:
    """One page of the list; a page behind the last one is the last one."""
    branch = pick_branch(store, branch)
    total = store.count_series(branch, query) if branch else 0
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    first = (page - 1) * PAGE_SIZE
    shown = store.find_series(branch, query, first=first, limit=PAGE_SIZE) if branch else []
    rows = _rows(store, shown)
    groups = tuple(
        BenchmarkGroup(name, tuple(rows[row.id] for row in listed))
        for name, listed in groupby(shown, key=lambda row: row.key.benchmark)
    )
    return BenchmarksPage(branch, query, groups, total, page, pages)


def _rows(store: Store, shown: Sequence[SeriesSummary]) -> dict[int, SeriesRow]:
    changes = store.open_changes(row.id for row in shown)
    marks = {row.id: changes[row.id].first_after if row.id in changes else None for row in shown}
    lines = store.ends(marks, SPARK_POINTS)
    found = {}
    for row in shown:
        change = changes.get(row.id)
        line = spark(lines.get(row.id, ()), marks[row.id])
        found[row.id] = SeriesRow(row, line, change)
    return found
