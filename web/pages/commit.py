"""One commit: what was measured, the change against the commit before, failures."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import StoreDep

router = APIRouter()


@router.get("/commit/{revision:path}")
def commit(request: Request, store: StoreDep, revision: str) -> HTMLResponse:
    """Show a commit by hash, start of a hash, or branch."""
    return render(request, "commit.html", page=browse.commit_page(store, revision))
