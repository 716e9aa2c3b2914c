"""GitHub's API. The endpoints are those of https://docs.github.com/en/rest (issues, issue comments,
commits/comments, check runs), version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from regress.errors import HttpError
from regress.service.net.forge import Draft, Forge, Text, page_of

_APP = "[bot]"
"""How the names of Apps end, and no person's can."""


class Github(Forge):
    """A repository on GitHub; its name is OWNER/NAME."""

    usual_secret = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
    usual_server = "https://api.github.com"
    name_of_author = "login"

    @property
    def base(self) -> str:
        """See ``Forge``."""
        return f"/repos/{self._repository}"

    @property
    def headers(self) -> Mapping[str, str]:
        """See ``Forge``."""
        return {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def is_ours(self, text: Text) -> bool:
        """See ``Forge``. A job's own token is an App's, which is told no name: what any App wrote is ours."""
        return text.author == self._us if self._us else text.author.endswith(_APP)

    @cached_property
    def _us(self) -> str:
        try:
            return super()._us
        except HttpError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            return ""

    def issues(self, since: str) -> Iterator[Text]:
        """See ``Forge``."""
        for issue in self._listed(f"/issues?state=all&since={since}"):
            if "pull_request" not in issue:
                yield self._text(self._named(issue, "number"), issue)

    def add_issue(self, draft: Draft) -> str:
        """See ``Forge``."""
        return self._named(
            self._call("POST", "/issues", {"title": draft.title, "body": draft.text}), "number"
        )

    def edit_issue(self, receipt: str, draft: Draft) -> None:
        """See ``Forge``."""
        body = {"title": draft.title, "body": draft.text}
        if draft.closed is not None:
            body["state"] = "closed" if draft.closed else "open"
        self._call("PATCH", f"/issues/{receipt}", body)

    def commit_notes(self, sha: str) -> Iterator[Text]:
        """See ``Forge``."""
        return self._comments(f"/commits/{sha}/comments")

    def add_commit_note(self, sha: str, text: str) -> str:
        """See ``Forge``."""
        return self._named(self._call("POST", f"/commits/{sha}/comments", {"body": text}), "id")

    def edit_commit_note(self, receipt: str, text: str) -> None:
        """See ``Forge``."""
        self._call("PATCH", f"/comments/{receipt}", {"body": text})

    def request_notes(self, number: str) -> Iterator[Text]:
        """See ``Forge``."""
        return self._comments(f"/issues/{number}/comments")

    def add_request_note(self, number: str, text: str) -> str:
        """See ``Forge``."""
        return page_of(self._call("POST", f"/issues/{number}/comments", {"body": text}))

    def edit_request_note(self, number: str, receipt: str, text: str) -> str:
        """See ``Forge``."""
        return page_of(self._call("PATCH", f"/issues/comments/{receipt}", {"body": text}))

    def put_check(self, sha: str, conclusion: str, title: str, summary: str) -> str:
        """See ``Forge``: a check run."""
        told = {
            "name": "Regress",
            "head_sha": sha,
            "status": "completed",
            "conclusion": conclusion,
            "output": {"title": title[:255], "summary": summary[:65_000]},
        }
        return page_of(self._call("POST", "/check-runs", told))

    def _comments(self, path: str) -> Iterator[Text]:
        for comment in self._listed(path):
            yield self._text(str(comment.get("id", "")), comment)

    def _text(self, receipt: str, thing: Mapping[str, Any]) -> Text:
        return Text(receipt, str(thing.get("body") or ""), self._author(thing, "user"))
