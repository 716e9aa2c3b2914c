"""In and out: the log-in with a password or with a provider, and the log-out."""

from __future__ import annotations

import math

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from regress.domain import Deed
from regress.errors import AccessError
from web.render import render
from web.security.doors import LOG_OUT, Doors
from web.security.oidc import SECONDS, Provider
from web.security.sessions import Visit, fingerprint, renew
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
    doors = _doors(request)
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
    doors = _doors(request)
    visit: Visit = request.state.visit
    check_origin(request)
    check_csrf(request, doors, visit, await read_form(request))
    ended = fingerprint(visit.session)
    doors.sessions.end([ended])
    deed = Deed(visit.name, visit.how, LOG_OUT, f"session {ended}", address=visit.address)
    await to_thread.run_sync(doors.store.record_deed, deed)
    visit.name = visit.how = visit.stamp = ""
    visit.groups = ()
    renew(visit)
    return RedirectResponse("/", 303)


@router.get("/login/oidc")
async def to_provider(request: Request, next: str = "/") -> RedirectResponse:
    """Send the browser to the provider."""
    provider = _provider(request)
    address, cookie = await to_thread.run_sync(provider.begin, _back(request), local_path(next))
    answer = RedirectResponse(address, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        provider.cookie, cookie, SECONDS, path="/login", secure=secure, httponly=True, samesite="lax"
    )
    return answer


@router.get("/login/back")
async def from_provider(
    request: Request, state: str = "", code: str = "", error: str = ""
) -> RedirectResponse:
    """Take in who comes back from the provider."""
    provider, doors = _provider(request), _doors(request)
    visit: Visit = request.state.visit
    if error or not code:
        said = error[:100] or "nothing"
        raise AccessError(f"The provider says no: {said}", hint="Try again.", unknown=True)
    cookie = request.cookies.get(provider.cookie, "")
    person, wanted = await to_thread.run_sync(provider.finish, _back(request), cookie, state, code)
    visit.name, visit.how, visit.groups = person.name, "oidc", person.groups
    renew(visit)
    deed = Deed(person.name, "oidc", "log in", address=visit.address)
    await to_thread.run_sync(doors.store.record_deed, deed)
    answer = RedirectResponse(local_path(wanted), 303)
    answer.delete_cookie(provider.cookie, path="/login")
    return answer


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


def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.doors
    return doors


def _provider(request: Request) -> Provider:
    provider = _doors(request).provider
    if provider is None:
        raise HTTPException(404, "There is no log-in with a provider here")
    return provider


def _back(request: Request) -> str:
    """Our address as the provider knows it; the Host header is a name of ours by now."""
    return f"{request.url.scheme}://{request.url.netloc}/login/back"
