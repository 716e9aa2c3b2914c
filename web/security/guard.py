"""What every answer carries and what no request may do: hosts, lengths, headers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_QUERY = 2_048
"""Bytes of a query string; the longest honest one (compare, with every filter) has about 300."""

MAX_PATH = 1_024
"""Bytes of a path."""

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


SHARED = "/embed/"
"""Below it is what other sites may show in a frame: nothing there can be sent, and no cookie of ours is."""


class Guard:
    """ASGI middleware: known hosts, bounded URLs, HEAD as GET without the body, headers on every answer."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = ()) -> None:
        self.app = app
        self._hosts = {"localhost", socket.gethostname().lower(), *(name.lower() for name in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        bare = scope["method"] == "HEAD"

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                _dress(MutableHeaders(scope=message), scope)
            elif bare and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        refusal = self._refusal(scope)
        asked = {**scope, "method": "GET"} if bare else scope
        await (refusal or self.app)(asked, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        if len(scope["query_string"]) > MAX_QUERY or len(scope["path"].encode()) > MAX_PATH:
            return _refused(scope, 414, f"The address is too long (query: {MAX_QUERY} bytes)")
        host = Headers(scope=scope).get("host", "")
        if not self._is_ours(host):
            hint = "[access] hosts in regress.toml lists names."
            return _refused(scope, 421, f"Nothing is served under the name {host[:100]!r}", hint)
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header is a name of ours, or a bare address.

        A page elsewhere whose name is made to point here (DNS rebinding) sends its own name.
        """
        name = host_name(host)
        return name in self._hosts or name.endswith(".localhost") or _is_address(name)


def _refused(scope: Scope, status: int, error: str, hint: str = "") -> Response:
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": error, "hint": hint, "near": []}, status)
    return PlainTextResponse(f"{'. '.join(filter(None, (error, hint)))}\n", status)


def host_name(host: str) -> str:
    """The name in a Host header or authority, without its port."""
    name = host.lower().rstrip(".")
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Whether a host's name or address means this machine only."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _dress(headers: MutableHeaders, scope: Scope) -> None:
    for name, text in HEADERS.items():
        headers[name] = text
    if scope["path"].startswith(SHARED):
        headers["Content-Security-Policy"] = CSP.replace("frame-ancestors 'none'", "frame-ancestors *")
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        del headers["X-Frame-Options"]
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers.setdefault("Cache-Control", _caching(scope))
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"


def _caching(scope: Scope) -> str:
    """Static files are asked for by digest, so they never change; everything else is looked at afresh."""
    by_digest = scope["path"].startswith("/static/") and scope["query_string"].startswith(b"v=")
    return "public, max-age=31536000, immutable" if by_digest else "no-cache"
