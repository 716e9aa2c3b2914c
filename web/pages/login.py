"""In and out: the log-in with a password, the way to a provider, and the log-out."""

from __future__ import annotations

import math

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from regress.domain import Deed
from web.render import render
from web.security.doors import Doors
from web.security.sessions import Visit, renew
from web.security.writes import check_csrf, check_origin, read_form

router = APIRouter()

_PASSWORDS = CapacityLimiter(2)  # checking one takes 32 MB and a tenth of a second, on purpose


@router.get("/login")
def login(request: Request, next: str = "/") -> HTMLResponse:
    """Ask for name and password, or show the way to the provider."""
    return _ask(request, next)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Check name and password; ten tries a minute from one address, and for one name."""
    doors: Doors = request.app.state.doors
    visit: Visit = request.state.visit
    form = await read_form(request)
    check_origin(request)
    check_csrf(request, doors, visit, form)
    name, wanted = form.get("name", "")[:100], form.get("next", "/")
    if doors.access.login != "password":
        raise HTTPException(404, "There is no log-in with a password here")
    if wait := max(doors.log_ins.wait(f"at {visit.address}"), doors.log_ins.wait(f"as {name}")):
        said = f"Too many tries: try again in {math.ceil(wait)} s"
        raise HTTPException(429, said, {"Retry-After": str(math.ceil(wait))})
    user = await to_thread.run_sync(doors.people.check, name, form.get("password", ""), limiter=_PASSWORDS)
    deed = Deed(name, "password", "log in", address=visit.address, refused=user is None)
    await to_thread.run_sync(doors.store.record_deed, deed)
    if user is None:
        return _ask(request, wanted, "That is not the name and password of anybody here.", name, 401)
    visit.name, visit.how, visit.stamp = user.name, "password", user.stamp
    renew(visit)
    return RedirectResponse(local_path(wanted), 303)


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End the session of this browser."""
    doors: Doors = request.app.state.doors
    visit: Visit = request.state.visit
    check_origin(request)
    check_csrf(request, doors, visit, await read_form(request))
    visit.name = visit.how = visit.stamp = ""
    visit.groups = ()
    renew(visit)
    return RedirectResponse("/", 303)


def local_path(wanted: str) -> str:
    """Where to go after the log-in: a path here, and nowhere else."""
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if local and len(wanted) <= 1_000 else "/"


def _ask(request: Request, wanted: str, fault: str = "", name: str = "", status: int = 200) -> HTMLResponse:
    doors: Doors = request.app.state.doors
    return render(
        request,
        "login.html",
        status=status,
        how=doors.access.login,
        wanted=local_path(wanted),
        fault=fault,
        name=name,
    )
