"""The commits of a branch, newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, StoreDep

router = APIRouter()


@router.get("/commits")
def commits(
    request: Request,
    store: StoreDep,
    branch: Branch = None,
    limit: Annotated[int, Query(ge=1, le=2_000)] = 100,
) -> HTMLResponse:
    """Show which commits are measured and what failed."""
    return render(request, "commits.html", page=browse.commits_page(store, branch, limit))
