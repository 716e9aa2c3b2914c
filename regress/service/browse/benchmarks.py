"""All benchmarks of a branch with their series, by name, a page at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby

from regress.domain import SeriesSummary
from regress.service.browse.common import Spark, pick_branch, spark
from regress.store import Store

PAGE_SIZE = 50
"""Series on one page of the list; each costs one read for its small line."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series with its small line."""

    summary: SeriesSummary
    spark: Spark


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


def matching(summaries: list[SeriesSummary], query: str) -> list[SeriesSummary]:
    """Those in which every word of ``query`` occurs, whatever the case."""
    words = query.lower().split()
    return [row for row in summaries if all(word in _haystack(row) for word in words)]


def _haystack(row: SeriesSummary) -> str:
    key = row.key
    return f"{key.title} {key.metric.name} {key.machine} {key.environment}".lower()


def _order(row: SeriesSummary) -> tuple[str, list[tuple[float, str]], str]:
    """By benchmark, then by parameters: numbers by size, before words."""
    return row.key.benchmark, [_rank(value) for _, value in row.key.parameters], row.key.metric.name


def _rank(value: str) -> tuple[float, str]:
    try:
        number = float(value)
    except ValueError:
        return math.inf, value
    return (number, value) if math.isfinite(number) else (math.inf, value)


def benchmarks_page(
    store: Store, branch: str | None = None, query: str = "", page: int = 1
) -> BenchmarksPage:
    """One page of the list; a page behind the last one is the last one."""
    branch = pick_branch(store, branch)
    found = sorted(matching(store.series_list(branch), query), key=_order)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(1, page), pages)
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    groups = tuple(
        BenchmarkGroup(name, tuple(SeriesRow(row, spark(store.series(row.id))) for row in rows))
        for name, rows in groupby(shown, key=lambda row: row.key.benchmark)
    )
    return BenchmarksPage(branch, query, groups, len(found), page, pages)
