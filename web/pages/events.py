"""All regressions and improvements."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.domain import EventKind, State
from regress.service import browse
from web.render import render
from web.state import Branch, ConfigDep, StoreDep

router = APIRouter()


@router.get("/events")
def events(
    request: Request,
    store: StoreDep,
    config: ConfigDep,
    branch: Branch = None,
    kind: EventKind | None = None,
    state: State | None = None,
) -> HTMLResponse:
    """Show the list, filtered by kind and state."""
    page = browse.events_page(store, branch, kind, state, config=config)
    return render(request, "events.html", page=page, kinds=list(EventKind), states=list(State))
