"""One regression or improvement."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Id, StoreDep

router = APIRouter()


@router.get("/event/{event_id}")
def event(request: Request, store: StoreDep, event_id: Id) -> HTMLResponse:
    """Show every affected series and the commits it can have come from."""
    return render(request, "event.html", page=browse.event_page(store, event_id))
