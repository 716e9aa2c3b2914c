"""GET /commits, /commits/{revision}."""

from __future__ import annotations

from fastapi import APIRouter

from regress.service import browse
from web.api import convert, schema
from web.api.paging import Limit, Offset
from web.state import Branch, ConfigDep, StoreDep

router = APIRouter(tags=["commits"])


@router.get("/commits")
def commits(store: StoreDep, branch: Branch = None, limit: Limit = 100) -> list[schema.CommitStatus]:
    """The newest commits of a branch, newest first: how many series are measured, what failed."""
    page = browse.commits_page(store, branch, limit)
    return [schema.CommitStatus.model_validate(row) for row in page.rows]


@router.get("/commits/{revision:path}")
def commit(
    store: StoreDep, config: ConfigDep, revision: str, offset: Offset = 0, limit: Limit = 100
) -> schema.CommitDetail:
    """A commit by hash, start of a hash, or branch: measurements (the loudest first), changes, failures."""
    page = browse.commit_page(store, revision, first=offset, limit=limit, config=config)
    return schema.CommitDetail(
        commit=schema.Commit.model_validate(page.commit),
        branch=page.branch,
        base=convert.commit(page.base),
        series=page.measured,
        counts=page.counts,
        measured=[convert.measured(row) for row in page.rows],
        failures=convert.failures(page.failures),
        events=[convert.event(store.event(event.id)) for event in page.events],
    )
