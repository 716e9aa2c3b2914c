"""Channels to GitHub and GitLab: one issue or comment an event, found again and edited in place.

Each carries its topic in a comment that nobody sees. Where no receipt tells its number (the sender died
before it heard it), it is looked for by that before another is made: so that there is exactly one, unless the
forge lists what was just made with delay.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import quote, urlsplit

from regress.foreign import code
from regress.service.net.forge import Draft, Forge, Text
from regress.service.net.github import Github
from regress.service.net.gitlab import Gitlab
from regress.service.notify.channel import Outgoing, Payload, Setting
from regress.service.notify.http import client, told
from regress.service.notify.wording import headline, interval, size, title
from regress.service.triage import LONGEST_NOTE
from regress.store.outbox import News

_BACK = timedelta(days=1)  # clocks differ


class _Channel(ABC):
    """A channel to a repository on a forge; below it, what is written there."""

    single = True
    promise = "comes once: what is there is found and edited"
    kind: ClassVar[type[Forge]]

    def __init__(self, setting: Setting) -> None:
        """ConfigError without a repository, or a token in the environment."""
        self._name, server = setting.channel.name, setting.channel.server
        self._repository = setting.to("the repository, OWNER/NAME").strip("/")
        if server and urlsplit(server).scheme not in ("http", "https"):
            raise setting.fault("server", "expected the API's address, https://...")
        token = setting.secret(self.kind.usual_secret)
        self._forge = self.kind(client(setting), server, self._repository, token)

    def send(self, message: Outgoing) -> str:
        """See ``Channel``."""
        event = message.payload["events"][0]
        with told(self._name):
            receipt = message.receipt or self._find(message, event)
            if not receipt:
                return self._create(message, event)
            self._edit(receipt, message, event)
            return receipt

    def try_out(self, message: Outgoing) -> str:
        """See ``Channel``: it only asks for the repository, since an issue would stay."""
        with told(self._name):
            self._forge.ask()
        return f"{self._repository} can be reached; nothing was written there"

    def _find(self, message: Outgoing, event: Payload) -> str:
        """The receipt of what an earlier attempt has left; empty when there is nothing."""
        found = self._standing(message, event)
        return next(
            (one.receipt for one in found if marked(one.text, message) and self._forge.is_ours(one)), ""
        )

    @abstractmethod
    def _standing(self, message: Outgoing, event: Payload) -> Iterable[Text]:
        """What it may be among."""

    @abstractmethod
    def _create(self, message: Outgoing, event: Payload) -> str: ...

    @abstractmethod
    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None: ...


class _Issue(_Channel):
    """An issue, closed when its event is over or decided."""

    def _standing(self, message: Outgoing, event: Payload) -> Iterable[Text]:
        return self._forge.issues(since(message))

    def _create(self, message: Outgoing, event: Payload) -> str:
        return self._forge.add_issue(Draft(heading(message), markdown(message, event)))

    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None:
        draft = Draft(heading(message), markdown(message, event), closing(event))
        self._forge.edit_issue(receipt, draft)


class _Comment(_Channel):
    """A comment on the commit that the event began with."""

    def _standing(self, message: Outgoing, event: Payload) -> Iterable[Text]:
        return self._forge.commit_notes(event["first_after"])

    def _create(self, message: Outgoing, event: Payload) -> str:
        return self._forge.add_commit_note(event["first_after"], markdown(message, event))

    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None:
        self._forge.edit_commit_note(receipt, markdown(message, event))


class GithubIssue(_Issue):
    """An issue on GitHub."""

    kind = Github


class GithubComment(_Comment):
    """A comment on a commit, on GitHub."""

    kind = Github


class GitlabIssue(_Issue):
    """An issue on GitLab."""

    kind = Gitlab


class GitlabComment(_Comment):
    """A thread on a commit, on GitLab."""

    kind = Gitlab


def since(message: Outgoing) -> str:
    """The time from which on an earlier attempt can have left something, for a query."""
    at: datetime = message.created_at - _BACK
    return quote(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def marker(message: Outgoing) -> str:
    """What the text of a topic is known by."""
    return f"<!-- regress:{message.topic} -->"


def marked(text: str, message: Outgoing) -> bool:
    """Whether a text is on this topic: it ends with the mark, which a quotation of it does not."""
    return text.rstrip().endswith(marker(message))


def heading(message: Outgoing) -> str:
    """The title of an issue."""
    return title(message.payload)[:200]


def markdown(message: Outgoing, event: Payload) -> str:
    """An event as Markdown. What is from the repository stands in code, where it names and links nobody."""
    commit = event["commit"]
    lines = [
        f"**{code(headline(event))}**",
        "",
        f"First commit with it: {commit['sha']} {code(commit['subject'])} by {code(commit['author'])}, "
        f"on branch {code(event['branch'])}; last without: {event['last_before']}",
        "",
    ]
    lines += [
        f"- {size(change, event['kind'])} ({interval(change)}): {code(change['benchmark'])} on "
        f"{code(change['machine'])}, {code(change['environment'])}"
        for change in event["changes"]
    ]
    if event["series"] > len(event["changes"]):
        lines.append(f"- and {event['series'] - len(event['changes'])} more series")
    assignee = f", {code(event['assignee'])} looks after it" if event["assignee"] else ""
    lines += ["", f"State: {event['state']}{assignee}."]
    if event["note"] or event["cause"] != "code":
        lines.append(f"Note: {code(event['cause'])} {code(event['note'], LONGEST_NOTE)}")
    if event["page"]:
        lines.append(f"\n[All about it]({event['page']})")
    return "\n".join([*lines, "", marker(message)])


def closing(event: Payload) -> bool | None:
    """Whether an issue is to be closed, or opened again; None: it is left as people have it."""
    if event["state"] in ("new", "acknowledged", "investigating"):
        return False if event["news"] == News.RETURNED else None
    return True
