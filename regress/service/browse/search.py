"""Search by name: benchmarks by words, commits by hash or subject, and near misses when nothing matches."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import Commit, SeriesSummary
from regress.errors import suggest
from regress.service.browse.common import pick_branch
from regress.service.browse.remembering import remembered
from regress.store import Store

SHOWN = 50
"""Results of each kind."""

HISTORY_SEARCHED = 5_000
"""Commits whose subject is looked at, newest first."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was found; ``near`` holds benchmark names close to the query when no series matched."""

    query: str
    series: tuple[SeriesSummary, ...] = ()
    commits: tuple[Commit, ...] = ()
    near: tuple[str, ...] = ()


@remembered()
def search_page(store: Store, query: str, branch: str | None = None, limit: int = SHOWN) -> SearchPage:
    """What goes by this name on a branch, at most ``limit`` of each kind; an empty query finds nothing."""
    query = query.strip()
    if not query:
        return SearchPage(query)
    branch = pick_branch(store, branch)
    series = store.find_series(branch, query, limit=limit) if branch else []
    history = store.commits(branch, last=HISTORY_SEARCHED) if branch else []
    near = () if series else suggest(query, store.benchmarks())
    return SearchPage(query, tuple(series), tuple(_commits(history, query.lower(), limit)), near)


def _commits(history: list[Commit], query: str, limit: int) -> list[Commit]:
    found = [
        commit
        for commit in reversed(history)
        if commit.sha.startswith(query) or query in commit.subject.lower() or query in commit.author.lower()
    ]
    return found[:limit]
