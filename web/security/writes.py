"""What every route that writes depends on: origin, CSRF token and role are checked, and acts are logged.

    @router.post("/event/{event_id}/triage")
    def triage_event(event_id: Id, write: Annotated[Write, writes(Role.TRIAGER, "triage")]) -> Response:
        state = write.form.get("state", "")
        triage(write.store(f"event {event_id}", state), event_id, state)

In the template the form holds ``{{ csrf_field() }}``; scripts send ``csrf_token()`` as the header
X-CSRF-Token. A test looks for routes that write without. Never keep a page with a token for somebody else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from regress.domain import Deed, Role
from regress.errors import AccessError
from regress.service.browse import Store
from web.security.doors import Doors
from web.security.sessions import Visit

MAX_FORM = 65_536
"""Bytes of a form; a note is the longest thing in one."""

_MAX_FIELDS = 200
_log = logging.getLogger("regress.web")


@dataclass(frozen=True)
class Write:
    """A request that may write: who asks, and the fields of the form (each once; the last counts)."""

    visit: Visit
    form: Mapping[str, str]
    _store: Store
    _deed: Deed

    @property
    def who(self) -> str:
        """The name of who writes."""
        return self.visit.name

    def store(self, target: str = "", detail: str = "") -> Store:
        """The store, on behalf of this visitor: what is written to it is in the audit log with it."""
        return self._store.on_behalf(replace(self._deed, target=target, detail=detail))


def writes(needed: Role, action: str) -> Any:
    """The dependency of a route that writes; ``action`` is its name in the audit log ("triage").

    AccessError (401 or 403) for another origin, a missing or wrong CSRF token, or too small a role.
    """

    async def check(request: Request) -> Write:
        doors: Doors = request.app.state.doors
        visit: Visit = request.state.visit
        form = await read_form(request)
        deed = Deed(visit.name or "nobody", visit.how, action, request.url.path, "", visit.address)
        try:
            check_origin(request)
            check_csrf(request, doors, visit, form)
            _check_role(doors, visit, needed)
        except AccessError as error:
            await _remember(doors, visit, replace(deed, detail=str(error), refused=True))
            raise
        return Write(visit, form, doors.store, deed)

    check.guards_writes = True  # type: ignore[attr-defined] # what the test of all routes looks for
    return Depends(check)


def reads(needed: Role) -> Any:
    """The dependency of a route that shows what not everybody may see."""

    async def check(request: Request) -> Visit:
        visit: Visit = request.state.visit
        if visit.how != "this machine":  # whose owner can read the database anyway
            _check_role(request.app.state.doors, visit, needed)
        return visit

    return Depends(check)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an URL-encoded form of bounded size; empty for any other body."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise HTTPException(413, f"A form has at most {MAX_FORM:,} bytes")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), True, max_num_fields=_MAX_FIELDS))
    except ValueError as error:
        raise HTTPException(413, f"A form has at most {_MAX_FIELDS} fields") from error


def check_origin(request: Request) -> None:
    """Refuse what a page of another origin sends; browsers say so themselves."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site not in (None, "same-origin", "none")
    if foreign or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise AccessError("This came from another page than ours", hint="Open the page here and try again.")


def check_csrf(request: Request, doors: Doors, visit: Visit, form: Mapping[str, str]) -> None:
    """Refuse what carries no token of this session; who has no cookie cannot be made to send one."""
    token = request.headers.get("x-csrf-token") or form.get("csrf", "")
    if visit.how != "token" and not doors.sessions.holds(visit, token):
        hint = "Reload the page and try again: it may be older than your session."
        raise AccessError("This form is not of your session", hint=hint)


def _check_role(doors: Doors, visit: Visit, needed: Role) -> None:
    if visit.may(needed):
        return
    if doors.has_login and not visit.logged_in:
        raise AccessError("This takes a log-in", hint="/login is the way in.", unknown=True)
    if not doors.has_login:
        hint = "[access] in regress.toml sets up a log-in, or what visitors from this machine may do."
        raise AccessError("This dashboard only reads", hint=hint)
    raise AccessError(f"This takes the role {needed.value}; yours is {visit.role or 'none'}")


async def _remember(doors: Doors, visit: Visit, deed: Deed) -> None:
    """Log a refusal: of who is known in the audit log, of others in the server's, which anybody can fill."""
    if visit.logged_in:
        await run_in_threadpool(doors.store.record_deed, deed)
    else:
        _log.warning("refused: %s of %s from %s: %s", deed.action, deed.target, deed.address, deed.detail)
