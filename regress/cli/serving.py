"""Serves the dashboard in this process until Ctrl-C."""

from __future__ import annotations

import contextlib
import gc
import socket
import sys
import webbrowser
from typing import TYPE_CHECKING

from regress.domain import Role
from regress.errors import RegressError

if TYPE_CHECKING:
    from regress.config import Config
    from regress.service.project import Project

BEHIND = 10.0
"""Seconds by which pages may be behind what other processes store, so that nobody waits while they do. It is
what a busy machine needs to look for all of them; mostly they are behind by less than one."""

TURN = 0.001
"""Seconds that a request may keep the interpreter while others wait: pages make many short calls of the
database, and at Python's 5 ms each of them waits for whoever compares whole commits."""


def serve_dashboard(
    project: Project,
    *,
    host: str | None = None,
    port: int | None = None,
    open_browser: bool = False,
) -> None:
    """Serve the project's database, and attend to what arrives there, if ``[web] attend`` says so.

    RegressError when the address is taken; port 0 picks a free one.
    """
    config = project.config
    import uvicorn

    from regress.service.attend.attendant import attended
    from regress.service.attend.bisecting import Bisector, bisecting
    from web.app import create_app
    from web.security.guard import is_loopback

    wanted = host or config.web.host
    if not is_loopback(wanted) and config.access.login == "none" and not config.access.open:
        hint = 'Set login = "password" under [access] in regress.toml and add people with `regress user add`,'
        hint += " or open = true to let anybody read."
        raise RegressError(f"serving on {wanted} takes a log-in", hint=hint)
    bisector = Bisector(project) if may_bisect(config, here=is_loopback(wanted)) else None
    app = create_app(config.database_url, config=config, bisector=bisector, behind=BEHIND)
    listener = _listen(wanted, config.web.port if port is None else port)
    address = f"http://{_readable(listener)}/"
    print(f"dashboard: {address}   (Ctrl-C ends it)", flush=True)
    if open_browser:
        webbrowser.open(address)  # the socket listens already: the first request waits for the server
    sys.setswitchinterval(TURN)
    gc.freeze()  # what is imported stays: to look for garbage in it takes 0.1 s, in which no page is told
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False))
    attending = attended(project) if config.web.attend else contextlib.nullcontext()
    with listener, contextlib.suppress(KeyboardInterrupt), attending, bisecting(bisector):
        server.run(sockets=[listener])


def may_bisect(config: Config, *, here: bool) -> bool:
    """Whether anybody may start bisections on a server that listens ``here`` (on loopback) or elsewhere."""
    somebody = config.access.login != "none" or Role(config.access.local).may(Role.MAINTAINER)
    return somebody and (config.web.bisect == "always" or (here and config.web.bisect == "loopback"))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by it
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        hint = "--port 0 picks a free one."
        raise RegressError(f"cannot serve on {host}:{port}: {error.strerror or error}", hint=hint) from error
    listener.listen(128)
    return listener


def _readable(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
