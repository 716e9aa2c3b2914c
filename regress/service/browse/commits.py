"""The commits of a branch, newest first: which are measured, and what failed."""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import CommitStatus
from regress.service.browse.common import pick_branch
from regress.service.browse.remembering import remembered
from regress.store import Store


@dataclass(frozen=True, slots=True)
class CommitsPage:
    """The newest ``limit`` commits; ``more`` says whether older ones were left out."""

    branch: str | None
    rows: tuple[CommitStatus, ...]
    limit: int
    more: bool


@remembered()
def commits_page(store: Store, branch: str | None = None, limit: int = 100) -> CommitsPage:
    """How the last commits of a branch stand."""
    branch = pick_branch(store, branch)
    rows = store.commit_statuses(branch, limit + 1) if branch else []
    return CommitsPage(branch, tuple(reversed(rows[-limit:])), limit, len(rows) > limit)
