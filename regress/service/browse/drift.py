"""Slow drift: series that got worse beyond the budget in steps too small to be told, and their commits."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import Commit, Ledger, LedgerCommit
from regress.service.browse.common import commit_or_unknown, pick_branch
from regress.store import Store


@dataclass(frozen=True, slots=True)
class DriftPage:
    """The ledger of a branch (None before its first analysis), its commits with what is known of them."""

    branch: str | None
    ledger: Ledger | None
    commits: tuple[tuple[LedgerCommit, Commit | None], ...]


def drift_page(store: Store, branch: str | None = None, limit: int = 50) -> DriftPage:
    """The ledger of a branch (default: the main one) and up to ``limit`` commits of it."""
    branch = pick_branch(store, branch)
    found = store.ledger(branch) if branch else None
    rows = found.commits[:limit] if found else ()
    commits = tuple((row, commit_or_unknown(store, row.first_after)) for row in rows)
    return DriftPage(branch, found, commits)
