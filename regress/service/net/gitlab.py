"""GitLab's API. The endpoints are those of https://docs.gitlab.com/api/ (issues, notes, commit statuses;
discussions of commits, since plain comments of commits cannot be edited).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from regress.service.net.forge import Draft, Forge, Text, page_of


class Gitlab(Forge):
    """A project on GitLab; its name is GROUP/NAME or its number."""

    usual_secret = "GITLAB_TOKEN"  # noqa: S105 - the name of a variable
    usual_server = "https://gitlab.com/api/v4"
    name_of_author = "username"

    @property
    def base(self) -> str:
        """See ``Forge``."""
        return f"/projects/{quote(self._repository, safe='')}"

    @property
    def headers(self) -> Mapping[str, str]:
        """See ``Forge``."""
        return {"PRIVATE-TOKEN": self._token, "Accept": "application/json"}

    def issues(self, since: str) -> Iterator[Text]:
        """See ``Forge``."""
        for issue in self._listed(f"/issues?scope=all&created_after={since}"):
            yield self._text(self._named(issue, "iid"), issue, "description")

    def add_issue(self, draft: Draft) -> str:
        """See ``Forge``."""
        body = {"title": draft.title, "description": draft.text}
        return self._named(self._call("POST", "/issues", body), "iid")

    def edit_issue(self, receipt: str, draft: Draft) -> None:
        """See ``Forge``."""
        body = {"title": draft.title, "description": draft.text}
        if draft.closed is not None:
            body["state_event"] = "close" if draft.closed else "reopen"
        self._call("PUT", f"/issues/{receipt}", body)

    def commit_notes(self, sha: str) -> Iterator[Text]:
        """See ``Forge``: a receipt is the commit, and the ids of thread and note."""
        for thread in self._listed(_threads(sha)):
            for note in thread.get("notes") or ():
                yield self._text(f"{sha}:{thread.get('id')}:{note.get('id')}", note, "body")

    def add_commit_note(self, sha: str, text: str) -> str:
        """See ``Forge``: a thread of one note."""
        thread = self._call("POST", _threads(sha), {"body": text})
        number = self._named(thread, "id")
        note = (thread.get("notes") or [None])[0]
        return f"{sha}:{number}:{self._named(note, 'id')}"

    def edit_commit_note(self, receipt: str, text: str) -> None:
        """See ``Forge``."""
        sha, thread, note = receipt.split(":")
        self._call("PUT", f"{_threads(sha)}/{thread}/notes/{note}", {"body": text})

    def request_notes(self, number: str) -> Iterator[Text]:
        """See ``Forge``."""
        for note in self._listed(_notes(number)):
            yield self._text(str(note.get("id", "")), note, "body")

    def add_request_note(self, number: str, text: str) -> str:
        """See ``Forge``."""
        return page_of(self._call("POST", _notes(number), {"body": text}))

    def edit_request_note(self, number: str, receipt: str, text: str) -> str:
        """See ``Forge``."""
        return page_of(self._call("PUT", f"{_notes(number)}/{receipt}", {"body": text}))

    def _text(self, receipt: str, thing: Mapping[str, Any], field: str) -> Text:
        return Text(receipt, str(thing.get(field) or ""), self._author(thing, "author"))

    def put_check(self, sha: str, conclusion: str, title: str, summary: str) -> str:
        """See ``Forge``: a commit status, which has no third state and no room for the summary."""
        state = "failed" if conclusion == "failure" else "success"
        told = {"state": state, "name": "regress", "description": title[:255]}
        return page_of(self._call("POST", f"/statuses/{sha}", told))


def _threads(sha: str) -> str:
    return f"/repository/commits/{sha}/discussions"


def _notes(number: str) -> str:
    return f"/merge_requests/{number}/notes"
