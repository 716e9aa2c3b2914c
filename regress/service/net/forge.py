"""A repository on a forge, in words that GitHub and GitLab share: issues, and notes on commits and requests.

What a text is edited by later is its receipt, which only the forge that gave it can read. A ``Draft`` is what
an issue is to say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from regress.errors import HttpError
from regress.service.net.http import Client

PER_PAGE = 100


class Text(NamedTuple):
    """A text that stands on the forge, and who wrote it."""

    receipt: str
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An issue; ``closed`` is None where that is to stay as people have it."""

    title: str
    text: str
    closed: bool | None = None


class Forge(ABC):
    """A repository; every method may raise HttpError. ``pages`` of a list are looked through at most."""

    usual_secret = ""
    usual_server = ""
    name_of_author = ""
    """The field of a user that holds the name."""

    def __init__(self, client: Client, server: str, repository: str, token: str, *, pages: int = 10) -> None:
        self._client, self._server = client, (server or self.usual_server).rstrip("/")
        self._repository, self._token, self._pages = repository, token, pages

    @property
    @abstractmethod
    def base(self) -> str:
        """The path of the repository in the API."""

    @property
    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """Who we are, and which version of the API we speak."""

    def ask(self) -> None:
        """Ask for the repository, and change nothing."""
        self._call("GET", "")

    def is_ours(self, text: Text) -> bool:
        """Whether we wrote a text, by the token's owner: a hidden mark anybody can write."""
        return text.author == self._us

    @cached_property
    def _us(self) -> str:
        """The name of the token's owner."""
        return self._named(self._ask("GET", "/user"), self.name_of_author)

    @abstractmethod
    def issues(self, since: str) -> Iterator[Text]:
        """The issues made or changed since a time (as ISO 8601, quoted for a query)."""

    @abstractmethod
    def add_issue(self, draft: Draft) -> str:
        """A new issue; its receipt."""

    @abstractmethod
    def edit_issue(self, receipt: str, draft: Draft) -> None:
        """Let an issue say something else."""

    @abstractmethod
    def commit_notes(self, sha: str) -> Iterator[Text]:
        """What is said about a commit."""

    @abstractmethod
    def add_commit_note(self, sha: str, text: str) -> str:
        """Say something about a commit; the receipt."""

    @abstractmethod
    def edit_commit_note(self, receipt: str, text: str) -> None:
        """Let a note on a commit say something else."""

    @abstractmethod
    def request_notes(self, number: str) -> Iterator[Text]:
        """What is said about a pull or merge request."""

    @abstractmethod
    def add_request_note(self, number: str, text: str) -> str:
        """Say something about a request; the note's page, empty where the forge tells none."""

    @abstractmethod
    def edit_request_note(self, number: str, receipt: str, text: str) -> str:
        """Let a note on a request say something else; its page."""

    @abstractmethod
    def put_check(self, sha: str, conclusion: str, title: str, summary: str) -> str:
        """A check at a commit; ``conclusion`` is success, neutral or failure. Its page."""

    def _call(self, method: str, path: str, body: object = None) -> Any:
        """Ask for something of the repository."""
        return self._ask(method, self.base + path, body)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._client.call(method, self._server + path, headers=self.headers, body=body)
        try:
            return answer.json() if answer.body.strip() else {}
        except ValueError as error:
            raise self._fault("its answer is no JSON") from error

    def _listed(self, path: str) -> Iterator[dict[str, Any]]:
        """The things of a list, page by page."""
        joint = "&" if "?" in path else "?"
        for page in range(1, self._pages + 1):
            found = self._call("GET", f"{path}{joint}per_page={PER_PAGE}&page={page}")
            if not isinstance(found, list):
                raise self._fault("its answer is no list: is the server the API's address?")
            yield from (one for one in found if isinstance(one, dict))
            if len(found) < PER_PAGE:
                return

    def _author(self, thing: Mapping[str, Any], field: str) -> str:
        """Who wrote a thing; empty where the forge tells none, as of deleted users."""
        told = thing.get(field)
        return str(told.get(self.name_of_author) or "") if isinstance(told, dict) else ""

    def _named(self, answer: Any, name: str) -> str:
        """What an answer says under a name that it must have."""
        if not isinstance(answer, dict) or not answer.get(name):
            raise self._fault(f"its answer has no {name}: is the server the API's address?")
        return str(answer[name])

    def _fault(self, what: str) -> HttpError:
        return HttpError(urlsplit(self._server).hostname or "", what)


def page_of(answer: Any) -> str:
    """Where people see what was written, if the answer tells."""
    return str(answer.get("html_url") or "") if isinstance(answer, dict) else ""
