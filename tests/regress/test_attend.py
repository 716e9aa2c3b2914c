"""A dashboard that lives by itself: what is pushed to a real `regress serve` is analysed and told."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from regress.domain import Deed, EventKind
from regress.service.access import make_token
from regress.service.analyse import analyse
from regress.service.attend.attendant import EVERY, Attendant, attended
from regress.service.doctor import Level, doctor
from regress.service.project import Project
from regress.service.push.send import PATH
from regress.service.push.wire import pushed
from tests.regress.fixtures.receivers import Receiver, receiving
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import commit, delivery, measured

COMMITS = 30
PATIENCE = 60.0  # seconds until a test gives up; what it waits for takes two or three
ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def slower(number: int) -> float:
    """A series that gets 50 % slower in its middle, with a little noise."""
    return (1.0 if number < COMMITS // 2 else 1.5) * (1 + 0.002 * (number % 3))


def a_delivery(first: int = 0) -> bytes:
    """Thirty commits from a place in history on, each with a result, as `regress push` sends them."""
    told = delivery(*(measured(first + i, slower(i)) for i in range(COMMITS)), digest=f"{first:064}")
    sent = pushed(replace(told, branch="main"), [commit(i) for i in range(first + COMMITS)])
    return sent.model_dump_json(exclude_defaults=True).encode()


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A webhook's other end."""
    monkeypatch.setenv("REGRESS_WEBHOOK_SECRET", "whsec_a2V5")
    with receiving() as made:
        yield made


@pytest.fixture
def project(url: str, receiver: Receiver, tmp_path: Path) -> Project:
    """A project with a webhook, whose database is there and empty."""
    repo = GitRepo(tmp_path / "proj")
    channel = f"[[notify.channel]]\nname = 'team'\nkind = 'webhook'\nto = '{receiver.url}'\nprivate = true\n"
    repo.write("regress.toml", f"[project]\nbranch = 'main'\n[store]\nurl = '{url}'\n{channel}")
    repo.commit("first")
    project = Project.open(repo.path)
    project.open_store().close()
    return project


class Server:
    """A `regress serve` of the project in a process of its own."""

    def __init__(self, project: Project) -> None:
        command = [sys.executable, "-c", "from regress.cli import main; main()", "serve", "--port", "0"]
        command += ["--repo", str(project.history.root)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found is not None
        self.base = found[0].rstrip("/")

    def end(self, how: signal.Signals) -> str:
        """End it; what it wrote to stderr."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=PATIENCE)[1]


@pytest.fixture
def serve(project: Project) -> Iterator[Callable[[], Server]]:
    """Starts servers, and leaves none behind."""
    started: list[Server] = []

    def start() -> Server:
        started.append(Server(project))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


def test_what_is_pushed_is_analysed_and_told_by_itself(
    project: Project, receiver: Receiver, serve: Callable[[], Server]
) -> None:
    with project.open_store() as store:
        token = make_token(store, Deed("root", "command line", "make token"), "ci")[1]
    server = serve()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert httpx.post(server.base + PATH, content=a_delivery(), headers=headers).status_code == 201
    until(lambda: receiver.calls)
    (event,) = receiver.calls[0].json()["events"]
    (listed,) = httpx.get(f"{server.base}/api/v1/events").json()["items"]
    assert (listed["id"], listed["kind"]) == (event["id"], "regression")
    assert "Analysed" in httpx.get(server.base).text
    assert "Traceback" not in server.end(signal.SIGINT)
    assert server.process.returncode == 0
    with project.open_store() as store:
        assert [one.kind for one in store.events()] == [EventKind.REGRESSION]
    assert len(receiver.calls) == 1


DYING = """
import os, signal, sys
from pathlib import Path
from regress.service.analyse import analyse
from regress.service.project import Project
from regress.store import Store

Store.replace_changes = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
project = Project.open(Path(sys.argv[1]))
analyse(project.open_store(), project.config, "main")
"""
"""An analysis that dies after it has examined every series, and before it writes an event."""


@ON_SQLITE
def test_what_a_killed_analysis_left_is_done_by_the_next_server(project: Project, receiver: Receiver) -> None:
    with project.open_store() as store:
        store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
        store.deliver(delivery(*(measured(i, slower(i)) for i in range(COMMITS // 2))))
        analyse(store, project.config, "main")
        store.deliver(delivery(*(measured(i, slower(i)) for i in range(COMMITS // 2, COMMITS))))
        dead = subprocess.run([sys.executable, "-c", DYING, str(project.history.root)], check=False)
        assert dead.returncode == -signal.SIGKILL
        assert (store.events(), store.analysed_at("main")) == ([], None)
        found = {finding.check: finding for finding in doctor(project.history.root)}
        assert (found["analysis"].level, "wait on main" in found["analysis"].text) == (Level.WARN, True)
        with attended(project):
            until(lambda: receiver.calls)
        assert (len(store.events()), len(receiver.calls)) == (1, 1)
        assert store.analysed_at("main") is not None


@ON_SQLITE
def test_a_measuring_run_is_left_alone_and_errors_are_told_once(
    project: Project, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = lambda _call: (503, {}, b"")
    attendant = Attendant(project)
    with project.open_store() as store:
        store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
        store.deliver(delivery(*(measured(i, slower(i)) for i in range(COMMITS))))
        with store.lock("regress run", wait=False):
            assert attendant._look(store) == EVERY
            assert store.events() == []
        assert attendant._look(store) > EVERY
        assert len(store.events()) == 1
        assert "channel team" in caplog.text
        assert attendant._look(store) == EVERY  # the message waits for its next attempt
        with store.attending():
            store.deliver(delivery(measured(0, 1.1, hours=1)))
            assert attendant._look(store) > EVERY
        assert store.unanalysed(attendant._settings) == ["main"]  # by another, who is at it
