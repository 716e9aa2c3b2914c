"""An answer that may be behind what others have stored says by how many seconds, in the header ``Age``."""

from __future__ import annotations

import math

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from regress.service.browse import ages_noted


class Ages:
    """ASGI middleware. ``Age`` is HTTP's own word for it (RFC 9111, 5.1): seconds since it was the newest."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with ages_noted() as ages:

            async def send_dated(message: Message) -> None:
                if message["type"] == "http.response.start" and ages:
                    MutableHeaders(scope=message)["Age"] = str(math.ceil(max(ages)))
                await send(message)

            await self.app(scope, receive, send_dated)
