"""The page of a change on its forge: one comment, edited in place, and a check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from regress.errors import HttpError, RegressError
from regress.service.ci.surroundings import Surroundings
from regress.service.net.forge import Forge
from regress.service.net.github import Github
from regress.service.net.gitlab import Gitlab
from regress.service.net.http import Client, Terms

PAGES = 30
"""Pages of a hundred comments that are searched for our own."""

TERMS = Terms(private=True, proxies=True, largest=32 << 20, tries=3)
"""The CI system says whom to call, which may be a forge of one's own, behind a proxy."""

_FORGES: Mapping[str, type[Forge]] = {"github": Github, "gitlab": Gitlab}

_HINTS = {
    401: "The token is not valid.",
    403: "Does the token have the right? Under `permissions:` say pull-requests: write, checks: write.",
    404: "Does the token see this repository and request?",
}


class ForgeError(RegressError):
    """The forge did not take what was sent; the answer stands all the same."""


class ChangePage:
    """Where a change is looked at."""

    def __init__(self, around: Surroundings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """ForgeError when ``around`` holds no address that can be spoken to."""
        if not around.api.startswith(("https://", "http://")):
            raise ForgeError(f"{around.api!r} is no address of an API", hint="Set GITHUB_API_URL.")
        client = Client(TERMS, sleep=sleep)
        kind = _FORGES[around.kind]
        self._request = around.request
        self._forge = kind(client, around.api, around.repository, around.token, pages=PAGES)

    def put_comment(self, marker: str, body: str) -> str:
        """Write ``body`` (which begins with ``marker``) over our comment that begins so, or as a new one.

        The comment's address, or "" where the forge tells none.
        """
        with _told():
            for note in self._forge.request_notes(self._request):
                if note.text.startswith(marker) and self._forge.is_ours(note):
                    return self._forge.edit_request_note(self._request, note.receipt, body)
            return self._forge.add_request_note(self._request, body)

    def put_check(self, sha: str, conclusion: str, title: str, summary: str) -> str:
        """A check run at ``sha`` (GitHub) or a commit status (GitLab)."""
        with _told():
            return self._forge.put_check(sha, conclusion, title, summary)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except HttpError as error:
        hint = _HINTS.get(error.status, "" if error.status else "Is the API's address right?")
        raise ForgeError(str(error), hint=hint) from error
