"""What every answer carries and what no request may do: headers, methods, sizes."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
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


class Guard:
    """ASGI middleware: only GET, bounded URLs, security headers on whatever comes back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, text in HEADERS.items():
                    headers[name] = text
                headers["Cache-Control"] = _caching(scope)
            await send(message)

        refusal = _refusal(scope)
        await (refusal or self.app)(scope, receive, send_guarded)


def _refusal(scope: Scope) -> PlainTextResponse | None:
    if scope["method"] != "GET":
        return PlainTextResponse("This dashboard only reads: use GET.\n", 405, {"Allow": "GET"})
    if len(scope["query_string"]) > MAX_QUERY or len(scope["path"].encode()) > MAX_PATH:
        return PlainTextResponse(f"The address is too long (query: {MAX_QUERY} bytes).\n", 414)
    return None


def _caching(scope: Scope) -> str:
    """Static files are asked for by digest, so they never change; everything else is looked at afresh."""
    by_digest = scope["path"].startswith("/static/") and scope["query_string"].startswith(b"v=")
    return "public, max-age=31536000, immutable" if by_digest else "no-cache"
