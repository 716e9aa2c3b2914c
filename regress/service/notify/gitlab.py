"""GitLab: an issue for each event, or a thread on the commit that it began with.

The endpoints are those of https://docs.gitlab.com/api/ (issues; discussions of commits, since plain comments
of commits cannot be edited).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from regress.service.notify.channel import Outgoing, Payload
from regress.service.notify.forge import Forge, closing, heading, markdown, marked, since


class _Gitlab(Forge):
    usual_secret = "GITLAB_TOKEN"  # noqa: S105 - the name of a variable
    usual_server = "https://gitlab.com/api/v4"

    @property
    def _base(self) -> str:
        return f"/projects/{quote(self._repository, safe='')}"

    def _headers(self) -> Mapping[str, str]:
        return {"PRIVATE-TOKEN": self._token}


class GitlabIssue(_Gitlab):
    """An issue, closed when its event is over or decided."""

    def _find(self, message: Outgoing, event: Payload) -> str:
        for issue in self._listed(f"/issues?scope=all&created_after={since(message)}"):
            if marked(issue.get("description"), message):
                return str(issue["iid"])
        return ""

    def _create(self, message: Outgoing, event: Payload) -> str:
        body = {"title": heading(message), "description": markdown(message, event)}
        return str(self._call("POST", "/issues", body)["iid"])

    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None:
        body = {"title": heading(message), "description": markdown(message, event)}
        closed = closing(event)
        if closed is not None:
            body["state_event"] = "close" if closed else "reopen"
        self._call("PUT", f"/issues/{receipt}", body)


class GitlabComment(_Gitlab):
    """A thread on a commit, of one note; its receipt is the ids of both."""

    def _find(self, message: Outgoing, event: Payload) -> str:
        for thread in self._listed(self._threads(event)):
            for note in thread.get("notes") or ():
                if marked(note.get("body"), message):
                    return f"{event['first_after']}:{thread['id']}:{note['id']}"
        return ""

    def _create(self, message: Outgoing, event: Payload) -> str:
        thread = self._call("POST", self._threads(event), {"body": markdown(message, event)})
        return f"{event['first_after']}:{thread['id']}:{thread['notes'][0]['id']}"

    def _edit(self, receipt: str, message: Outgoing, event: Payload) -> None:
        commit, thread, note = receipt.split(":")
        path = f"/repository/commits/{commit}/discussions/{thread}/notes/{note}"
        self._call("PUT", path, {"body": markdown(message, event)})

    def _threads(self, event: Payload) -> str:
        return f"/repository/commits/{event['first_after']}/discussions"
