"""GitHub's and GitLab's API, as far as the gate needs it: one comment, edited in place, and a check.

Sources: docs.github.com/rest (issue comments, check runs) and docs.gitlab.com/ee/api/notes.html.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from regress.errors import RegressError
from regress.service.ci.surroundings import Surroundings

TIMEOUT = 20.0
TRIES = 3
PAGES = 30
"""Pages of a hundred comments that are searched for our own."""

_ANSWER_LIMIT = 32 << 20


class ForgeError(RegressError):
    """The forge did not take what was sent; the answer stands all the same."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the host that was named, and to no other."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        return None


class Forge:
    """A client for one repository of one forge."""

    def __init__(self, around: Surroundings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """ForgeError when ``around`` holds no address that can be spoken to."""
        if not around.api.startswith(("https://", "http://")):
            raise ForgeError(f"{around.api!r} is no address of an API", hint="Set GITHUB_API_URL.")
        self._around, self._sleep = around, sleep
        self._open = urllib.request.build_opener(_NoRedirect).open

    def put_comment(self, marker: str, body: str) -> str:
        """Write ``body`` (which begins with ``marker``) over the comment that begins so, or as a new one.

        The comment's address, or "" where the forge tells none.
        """
        comments = self._comments_path()
        for known in self._pages(comments):
            if str(known.get("body", "")).startswith(marker):
                method, path = self._edit(comments, int(known["id"]))
                return _address(self._call(method, path, {"body": body}))
        return _address(self._call("POST", comments, {"body": body}))

    def put_check(self, sha: str, conclusion: str, title: str, summary: str) -> str:
        """A check run at ``sha`` (GitHub) or a commit status (GitLab)."""
        around = self._around
        if around.kind == "gitlab":
            state = {"failure": "failed"}.get(conclusion, "success")
            path = f"/projects/{quote(around.repository, safe='')}/statuses/{sha}"
            return _address(
                self._call("POST", path, {"state": state, "name": "regress", "description": title[:255]})
            )
        output = {"title": title[:255], "summary": summary[:65_000]}
        sent = {
            "name": "Regress",
            "head_sha": sha,
            "status": "completed",
            "conclusion": conclusion,
            "output": output,
        }
        return _address(self._call("POST", f"/repos/{around.repository}/check-runs", sent))

    def _comments_path(self) -> str:
        around = self._around
        if around.kind == "gitlab":
            return f"/projects/{quote(around.repository, safe='')}/merge_requests/{around.request}/notes"
        return f"/repos/{around.repository}/issues/{around.request}/comments"

    def _edit(self, comments: str, number: int) -> tuple[str, str]:
        if self._around.kind == "gitlab":
            return "PUT", f"{comments}/{number}"
        return "PATCH", f"/repos/{self._around.repository}/issues/comments/{number}"

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        for page in range(1, PAGES + 1):
            found = self._call("GET", f"{path}?per_page=100&page={page}")
            if not isinstance(found, list):
                return
            yield from (item for item in found if isinstance(item, dict))
            if len(found) < 100:
                return

    def _call(self, method: str, path: str, sent: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON; what a server's moment of weakness broke is tried again."""
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(method, path, sent)
            except urllib.error.HTTPError as error:
                with error:
                    if attempt == TRIES or error.code not in (429, 500, 502, 503, 504):
                        raise _refused(method, path, error) from error
            except (OSError, ValueError) as error:
                if attempt == TRIES:
                    reason = getattr(error, "reason", None) or error
                    raise ForgeError(
                        f"{method} {path}: {reason}", hint="Is the API's address right?"
                    ) from error
            self._sleep(2.0**attempt)
        raise AssertionError("every attempt returns or raises")

    def _once(self, method: str, path: str, sent: Mapping[str, Any] | None) -> Any:
        around = self._around
        headers = {"Accept": "application/json", "User-Agent": "regress", "Content-Type": "application/json"}
        if around.kind == "gitlab":
            headers["PRIVATE-TOKEN"] = around.token
        else:
            headers |= {"Authorization": f"Bearer {around.token}", "X-GitHub-Api-Version": "2022-11-28"}
        data = json.dumps(sent).encode() if sent is not None else None
        request = urllib.request.Request(around.api + path, data, headers, method=method)  # noqa: S310 - http(s) only, see __init__
        with self._open(request, timeout=TIMEOUT) as answer:
            text = answer.read(_ANSWER_LIMIT)
        return json.loads(text) if text.strip() else {}


def _refused(method: str, path: str, error: urllib.error.HTTPError) -> ForgeError:
    detail = error.read(2000).decode("utf-8", "replace")
    try:
        detail = str(json.loads(detail).get("message", detail))
    except (ValueError, AttributeError):
        detail = str(error.reason)
    hint = {
        401: "The token is not valid.",
        403: "Does the token have the right? Under `permissions:` say pull-requests: write, checks: write.",
        404: "Does the token see this repository and request?",
    }.get(error.code, "")
    return ForgeError(f"{method} {path}: {error.code} {detail[:200]}", hint=hint)


def _address(answer: Any) -> str:
    return str(answer.get("html_url") or "") if isinstance(answer, dict) else ""
