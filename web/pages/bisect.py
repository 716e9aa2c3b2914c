"""Asking this server for a bisection: what it would cost, the asking, and to go on with one or to stop it."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field

from regress.domain import Role
from regress.errors import RegressError
from regress.service.bisect_quote import Quote, ask, quote
from web.render import render
from web.security.sessions import Visit
from web.security.writes import Write, writes
from web.state import Id, MachinesDep, StoreDep

router = APIRouter()
Chosen = Annotated[list[Annotated[int, Field(ge=0, le=2**63 - 1)]] | None, Query(max_length=50)]
"""Ids of the series to measure; none: the largest change, and what changed alike."""
_TICKED = re.compile(r"^series-([0-9]{1,18})$")
Bisects = Annotated[Write, writes(Role.MAINTAINER, "bisect")]


@router.get("/event/{event_id}/bisect")
def bisect(
    request: Request, store: StoreDep, machines: MachinesDep, event_id: Id, series: Chosen = None
) -> HTMLResponse:
    """Show what the search for an event's culprit would cost, to who may ask for it."""
    visit: Visit = request.state.visit
    event = store.event(event_id)
    told: Quote | None = None
    fault = ""
    if machines and visit.may(Role.MAINTAINER):
        try:
            told = quote(store, event_id, machines, series or ())
        except RegressError as error:
            fault = f"{error}. {error.hint}"
    return render(
        request, "bisect.html", event=event, machines=machines, quote=told, fault=fault, chosen=series
    )


@router.post("/event/{event_id}/bisect")
def ask_for_bisection(event_id: Id, machines: MachinesDep, write: Bisects) -> RedirectResponse:
    """Ask for a search by the series that are ticked, and show it; or (``quote``) show what it would cost."""
    _check(machines)
    series = [int(id_) for name in write.form for id_ in _TICKED.findall(name)]
    if not series and "offered" in write.form:
        raise RegressError("no series is ticked", hint="A search measures one of them, or more.")
    if "quote" in write.form:
        return RedirectResponse(f"/event/{event_id}/bisect?{urlencode({'series': series}, doseq=True)}", 303)
    told = quote(write.store(), event_id, machines, series)
    names = " + ".join(key.title for key in (told.plan.series, *told.plan.others))
    detail = f"{names} {told.plan.good[:10]}..{told.plan.bad[:10]}"
    return _shown(ask(write.store(f"event {event_id}", detail), told, write.who))


@router.post("/bisection/{number}/resume")
def go_on(number: Id, machines: MachinesDep, write: Bisects) -> RedirectResponse:
    """Ask for a search that was cut off to go on."""
    _check(machines)
    state = write.store().searches.one(number)
    if state.found is not None:
        raise RegressError(f"bisection {number} has ended", hint="A new one begins on the regression's page.")
    if state.plan.series.machine not in machines:
        raise RegressError(f"it measures on {state.plan.series.machine}, which is not here")
    write.store(f"bisection {number}", "resume").searches.want(number, write.who)
    return _shown(number)


@router.post("/bisection/{number}/stop")
def stop(number: Id, write: Bisects) -> RedirectResponse:
    """Take a search back that this server was asked for; what it measured stays."""
    write.store().searches.one(number)
    write.store(f"bisection {number}", "stop").searches.drop(number)
    return _shown(number)


def _check(machines: tuple[str, ...]) -> None:
    if not machines:
        hint = '`regress serve` does where it has a checkout; bisect = "never" under [web] forbids it.'
        raise RegressError("this server starts no bisections", hint=hint)


def _shown(number: int) -> RedirectResponse:
    return RedirectResponse(f"/bisection/{number}", 303)
