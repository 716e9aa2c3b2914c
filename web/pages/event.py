"""One regression or improvement, and what people decide about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from regress.domain import Role
from regress.service import browse
from regress.service.triage import DECISIONS, triage
from web.render import render
from web.security.writes import Write, writes
from web.state import ConfigDep, Id, MachinesDep, StoreDep

router = APIRouter()

FIELDS = ("state", "assignee", "fixed_by", "note", "move")
"""What the form of triage has, by the names of ``triage``'s arguments."""


@router.get("/event/{event_id}")
def event(
    request: Request, store: StoreDep, config: ConfigDep, machines: MachinesDep, event_id: Id
) -> HTMLResponse:
    """Show every affected series, what speaks for the change, and the commits it can have come from."""
    page = browse.event_page(store, event_id, config)
    return render(
        request,
        "event.html",
        page=page,
        least_runs=least_runs(len(page.suspects)),
        decisions=DECISIONS,
        machines=machines,
    )


def least_runs(suspects: int) -> int:
    """Commits that a search among so many measures at least, by halving: the price cannot be lower."""
    return max(1, suspects - 1).bit_length()


@router.post("/event/{event_id}/triage")
def triage_event(event_id: Id, write: Annotated[Write, writes(Role.TRIAGER, "triage")]) -> RedirectResponse:
    """Carry out what the form says, as far as it says something new, and show the page again."""
    told = {name: write.form.get(name, "").strip() for name in FIELDS}
    event = write.store().event(event_id)
    assignee = None if told["assignee"] == event.assignee else told["assignee"]
    if told["fixed_by"] == event.fixed_by:
        told["fixed_by"] = ""
    detail = " ".join(filter(None, (*(told[name] for name in FIELDS if name != "assignee"), assignee)))
    triage(
        write.store(f"event {event_id}", detail),
        event_id,
        told["state"],
        assignee=assignee,
        fixed_by=told["fixed_by"],
        note=told["note"],
        move=told["move"],
        who=write.who,
    )
    return RedirectResponse(f"/event/{event_id}#history", 303)
