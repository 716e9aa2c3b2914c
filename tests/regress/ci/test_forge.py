"""The HTTP client against a real server that keeps comments as GitHub and GitLab do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from regress.service.ci.comment import markdown, marker
from regress.service.ci.forge import ChangePage, ForgeError
from regress.service.ci.publish import tell_forge
from regress.service.ci.surroundings import Surroundings
from tests.regress.ci import reports


class Server(ThreadingHTTPServer):
    """Comments of one request; ``failures`` are statuses to answer with first. Who writes is ``user``, and is
    told so unless it is an App.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = [{"id": n, "body": f"comment {n}"} for n in range(150)]
        self.failures: list[int] = []
        self.user = "ann"
        self.seen: list[tuple[str, str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def written_by(self, name: str) -> dict[str, Any]:
        """How GitHub and GitLab tell who wrote a comment."""
        return {"user": {"login": name}, "author": {"username": name}}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def _handle(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(length)) if length else {}
        token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
        self.server.seen.append((self.command, url.path, token))
        if self.server.failures:
            return self._answer(self.server.failures.pop(0), {"message": "Resource not accessible"})
        if url.path == "/user":
            app = self.server.user.endswith("[bot]")
            told = {"message": "Resource not accessible by integration"}
            named = {"login": self.server.user, "username": self.server.user}
            return self._answer(403 if app else 200, told if app else named)
        if self.command == "GET":
            page = int(parse_qs(url.query)["page"][0])
            return self._answer(200, self.server.comments[100 * (page - 1) : 100 * page])
        if self.command == "POST":
            entry = {"id": 1000 + len(self.server.comments), "html_url": "https://forge/c", **sent}
            entry.update(self.server.written_by(self.server.user))
            self.server.comments.append(entry)
            return self._answer(201, entry)
        entry = next(c for c in self.server.comments if c["id"] == int(url.path.rsplit("/", 1)[1]))
        entry.update(sent)
        return self._answer(200, entry)

    do_GET = do_POST = do_PATCH = do_PUT = _handle

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.server.address}/stolen")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def around(server: Server, kind: str = "github", **more: str) -> Surroundings:
    settings = {"repository": "o/r", "request": "5", "token": "t0ken", "shown_head": "b" * 40, **more}
    return Surroundings(kind=kind, api=server.address, **settings)


@pytest.mark.parametrize(
    ("kind", "user", "edit"),
    [
        ("github", "ann", "PATCH"),
        ("github", "github-actions[bot]", "PATCH"),
        ("gitlab", "project_7_bot", "PUT"),
    ],
)
def test_one_comment_is_edited_in_place_and_nobody_elses(
    server: Server, kind: str, user: str, edit: str
) -> None:
    server.user = user
    trap = {"id": 500, "body": f"{marker('demo')}\nhers", **server.written_by("eve")}
    server.comments += [trap, {**trap, "id": 501, "user": None, "author": None}]
    page = ChangePage(around(server, kind))
    for report in (reports.SAME, reports.SLOWER):
        page.put_comment(marker(report.name), markdown(report))
    ours = [c for c in server.comments if c["body"].startswith(marker("demo"))]
    assert [c["body"] for c in ours] == [trap["body"], trap["body"], markdown(reports.SLOWER)]
    assert [method for method, _, _ in server.seen if method != "GET"] == ["POST", edit]
    other = reports.SAME
    page.put_comment(marker("another suite"), markdown(other).replace("demo", "another suite"))
    assert len(server.comments) == 154
    assert {token for _, _, token in server.seen} == {"t0ken" if kind == "gitlab" else "Bearer t0ken"}


def test_a_server_that_stumbles_is_asked_again(server: Server) -> None:
    server.failures = [502, 503]
    naps: list[float] = []
    ChangePage(around(server), sleep=naps.append).put_comment("<!-- m -->", "<!-- m -->")
    assert naps == [2.0, 4.0]
    assert len(server.comments) == 151


def test_a_token_goes_nowhere_else(server: Server) -> None:
    server.failures = [302]
    with pytest.raises(ForgeError, match="302"):
        ChangePage(around(server)).put_comment("<!-- m -->", "text")
    assert [path for _, path, _ in server.seen] == ["/repos/o/r/issues/5/comments"]


def test_what_cannot_be_written_is_a_note_and_no_failure(server: Server) -> None:
    server.failures = [403, 403]
    notes = tell_forge(reports.SLOWER, around(server), comment=True, check=True)
    assert len(notes) == 2
    assert "comment not written" in notes[0]
    assert "pull-requests: write" in notes[0]
    assert "no token" in tell_forge(reports.SAME, around(server, token=""), comment=True, check=False)[0]
    nowhere = Surroundings(kind="github", api="file:///etc/passwd", token="t", request="1")
    assert "no address" in tell_forge(reports.SAME, nowhere, comment=True, check=False)[0]


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_check_says_the_decision(server: Server, kind: str) -> None:
    notes = tell_forge(reports.SLOWER, around(server, kind, request=""), comment=True, check=True)
    assert notes[0].startswith("check written")
    told = server.comments[-1]
    assert (told.get("conclusion") or told["state"]) in ("failure", "failed")
    assert "Slower: 2 of 5 benchmarks" in (told.get("description") or told["output"]["title"])
