"""One run: what it told, what it measured, and the logs of what failed in it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Id, StoreDep

router = APIRouter()


@router.get("/run/{run_id}")
def run(request: Request, store: StoreDep, run_id: Id) -> HTMLResponse:
    """Show a run."""
    return render(request, "run.html", page=browse.run_page(store, run_id))
