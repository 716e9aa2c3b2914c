"""One commit: what was measured, the change against the commit before, failures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from regress.domain import Verdict
from regress.service import browse
from regress.service.browse.commit import PAGE_SIZE
from web.pages.compare import pages_of
from web.render import render
from web.state import ConfigDep, PageNumber, StoreDep, Text

router = APIRouter()


@router.get("/commit/{revision:path}")
def commit(
    request: Request,
    store: StoreDep,
    config: ConfigDep,
    revision: str,
    verdict: Annotated[list[Verdict] | None, Query(max_length=4)] = None,
    q: Text = "",
    page: PageNumber = 1,
) -> HTMLResponse:
    """Show a commit by hash, start of a hash, or branch; its series a page at a time."""
    chosen = frozenset(verdict or ())
    first = (page - 1) * PAGE_SIZE
    found = browse.commit_page(store, revision, chosen, q, first=first, config=config)
    return render(
        request,
        "commit.html",
        page=found,
        chosen=chosen,
        query=q,
        pages=pages_of(request, page, found.passed, PAGE_SIZE),
        verdicts=list(Verdict),
    )
