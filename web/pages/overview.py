"""The first page: the latest regressions, improvements, and what stopped giving numbers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, ConfigDep, StoreDep

router = APIRouter()


@router.get("/")
def overview(request: Request, store: StoreDep, config: ConfigDep, branch: Branch = None) -> HTMLResponse:
    """Show the state of a branch."""
    return render(request, "overview.html", page=browse.overview(store, branch, config))
