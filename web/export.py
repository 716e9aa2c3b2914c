"""The whole dashboard as plain files: for GitHub Pages, an artifact of a CI job, or a folder opened by hand.

The pages are those that the server would give a viewer, with links made relative, ages made dates, and
charts made drawings: no scripts, so that file:// shows them too. What only a server can do (searches,
filters, any two commits compared) is left out, and links to it are plain text.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape, unescape
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from fastapi import FastAPI

from regress.config import AccessConfig, Config
from regress.errors import RegressError
from web import drawing
from web.app import create_app
from web.render import STATIC

MANIFEST = ".regress-export.json"
"""The file by which a folder is known as one that may be replaced."""

STARTS = (
    "/",
    "/events",
    "/drift",
    "/bisections",
    "/benchmarks",
    "/commits",
    "/machines",
    "/runs",
    "/feed.atom",
)
POINTS = 800
"""Points of a chart: as many as it is wide."""

_PAGES = re.compile(r"/(event|series|run|bisection)/\d+|/commit/[0-9a-f]{7,64}")
_PAGED = ("/benchmarks", "/runs", "/bisections")  # further pages of these are pages of their own
_LINK = re.compile(r'\s(href|src)="([^"]*)"')
_FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
_SCRIPT = re.compile(
    r"<script\b.*?</script>|<noscript\b.*?</noscript>|<dialog\b.*?</dialog>"
    r'|<link rel="(?:module)?preload"[^>]*>|<button type="button" id="theme".*?</button>',
    re.DOTALL,
)
_AGE = re.compile(r'<time datetime="([^"]*)" title="([^"]*)">[^<]*</time>')
_CHART = re.compile(
    r'<figure class="chart" id="chart".*?</figure>'
    r'|<p class="notice" role="status"><strong>The chart library is missing.*?</p>',
    re.DOTALL,
)

Listener = Callable[[int, int], None]
"""Told after each page: how many are done, and how many are known."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: files in all, how many of them are new or other than before, links left out."""

    folder: Path
    files: int
    changed: int
    left_out: int


def export(config: Config, folder: Path, *, most: int, listen: Listener) -> Exported:
    """Write the site of a project to ``folder``, at most ``most`` pages; RegressError where it must not.

    All of it is made beside the folder and then put in its place, so that readers see the old site or the
    new one; a file that says what it said before stays the same file, time and all.
    """
    _check(folder)
    fresh, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    app = create_app(config.database_url, config=replace(config, access=AccessConfig()))
    try:
        site = _Site(app, folder, fresh, most)
        asyncio.run(site.write(listen))
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    finally:
        app.state.store.close()
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return Exported(folder, site.files, site.changed, len(site.left_out))


def _check(folder: Path) -> None:
    """Only what an export wrote is replaced."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        hint = "Name a folder that does not exist yet, or one that an export wrote."
        raise RegressError(f"{folder} holds other files", hint=hint)
    if folder.exists() and not folder.is_dir():
        raise RegressError(f"{folder} is a file", hint="Name a folder.")


class _Site:
    """The pages of one export, found by following links from the first ones."""

    def __init__(self, app: FastAPI, before: Path, folder: Path, most: int) -> None:
        self._app, self._before, self._folder, self._most = app, before, folder, most
        self._known = {address: _place(address) for address in STARTS}
        self._todo = deque(STARTS)
        self.files = self.changed = 0
        self.left_out: set[str] = set()

    async def write(self, listen: Listener) -> None:
        """All files."""
        done = 0
        while self._todo:
            address = self._todo.popleft()
            body = await self._get(address)
            place = self._known[address]
            if place.endswith(".html"):
                body = await self._page(address, place, body.decode())
            self._keep(place, body)
            done += 1
            listen(done, len(self._known))
        for path in sorted(STATIC.glob("*.*")):
            if path.suffix in (".css", ".svg"):
                self._keep(f"static/{path.name}", path.read_bytes())
        self._keep(".nojekyll", b"")  # GitHub Pages serves the files as they are
        self._keep(MANIFEST, json.dumps({"pages": done}).encode())

    async def _page(self, address: str, place: str, html: str) -> bytes:
        """A page without what a server must do."""
        if drawn := _CHART.search(html):
            chart = await self._chart(address)
            html = html[: drawn.start()] + chart + html[drawn.end() :]
        html = _AGE.sub(r'<time datetime="\1">\2</time>', _FORM.sub("", _SCRIPT.sub("", html)))
        return _LINK.sub(lambda found: self._link(address, place, *found.groups()), html).encode()

    async def _chart(self, address: str) -> str:
        told = json.loads(await self._get(f"/api/v1{address}/points?limit={POINTS}"))
        return f'<figure class="chart">{drawing.wide_line([one["value"] for one in told["points"]])}</figure>'

    def _link(self, address: str, place: str, attribute: str, told: str) -> str:
        target = unescape(told)
        parts = urlsplit(target)
        if parts.scheme or parts.netloc or target.startswith("#"):
            return f' {attribute}="{told}"'
        there = self._file(urljoin(address, target))
        if there is None:
            self.left_out.add(target)
            return ""
        up = "../" * (len(PurePosixPath(place).parts) - 1)
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        return f' {attribute}="{escape(up + there + fragment)}"'

    def _file(self, target: str) -> str | None:
        """The file of an address; None for what is not exported."""
        parts = urlsplit(target)
        if parts.path.startswith("/static/"):
            return None if "/vendor/" in parts.path else parts.path[1:]  # no script runs that would need it
        wanted = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if wanted not in self._known:
            names = {name for name, _ in parse_qsl(parts.query)}
            pages = parts.path in _PAGED and names <= {"page", "branch", "view"}
            ours = pages or (parts.path == "/" and names == {"branch"}) or _PAGES.fullmatch(wanted)
            if not ours or len(self._known) >= self._most:
                return None
            self._known[wanted] = _place(wanted)
            self._todo.append(wanted)
        return self._known[wanted]

    def _keep(self, place: str, body: bytes) -> None:
        """Write a file, or take the old one where it says the same."""
        old, new = self._before / place, self._folder / place
        new.parent.mkdir(parents=True, exist_ok=True)
        self.files += 1
        if old.is_file() and old.stat().st_size == len(body) and old.read_bytes() == body:
            try:
                os.link(old, new)
            except OSError:  # a file system without links
                shutil.copy2(old, new)
            return
        self.changed += 1
        new.write_bytes(body)

    async def _get(self, address: str) -> bytes:
        """What the application answers; RegressError where it cannot."""
        path, _, query = address.partition("?")
        status, chunks = 500, []

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        asked = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 0),
            "server": ("localhost", 80),
        }
        await self._app(asked, receive, send)
        if status != 200:
            raise RegressError(
                f"page {address} answered {status}", hint="Does `regress db check` find a fault?"
            )
        return b"".join(chunks)


def _place(address: str) -> str:
    """The file of an address: readable, and different for different addresses."""
    path, _, query = address.partition("?")
    name = path.strip("/") or "index"
    if name == "feed.atom":
        return name
    if query:
        said = re.sub(r"[^A-Za-z0-9]+", "-", query)[:40]
        name += f"-{said}-{hashlib.sha256(query.encode()).hexdigest()[:6]}"
    return f"{name}.html"
