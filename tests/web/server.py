"""A uvicorn server on a free port of the loopback interface, up while a context lasts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


@contextmanager
def serve(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Serve ``app`` from a thread, on a free port if none is named; yields its base URL."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
    # asyncio turns Nagle's delay off (40 ms an answer) only where the protocol is named
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)  # connections queue here until the server accepts: no waiting for "ready"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
