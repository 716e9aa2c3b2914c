"""What GitHub and GitLab have in common: one issue or comment an event, found again and edited in place.

Each carries its topic in a comment that nobody sees. Where no receipt tells its number (the sender died
before it heard it), it is looked for by that before another is made: so that there is exactly one, unless the
forge lists what was just made with delay.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from regress.errors import NotifyError
from regress.service.notify.channel import Outgoing, Payload, Setting
from regress.service.notify.http import Http
from regress.service.notify.wording import headline, interval, plain, size, title
from regress.store.outbox import News

PAGES = 10
"""Pages of a list that are looked through."""

PER_PAGE = 100
_BACK = timedelta(days=1)  # clocks differ


class Forge(ABC):
    """A channel to a repository on a forge; below it, what each forge calls things."""

    single = True
    promise = "once: what is there is found and edited"

    usual_secret = ""
    usual_server = ""

    def __init__(self, setting: Setting) -> None:
        """ConfigError without a repository, or a token in the environment."""
        self._name = setting.channel.name
        self._repository = setting.to("the repository, OWNER/NAME").strip("/")
        server = setting.channel.server or self.usual_server
        if urlsplit(server).scheme not in ("http", "https"):
            raise setting.fault("server", "expected the API's address, https://...")
        self._server = server.rstrip("/")
        self._token = setting.secret(self.usual_secret)
        self._http = Http(self._name, private=setting.channel.private)

    def send(self, message: Outgoing) -> str:
        """See ``Channel``."""
        event = message.payload["events"][0]
        receipt = message.receipt or self._find(message, event)
        if not receipt:
            return self._create(message, event)
        self._edit(receipt, message, event)
        return receipt

    def try_out(self, message: Outgoing) -> str:
        """See ``Channel``: it only asks for the repository, since an issue would stay."""
        self._call("GET", "")
        return f"{self._repository} can be reached; nothing was written there"

    @property
    @abstractmethod
    def _base(self) -> str:
        """The path of the repository in the API."""

    @abstractmethod
    def _headers(self) -> Mapping[str, str]:
        """Who we are."""

    @abstractmethod
    def _find(self, message: Outgoing, event: Payload) -> str:
        """The receipt of what an earlier attempt has left; empty when there is nothing."""

    @abstractmethod
    def _create(self, message: Outgoing, event: Payload) -> str: ...

    @abstractmethod
    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None: ...

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.call(
            method, f"{self._server}{self._base}{path}", headers=self._headers(), body=body
        )
        try:
            return answer.json()
        except ValueError as error:
            host = urlsplit(self._server).hostname
            raise NotifyError(self._name, f"{host}: its answer is no JSON") from error

    def _listed(self, path: str) -> Any:
        """The things of a list, page by page."""
        joint = "&" if "?" in path else "?"
        for page in range(1, PAGES + 1):
            found = self._call("GET", f"{path}{joint}per_page={PER_PAGE}&page={page}")
            if not isinstance(found, list):
                raise NotifyError(self._name, "its answer is no list: is the server the API's address?")
            yield from (one for one in found if isinstance(one, dict))
            if len(found) < PER_PAGE:
                return


def since(message: Outgoing) -> str:
    """The time from which on an earlier attempt can have left something, for a query."""
    at: datetime = message.created_at - _BACK
    return quote(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def marker(message: Outgoing) -> str:
    """What the text of a topic is known by."""
    return f"<!-- regress:{message.topic} -->"


def marked(text: object, message: Outgoing) -> bool:
    """Whether a text is one of ours on this topic: it ends with the mark, which others can only quote."""
    return isinstance(text, str) and text.rstrip().endswith(marker(message))


def heading(message: Outgoing) -> str:
    """The title of an issue."""
    return title(message.payload)[:200]


def markdown(message: Outgoing, event: Payload) -> str:
    """An event as Markdown. What is from the repository stands in code, where it names and links nobody."""
    commit = event["commit"]
    told = [
        f"**{code(headline(event))}**",
        "",
        f"First commit with it: {commit['sha']} {code(commit['subject'])} by {code(commit['author'])}, "
        f"on branch {code(event['branch'])}; last without: {event['last_before']}",
        "",
    ]
    told += [
        f"- {size(change, event['kind'])} ({interval(change)}): {code(change['benchmark'])} on "
        f"{code(change['machine'])}, {code(change['environment'])}"
        for change in event["changes"]
    ]
    if event["series"] > len(event["changes"]):
        told.append(f"- and {event['series'] - len(event['changes'])} more series")
    assignee = f", {code(event['assignee'])} looks after it" if event["assignee"] else ""
    told += ["", f"State: {event['state']}{assignee}."]
    if event["note"] or event["cause"] != "code":
        told.append(f"Note: {code(event['cause'])} {code(event['note'])}")
    if event["page"]:
        told.append(f"\n[All about it]({event['page']})")
    return "\n".join([*told, "", marker(message)])


def code(text: str) -> str:
    """A text as a code span, which it cannot end."""
    inner = plain(text).replace("`", "'")
    return f"`{inner}`" if inner else ""


def closing(event: Payload) -> bool | None:
    """Whether an issue is to be closed, or opened again; None: it is left as people have it."""
    if event["state"] in ("new", "acknowledged", "investigating"):
        return False if event["news"] == News.RETURNED else None
    return True
