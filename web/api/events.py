"""GET /events, /events/{id}: regressions and improvements."""

from __future__ import annotations

from fastapi import APIRouter

from regress.domain import EventKind, State
from web.api import convert, schema
from web.api.paging import Limit, Offset
from web.state import Branch, Id, StoreDep

router = APIRouter(tags=["events"])


@router.get("/events")
def events(
    store: StoreDep,
    branch: Branch = None,
    kind: EventKind | None = None,
    state: State | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> schema.Page[schema.Event]:
    """Regressions and improvements, the latest in history first."""
    found = store.events(branch, kind, state)
    items = [convert.event(event) for event in found[offset : offset + limit]]
    return schema.Page[schema.Event](total=len(found), offset=offset, limit=limit, items=items)


@router.get("/events/{event_id}")
def event(store: StoreDep, event_id: Id) -> schema.Event:
    """One regression or improvement with all its series."""
    return convert.event(store.event(event_id))
