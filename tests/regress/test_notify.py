"""Notifications from the event's own transaction to real receivers: once, also when somebody dies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from regress.config import ChannelConfig
from regress.domain import ChangePoint, Decision, Event, SeriesChange, State
from regress.errors import ConfigError, StoreLockedError
from regress.service.doctor import doctor
from regress.service.notify import sending
from regress.service.project import Project
from regress.store import Store
from regress.store.outbox import Progress
from tests.regress.fixtures.receivers import Call, Forge, Receiver, receiving, receiving_mail
from tests.regress.fixtures.repos import GitRepo
from tests.regress.fixtures.stores import KEY, commit, delivery, measured, sha

SECRET = "whsec_" + base64.b64encode(b"key").decode()
ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""For what no database can change."""

NASTY = "@everyone `x` <!-- --> <b>|\x1b[2J"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("REGRESS_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("GITHUB_TOKEN", "t0k3n")
    monkeypatch.setenv("GITLAB_TOKEN", "t0k3n")
    with receiving() as made:
        monkeypatch.setenv("REGRESS_SLACK_URL", f"{made.url}/services/S3CR3T")
        yield made


Tell = Callable[..., tuple[Project, Store]]


@pytest.fixture
def tell(url: str, tmp_path: Path) -> Iterator[Tell]:
    """A project with one channel of a kind, and its store, on every database."""
    opened = []

    def make(kind: str, **knobs: Any) -> tuple[Project, Store]:
        repo = GitRepo(tmp_path / "proj")
        repo.write("regress.toml", toml(url, ChannelConfig(name="team", kind=kind, private=True, **knobs)))
        repo.commit("first")
        project = Project.open(repo.path)
        store = project.open_store()
        opened.append(store)
        store.record_commits("main", [commit(i, subject=NASTY) for i in range(10)], default=True)
        keys = [replace(KEY, benchmark=f"bench{n}") for n in range(4)]
        store.deliver(delivery(*(measured(i, 1.0, key) for i in range(10) for key in keys)))
        return project, store

    yield make
    for store in opened:
        store.close()


def toml(url: str, channel: ChannelConfig) -> str:
    knobs = {name: getattr(channel, name) for name in channel.__slots__}
    told = "\n".join(
        f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}"
        for name, value in knobs.items()
    )
    return f"[project]\nname = 'proj'\n[store]\nurl = '{url}'\n[[notify.channel]]\n{told}\n"


def changes(store: Store, *places: int) -> list[SeriesChange]:
    """A regression at each place."""
    ids = [summary.id for summary in store.series_list("main")]
    return [
        SeriesChange(ids[n], KEY, sha(at - 1), sha(at), ChangePoint(at, 1.0, 1.2 + n / 10, 1.1, 1.3, 1e-6))
        for n, at in enumerate(places)
    ]


def happen(store: Store, *places: int) -> list[Event]:
    """Regressions at these places are found, and no others."""
    store.replace_changes("main", changes(store, *places))
    return store.events()


def test_news_are_written_with_the_event_or_not_at_all(tell: Tell, receiver: Receiver) -> None:
    _, store = tell("webhook", to=receiver.url)
    told = changes(store, 5)
    with store._db.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE notice RENAME TO away")
    with pytest.raises(Exception, match="notice"):
        store.replace_changes("main", told)
    assert store.events() == []
    with store._db.write() as session:
        session.connection().exec_driver_sql("ALTER TABLE away RENAME TO notice")
    happen(store, 5)
    happen(store, 5)
    assert [notice.news.value for notice in store.outbox.waiting()] == ["new"]
    happen(store)
    happen(store, 5)
    assert [notice.news.value for notice in store.outbox.waiting()] == ["new", "went away", "returned"]


def test_a_webhook_is_signed_and_told_once(tell: Tell, receiver: Receiver) -> None:
    project, store = tell("webhook", to=receiver.url)
    (event,) = happen(store, 5)
    (planned,) = sending.send(project, store, dry_run=True)
    assert len(planned.sent) == 1
    assert receiver.calls == []
    for _ in range(2):
        sending.send(project, store)
    (call,) = receiver.calls
    signed = f"{call.key}.{call.headers['webhook-timestamp']}.".encode() + call.body
    expected = base64.b64encode(hmac.new(b"key", signed, hashlib.sha256).digest()).decode()
    assert call.headers["webhook-signature"] == f"v1,{expected}"
    (said,) = call.json()["events"]
    assert (said["id"], said["commit"]["subject"], said["news"]) == (event.id, NASTY, "new")
    assert sending.status(project, store)[0].messages["sent"] == 1


@ON_SQLITE
def test_what_fails_is_tried_later_and_later_and_then_is_dead(tell: Tell, receiver: Receiver) -> None:
    project, store = tell("webhook", to=receiver.url)
    happen(store, 5)
    receiver.answer = lambda _call: (503, {"Retry-After": "600"}, b"closed")
    now, pauses = datetime.now(UTC), []
    for _ in range(project.config.notify.attempts):
        (report,) = sending.send(project, store, now=now)
        assert "503: closed" in report.failed[0]
        assert sending.send(project, store, now=now)[0].failed == []  # not before its time
        (message,) = store.outbox.unsent()
        pauses.append(message.due_at - now)
        now = max(message.due_at, now)
    assert message.state is Progress.DEAD
    assert pauses[0] == timedelta(minutes=10)  # as the receiver asked
    assert pauses[-2] > 1.5 * pauses[-3]
    assert len({call.key for call in receiver.calls}) == len({call.body for call in receiver.calls}) == 1
    receiver.answer = lambda _call: (200, {}, b"")
    assert sending.send(project, store, now=now)[0].sent == []
    assert len(sending.send(project, store, now=now, again=True)[0].sent) == 1


@ON_SQLITE
@pytest.mark.parametrize("answer", [(404, {}, b""), (302, {"Location": "http://127.0.0.1:1/"}, b"")])
def test_what_is_refused_for_good_is_dead_at_once(
    tell: Tell, receiver: Receiver, answer: tuple[int, dict[str, str], bytes]
) -> None:
    project, store = tell("webhook", to=receiver.url)
    happen(store, 5)
    receiver.answer = lambda _call: answer
    (report,) = sending.send(project, store)
    assert (report.dead, len(receiver.calls)) == (1, 1)


@ON_SQLITE
@pytest.mark.parametrize("kind", ["github-issue", "gitlab-issue", "github-comment", "gitlab-comment"])
def test_a_forge_has_one_thing_for_an_event_kept_up_to_date(
    tell: Tell, receiver: Receiver, kind: str
) -> None:
    forge = Forge(receiver)
    project, store = tell(kind, to="own/proj", server=receiver.url)
    happen(store, 3, 7)
    forge.silent = True
    (report,) = sending.send(project, store)
    assert (len(report.failed), len(forge.things)) == (1, 1)
    forge.silent = False  # the first was made, but nobody heard it
    ours = forge.things.pop()
    before = deepcopy(forge.add("eve", ours))  # anybody can write the mark
    forge.add("us", ours)
    sending.send(project, store, now=datetime.now(UTC) + timedelta(hours=1))
    assert len(forge.things) == 3
    text = "description" if kind == "gitlab-issue" else "body"
    hers, found = (thing for thing in forge.things if sha(7) in thing[text])
    assert "`` @everyone `x` <!-- --> <b>|\ufffd[2J ``" in found[text]
    (event,) = (event for event in store.events() if event.first_after == sha(7))
    store.decide(event.id, Decision(state=State.EXPECTED))
    sending.send(project, store)
    assert len(forge.things) == 3
    assert "State: expected" in found[text]
    assert hers == before
    if kind.endswith("issue"):
        assert found.get("state_event", found["state"]).startswith("close")


@ON_SQLITE
def test_slack_gets_text_that_pings_nobody(tell: Tell, receiver: Receiver) -> None:
    project, store = tell("slack")
    happen(store, 3, 7)
    sending.send(project, store)
    (call,) = receiver.calls
    assert call.path == "/services/S3CR3T"
    text = call.json()["text"]
    assert text.startswith("*proj: 2 changes, 2 for the worse*")
    assert "&lt;!-- --&gt;" in text
    assert "30.0 % slower" in text
    happen(store, 3, 7, 5)
    receiver.answer = lambda _call: (500, {}, b"")
    assert "S3CR3T" not in sending.send(project, store)[0].failed[0]


@ON_SQLITE
def test_mail_goes_to_a_real_server(tell: Tell) -> None:
    with receiving_mail() as (port, got):
        server = f"smtp://127.0.0.1:{port}"
        project, store = tell("email", to="ann@example.org, bob@example.org", server=server)
        happen(store, 5)
        (report,) = sending.send(project, store)
        assert report.well
        assert sending.try_out(project) == {"team": "a test message was taken by the server"}
    first, _ = got
    assert first.rcpt_tos == ["ann@example.org", "bob@example.org"]
    mail = message_from_bytes(first.content)
    assert mail["Subject"] == "proj: 20.0 % slower: bench0(n=1)"
    assert mail["Message-ID"].startswith("<regress-")
    assert "\x1b" not in mail.get_payload()


def sender(project: Project) -> subprocess.Popen[bytes]:
    """``regress notify send`` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from regress.cli import main; main()", "notify", "send"],
        cwd=project.config.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@ON_SQLITE
def test_a_sender_that_dies_after_it_made_an_issue_makes_no_other(tell: Tell, receiver: Receiver) -> None:
    forge = Forge(receiver)
    project, store = tell("github-issue", to="own/proj", server=receiver.url)
    happen(store, 5)
    child = sender(project)

    def kill(call: Call) -> tuple[int, dict[str, str], bytes]:
        answer = forge.answer(call)
        if call.method == "POST":
            os.kill(child.pid, signal.SIGKILL)
        return answer

    receiver.answer = kill
    assert child.wait(60) == -signal.SIGKILL
    receiver.answer = forge.answer
    (report,) = sending.send(project, store)
    assert (len(report.sent), len(forge.things)) == (1, 1)


def test_a_sender_that_dies_in_the_middle_loses_nothing(tell: Tell, receiver: Receiver) -> None:
    """Killed after the receiver has the message, and before it said so: the worst moment."""
    project, store = tell("webhook", to=receiver.url)
    happen(store, 5)
    child = sender(project)

    def kill(_call: Call) -> tuple[int, dict[str, str], bytes]:
        os.kill(child.pid, signal.SIGKILL)
        return 200, {}, b""

    receiver.answer = kill
    assert child.wait(60) == -signal.SIGKILL
    (message,) = store.outbox.unsent()
    assert (message.state, message.attempts) == (Progress.CLAIMED, 1)
    happen(store, 5, 8)
    receiver.answer = lambda _call: (200, {}, b"")
    (report,) = sending.send(project, store)
    assert len(report.sent) == 2
    first, again, other = receiver.calls
    assert (first.key, first.body) == (again.key, again.body)
    assert other.key != first.key
    seen = {call.key: call.json() for call in receiver.calls}
    told = [event["id"] for said in seen.values() for event in said["events"]]
    assert sorted(told) == sorted(event.id for event in store.events())
    with store.sending(), pytest.raises(StoreLockedError):
        sending.send(project, store)


@ON_SQLITE
def test_a_channel_that_lacks_something_says_what(
    tell: Tell, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from regress.cli import main

    project, store = tell("webhook", to=receiver.url)
    happen(store, 5)
    monkeypatch.delenv("REGRESS_WEBHOOK_SECRET")
    here = ["--repo", str(project.config.root), "--json"]
    with pytest.raises(SystemExit) as ended:
        main(["notify", "send", *here])
    assert ended.value.code == 1
    (report,) = json.loads(capsys.readouterr().out)
    assert "REGRESS_WEBHOOK_SECRET is not set" in report["fault"]
    with pytest.raises(SystemExit) as ended:
        main(["notify", "status", *here])
    assert ended.value.code == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["waiting_notices"], told["messages"]["sent"]) == (1, 0)
    (finding,) = (one for one in doctor(project.config.root) if one.check == "notify")
    assert "REGRESS_WEBHOOK_SECRET" in finding.advice
    with pytest.raises(SystemExit) as ended:
        main(["notify", "test", "chat", *here])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("team") == 1, "the channel that there is, told once"
    config = replace(project.config, notify=replace(project.config.notify, channel=()))
    with pytest.raises(ConfigError, match="no channel is configured"):
        sending.send(replace(project, config=config), store)
