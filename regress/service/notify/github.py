"""GitHub: an issue for each event, or a comment on the commit that it began with.

The endpoints are those of https://docs.github.com/en/rest (issues; commits/comments), version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Mapping

from regress.service.notify.channel import Outgoing, Payload
from regress.service.notify.forge import Forge, closing, heading, markdown, marked, since


class _Github(Forge):
    usual_secret = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
    usual_server = "https://api.github.com"

    @property
    def _base(self) -> str:
        return f"/repos/{self._repository}"

    def _headers(self) -> Mapping[str, str]:
        return {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }


class GithubIssue(_Github):
    """An issue, closed when its event is over or decided."""

    def _find(self, message: Outgoing, event: Payload) -> str:
        for issue in self._listed(f"/issues?state=all&since={since(message)}"):
            if marked(issue.get("body"), message) and "pull_request" not in issue:
                return str(issue["number"])
        return ""

    def _create(self, message: Outgoing, event: Payload) -> str:
        body = {"title": heading(message), "body": markdown(message, event)}
        return str(self._call("POST", "/issues", body)["number"])

    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None:
        body = {"title": heading(message), "body": markdown(message, event)}
        closed = closing(event)
        if closed is not None:
            body["state"] = "closed" if closed else "open"
        self._call("PATCH", f"/issues/{receipt}", body)


class GithubComment(_Github):
    """A comment on a commit."""

    def _find(self, message: Outgoing, event: Payload) -> str:
        for comment in self._listed(f"/commits/{event['first_after']}/comments"):
            if marked(comment.get("body"), message):
                return str(comment["id"])
        return ""

    def _create(self, message: Outgoing, event: Payload) -> str:
        path = f"/commits/{event['first_after']}/comments"
        return str(self._call("POST", path, {"body": markdown(message, event)})["id"])

    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None:
        self._call("PATCH", f"/comments/{receipt}", {"body": markdown(message, event)})
