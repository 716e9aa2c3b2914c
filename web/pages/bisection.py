"""One search for a culprit: what it measured, what it knows, what it came to."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Id, MachinesDep, StoreDep

router = APIRouter()


@router.get("/bisection/{number}")
def bisection(request: Request, store: StoreDep, machines: MachinesDep, number: Id) -> HTMLResponse:
    """Show a search; while it goes on, the page asks again by itself."""
    return render(request, "bisection.html", page=browse.bisection_page(store, number), machines=machines)
