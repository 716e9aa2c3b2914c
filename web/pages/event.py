"""One regression or improvement."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import ConfigDep, Id, StoreDep

router = APIRouter()


@router.get("/event/{event_id}")
def event(request: Request, store: StoreDep, config: ConfigDep, event_id: Id) -> HTMLResponse:
    """Show every affected series, what speaks for the change, and the commits it can have come from."""
    page = browse.event_page(store, event_id, config)
    return render(request, "event.html", page=page, least_runs=least_runs(len(page.suspects)))


def least_runs(suspects: int) -> int:
    """Commits that a search among so many measures at least, by halving: the price cannot be lower."""
    return max(1, suspects - 1).bit_length()
