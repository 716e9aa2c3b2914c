"""Who is asking, how often, and whether they may read: one answer for each request, before any route."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from regress.config import Config
from regress.domain import Role, Scope
from regress.service.access import PasswordFile, find_token, looks_like_token, signing_key
from regress.service.browse import Store
from web.security.guard import host_name, is_loopback
from web.security.oidc import Provider
from web.security.rates import Rate
from web.security.sessions import Sessions, Visit
from web.security.uploads import Uploads

DELIVERIES = "/api/v1/deliveries"
"""Where machines with tokens bring results."""

OPEN_PATHS = ("/login", "/healthz", DELIVERIES)
"""What anybody may ask for: how to log in, and whether the server lives; deliveries check by themselves."""

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_NOWHERE = Path("/nowhere")
LOG_OUT = "log out"
"""What the audit log calls it; its target is the session's fingerprint."""

_LOG_OUTS = 10_000
_TOUCH_EVERY = timedelta(hours=1)
_BURST = 300  # a page is up to ten requests, and a person opens several at once


class Doors:
    """What the server knows of who may come in: settings, passwords, key, rates."""

    def __init__(self, config: Config | None, store: Store) -> None:
        self.access = (config or Config(_NOWHERE)).access
        root = config.root if config is not None and config.root.is_dir() else None
        self.store = store
        somebody_writes = self.has_login or Role(self.access.local) is not Role.VIEWER
        key = signing_key(root if somebody_writes else None)  # who only reads has no session to keep
        self.sessions = Sessions(key, self.access.session_hours)
        self.sessions.end(_logged_out(store, self.access.session_hours))
        self.provider = Provider(self.access, key) if self.access.login == "oidc" else None
        self.people = PasswordFile((root or _NOWHERE) / self.access.passwords)
        self.requests = Rate(self.access.requests, _BURST)
        self.log_ins = Rate(10, 10)
        self.uploads_rate = Rate(1_200, 300)
        self.uploads = Uploads(self.access)
        self.bad_tokens = Rate(30, 30)
        self._touched: dict[int, datetime] = {}
        self._touching = CapacityLimiter(1)

    @property
    def has_login(self) -> bool:
        """Whether people can log in."""
        return self.access.login != "none"

    @property
    def anybody_reads(self) -> bool:
        """Whether reading takes no log-in."""
        return self.access.open or not self.has_login

    async def visit(self, scope: AsgiScope) -> Visit:
        """Who asks, by token, by session, or by where they are."""
        headers = Headers(scope=scope)
        address = scope["client"][0] if scope.get("client") else ""
        secret = _bearer(headers)
        if secret is not None:
            visit = await self._machine(secret)
        else:
            visit = self.sessions.read(cookie_parser(headers.get("cookie", "")))
            self._prove(visit, scope, headers)
        visit.address = address
        return visit

    async def _machine(self, secret: str) -> Visit:
        token = await run_in_threadpool(find_token, self.store, secret) if looks_like_token(secret) else None
        if token is None:
            return Visit(how="bad token")
        now = datetime.now(UTC)
        if token.id not in self._touched or now - self._touched[token.id] >= _TOUCH_EVERY:
            self._touched[token.id] = now  # first, so that of fifty requests at once one writes
            await to_thread.run_sync(self.store.touch_token, token, now, limiter=self._touching)
        role = Role.VIEWER if Scope.READ in token.scopes or self.anybody_reads else None
        return Visit(name=token.name, role=role, how="token", scopes=token.scopes)

    def _prove(self, visit: Visit, scope: AsgiScope, headers: Headers) -> None:
        """What the visitor may: their role as it is now, or anybody's."""
        if visit.how == "password" and self.access.login == "password":
            user = self.people.users().get(visit.name)
            if user is not None and user.stamp == visit.stamp:
                visit.role = user.role
        elif visit.how == "oidc" and self.access.login == "oidc":
            visit.role = oidc_role(self.access.oidc_role, self.access.oidc_roles, visit.name, visit.groups)
        if visit.role is None:
            visit.name, visit.groups = "", ()
            visit.how = "nobody"
            if self.anybody_reads:
                visit.role = Role.VIEWER
            if not self.has_login and _is_here(scope, headers):
                visit.role, visit.how = Role(self.access.local), "this machine"
                visit.name = "local" if visit.role is not Role.VIEWER else ""


class DoorKeeper:
    """ASGI middleware: puts the ``Visit`` into ``request.state.visit``, and turns away who may not read."""

    def __init__(self, app: ASGIApp, *, doors: Doors) -> None:
        self.app = app
        self._doors = doors

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = await self._doors.visit(scope)
        scope.setdefault("state", {})["visit"] = visit

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and visit.changed:
                cookie = self._doors.sessions.header(visit, secure=scope["scheme"] == "https")
                headers = MutableHeaders(scope=message)
                headers.append("Set-Cookie", cookie)
                headers["Cache-Control"] = "no-store"
            await send(message)

        refusal = self._refusal(scope, visit)
        await (refusal or self.app)(scope, receive, send_with_cookie)

    def _refusal(self, scope: AsgiScope, visit: Visit) -> Response | None:
        path = scope["path"]
        if path.startswith("/static/"):
            return None
        if not is_loopback(visit.address) and (wait := self._doors.requests.wait(visit.address)):
            return too_many(path, wait)
        if visit.how == "bad token":
            return self._bad_token(path, visit)
        if visit.role is None and not path.startswith(OPEN_PATHS):
            return _log_in_first(scope)
        return None

    def _bad_token(self, path: str, visit: Visit) -> Response:
        if wait := self._doors.bad_tokens.wait(visit.address):
            return too_many(path, wait)
        hint = "It may be revoked, expired, or of another project: regress token list, on the server."
        return problem(401, "This token opens nothing", hint, {"WWW-Authenticate": "Bearer"})


def problem(status: int, error: str, hint: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A refusal in the API's one shape of errors."""
    return JSONResponse({"error": error, "hint": hint, "near": []}, status, headers)


def too_many(path: str, wait: float) -> Response:
    """The refusal of who asks too often."""
    seconds = {"Retry-After": str(math.ceil(wait))}
    said = f"Too many requests: try again in {math.ceil(wait)} s"
    if path.startswith("/api/"):
        return problem(429, said, "", seconds)
    return PlainTextResponse(f"{said}.\n", 429, seconds)


def _log_in_first(scope: AsgiScope) -> Response:
    path = scope["path"]
    if path.startswith("/api/") or scope["method"] != "GET":
        hint = "Pass a token with the scope read: Authorization: Bearer TOKEN."
        return problem(401, "Reading takes a log-in here", hint, {"WWW-Authenticate": "Bearer"})
    query = scope["query_string"].decode("latin-1")
    wanted = f"{path}?{query}" if query else path
    return RedirectResponse(f"/login?next={quote(wanted, safe='/')}", 303)


def _logged_out(store: Store, hours: int) -> list[str]:
    """The sessions that ended by a log-out while their cookies may still hold."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    entries = store.audit(_LOG_OUTS, action=LOG_OUT)
    return [entry.deed.target.removeprefix("session ") for entry in reversed(entries) if entry.at >= since]


def oidc_role(everybody: str, more: tuple[str, ...], email: str, groups: tuple[str, ...]) -> Role | None:
    """What somebody whom the provider knows may do: the most that any line grants; None for nothing."""
    names = {email, *(f"group:{group}" for group in groups)}
    granted = [Role(role) for name, _, role in (line.rpartition("=") for line in more) if name in names]
    if everybody != "none":
        granted.append(Role(everybody))
    return max(granted, key=list(Role).index, default=None)


def _bearer(headers: Headers) -> str | None:
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def _is_here(scope: AsgiScope, headers: Headers) -> bool:
    """Whether somebody on this machine asks for this machine, and no proxy asks for somebody else."""
    address = scope["client"][0] if scope.get("client") else ""
    own = is_loopback(address) and is_loopback(host_name(headers.get("host", "")))
    return own and not any(name in headers for name in _FORWARDED)
