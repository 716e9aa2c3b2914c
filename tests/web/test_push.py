"""``regress push`` to a real server: exactly once, whatever happens on the way."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from regress.cli import main
from regress.config import AccessConfig, Config
from regress.domain import Deed
from regress.errors import RegressError
from regress.service.access import make_token
from regress.service.push.pack import Body
from regress.service.push.queue import Queue
from regress.service.push.send import PATH, checked_url, send
from regress.service.push.wire import delivery_of, pushed
from regress.store import Store
from tests.regress.fixtures.repos import GitRepo
from tests.web import history as made
from tests.web.server import serve
from web.app import create_app

ADMIN = Deed("root", "command line", "make token")


class Server:
    """A dashboard with two tokens."""

    def __init__(self, folder: Path, base: str) -> None:
        self.folder, self.base = folder, base
        with self.store() as store:
            self.push = make_token(store, ADMIN, "ci")[1]
            self.read = make_token(store, ADMIN, "wall", ["read"])[1]

    def store(self) -> Store:
        """Its store, from beside."""
        return Store.open(f"sqlite:///{self.folder / 'regress.db'}")

    def post(self, data: bytes, token: str = "", **headers: str) -> httpx.Response:
        """A delivery by hand."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        sent = {"Authorization": f"Bearer {token or self.push}", "Content-Type": "application/json", **named}
        return httpx.post(self.base + PATH, content=data, headers=sent)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The dashboard, taking bodies of a megabyte at most."""
    access = AccessConfig(upload_mb=1, unpacked_mb=1, login="password")
    app = create_app(f"sqlite:///{tmp_path / 'regress.db'}", config=Config(root=tmp_path, access=access))
    with serve(app) as base:
        yield Server(tmp_path, base)


def body(number: int = 0, results: int = 3) -> Body:
    """A delivery of one commit, with its history."""
    commits = [made.commit(i, 5) for i in range(5)]
    series = [made.key(f"bench.time_{i}") for i in range(results)]
    at = commits[number]
    told = made.delivery(at, [made.measure(key, at, 1.0, random.Random(number)) for key in series])
    sent = pushed(replace(told, branch="main"), commits[: number + 1])
    return Body(sent.digest, "file", sent.model_dump_json(exclude_defaults=True).encode())


def test_a_delivery_comes_whole_and_once(server: Server) -> None:
    sent = body()
    first, again = server.post(sent.data), server.post(gzip.compress(sent.data), Content_Encoding="gzip")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {**first.json(), "new": 3, "duplicate": False, "unplaced": []}
    assert again.json() == {**again.json(), "new": 0, "unchanged": 3, "duplicate": True}
    with server.store() as store:
        assert store.count_series("main") == 3
        assert [commit.author for commit in store.commits("main")] == [made.commit(0, 5).author]
        deeds = [entry.deed for entry in store.audit()]
        assert [(deed.who, deed.action) for deed in deeds[:2]] == [("ci", "deliver")] * 2
        (token,) = [token for token in store.tokens() if token.name == "ci"]
        assert token.used_at is not None


def test_the_wire_loses_nothing() -> None:
    at = made.commit(0, 1)
    told = replace(made.delivery(at, [made.measure(made.SMALL, at, 1.0, random.Random(1))]), branch="b")
    back = delivery_of(pushed(told).model_validate_json(pushed(told).model_dump_json()))
    keyed = [replace(m, series=replace(m.series, branch="b")) for m in told.measurements]
    assert list(back.measurements) == keyed
    assert (back.machine, back.environment, back.failures) == (told.machine, told.environment, told.failures)


@pytest.mark.parametrize(
    ("data", "headers", "status", "said"),
    [
        (b"{}", {}, 422, "digest: Field required"),
        (b"[1", {}, 422, "Invalid JSON"),
        (b"[" * 100_000, {}, 422, "recursion"),
        (b"x" * 1_000_001, {}, 413, "at most 1 MB"),
        (gzip.compress(b"x" * 2_000_000, mtime=0), {"Content_Encoding": "gzip"}, 413, "1 MB unpacked"),
        (gzip.compress(b"{}", mtime=0)[:-3], {"Content_Encoding": "gzip"}, 400, "cut off"),
        (gzip.compress(b"{}", mtime=0) * 2, {"Content_Encoding": "gzip"}, 400, "more follows"),
        (b"{}", {"Content_Encoding": "gzip"}, 400, "no gzip"),
        (b"{}", {"Content_Encoding": "br"}, 415, "gzip"),
        (b"{}", {"Content_Type": "text/plain"}, 415, "application/json"),
    ],
)
def test_what_is_no_delivery_is_refused_whole(
    server: Server, data: bytes, headers: dict[str, str], status: int, said: str
) -> None:
    answer = server.post(data, **headers)
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_values_that_would_break_things_are_refused(server: Server) -> None:
    good = json.loads(body().data)
    for place, wrong in (
        ("series", [{**good["series"][0], "measurements": [{"commit": "abcd", "value": "NaN"}]}]),
        ("series", [{**good["series"][0], "measurements": [{"commit": "not a hash", "value": 1.0}]}]),
        ("history", {"first": 2**31, "commits": good["history"]["commits"]}),
        ("commit_times", [["abcd", "0001-01-01T00:00:00+05:00"]]),
        ("surprise", 1),
    ):
        assert server.post(json.dumps({**good, place: wrong}).encode()).status_code == 422
    with server.store() as store:
        assert store.count_series() == 0


def test_a_token_opens_its_scope_until_it_is_revoked(server: Server) -> None:
    sent = body().data
    assert server.post(sent, token=server.read).status_code == 403
    assert server.post(sent, token="regress_" + "x" * 43).status_code == 401
    assert httpx.post(server.base + PATH, content=sent).status_code == 401
    pages = {name: {"Authorization": f"Bearer {getattr(server, name)}"} for name in ("push", "read")}
    assert httpx.get(server.base + "/api/v1/overview", headers=pages["read"]).status_code == 200
    assert httpx.get(server.base + "/api/v1/overview", headers=pages["push"]).status_code == 401
    with server.store() as store:
        store.revoke_token("ci")
        assert server.push not in "".join(map(str, store.tokens()))
    assert server.post(sent).status_code == 401


def test_what_waits_outlives_the_server_being_away(server: Server, tmp_path: Path) -> None:
    away = Queue(tmp_path, "http://127.0.0.1:9")
    there = Queue(tmp_path, server.base)
    for queue in (away, there):
        assert [queue.add(body(i)) for i in (0, 1, 1, 2)] == [True, True, False, True]
    pauses: list[float] = []
    sent = send(away, server.push, patience=0, listen=lambda *_: None, sleep=pauses.append)
    assert (sent.queued, sent.delivered, len(away.waiting())) == (3, 0, 3)
    assert "cannot be reached" in sent.problem
    sent = send(there, server.push, patience=0, listen=lambda *_: None)
    assert (sent.queued, sent.delivered, sent.new, there.waiting()) == (0, 3, 9, [])


def test_a_server_that_comes_back_gets_everything(tmp_path: Path) -> None:
    """Sending goes on with growing pauses, in which this server starts."""
    url = f"sqlite:///{tmp_path / 'regress.db'}"
    with Store.open(url) as store:
        token = make_token(store, ADMIN, "ci")[1]
    with serve(create_app(url)) as base:
        pass
    queue, port, pauses = Queue(tmp_path, base), int(base.rpartition(":")[2]), list[float]()
    queue.add(body())
    running = None

    def sleep(seconds: float) -> None:
        nonlocal running
        pauses.append(seconds)
        if len(pauses) == 3:
            running = serve(create_app(url), port=port)
            running.__enter__()

    try:
        sent = send(queue, token, patience=1e9, listen=lambda *_: None, sleep=sleep)
    finally:
        assert running is not None
        running.__exit__(None, None, None)
    assert (sent.delivered, len(pauses)) == (1, 3)
    assert pauses[2] > pauses[0]


def test_what_is_never_taken_is_set_aside(server: Server, tmp_path: Path) -> None:
    queue = Queue(tmp_path, server.base)
    for data in (b'{"format": 2}', body().data):
        queue.add(Body(f"{len(data):064}", "file", data))
    sent = send(queue, server.push, patience=0, listen=lambda *_: None)
    ((aside, reason),) = sent.refused
    assert (sent.delivered, sent.queued) == (1, 0)
    assert "format" in reason
    assert gzip.decompress(Path(aside).read_bytes()) == b'{"format": 2}'


def test_a_token_that_opens_nothing_loses_nothing(server: Server, tmp_path: Path) -> None:
    queue = Queue(tmp_path, server.base)
    queue.add(body())
    with pytest.raises(RegressError, match="opens nothing"):
        send(queue, "regress_" + "x" * 43, patience=0, listen=lambda *_: None)
    assert len(queue.waiting()) == 1


@pytest.mark.parametrize(
    "url", ["ftp://x", "file:///etc", "http://", "//x", "http://a:b@c", "http://a:99999", "x"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(RegressError, match="no server's address"):
        checked_url(url)


def test_a_token_does_not_go_out_in_the_clear() -> None:
    for here in ("http://127.0.0.1:8000/", "http://[::1]:8000", "http://localhost", "https://perf.example"):
        assert checked_url(here) == here.rstrip("/")
    with pytest.raises(RegressError, match="would show the token"):
        checked_url("http://perf.example")
    assert checked_url("http://perf.example", insecure=True) == "http://perf.example"


def test_the_command_sends_files_with_their_history(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = GitRepo(tmp_path / "repo")
    for name in ("first", "second", "third"):
        repo.commit(name)
    (repo.path / "bench.csv").write_text("benchmark,value,unit\nparse,1.5,seconds\n")
    monkeypatch.chdir(repo.path)
    monkeypatch.setenv("REGRESS_TOKEN", server.push)

    def push(*words: str) -> tuple[int, dict[str, object]]:
        with pytest.raises(SystemExit) as ended:
            main(["push", *words, "--json", "--patience", "0"])
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    assert push("http://127.0.0.1:9", "bench.csv")[0] == 3
    code, told = push(server.base, "bench.csv")
    assert (code, told["added"], told["delivered"], told["new"], told["unplaced"]) == (0, 1, 1, 1, 0)
    assert push(server.base, "bench.csv")[1]["known"] == 1
    with server.store() as store:
        (branch,) = store.branches()
        assert [commit.subject for commit in store.commits(branch)] == ["first", "second", "third"]
        assert store.runs()[0].delivered_at <= datetime.now(UTC)
