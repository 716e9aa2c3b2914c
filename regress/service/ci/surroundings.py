"""Who calls, which commits are meant, and where answers can go: what the CI system's variables say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from regress.errors import HistoryError
from regress.runner.history import History
from regress.service.access import looks_like_token

_NO_COMMIT = re.compile("0*")
_EVENT_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the CI system says. Empty fields are what it does not.

    ``kind`` is "github", "gitlab" or "" (a person). ``target`` is the branch a change wants to go into,
    ``before`` the commit that was there before a push; ``request`` the number of the pull or merge request,
    ``shown_head`` the commit that its page shows (GitHub measures a merge of it). ``summary`` and ``output``
    are files that GitHub reads.
    """

    kind: str = ""
    api: str = ""
    repository: str = ""
    request: str = ""
    token: str = ""
    target: str = ""
    before: str = ""
    source: str = ""
    shown_head: str = ""
    summary: Path | None = None
    output: Path | None = None
    job_url: str = ""


def read_surroundings(env: Mapping[str, str]) -> Surroundings:
    """What the variables of a CI system tell; nothing of it is trusted to be there."""
    if env.get("GITHUB_ACTIONS"):
        return _github(env)
    if env.get("GITLAB_CI"):
        return _gitlab(env)
    return Surroundings()


def _github(env: Mapping[str, str]) -> Surroundings:
    event = _event(env.get("GITHUB_EVENT_PATH", ""))
    request = _object(event.get("pull_request"))
    repository = env.get("GITHUB_REPOSITORY", "")
    server = env.get("GITHUB_SERVER_URL", "https://github.com")
    run = env.get("GITHUB_RUN_ID", "")
    return Surroundings(
        kind="github",
        api=env.get("GITHUB_API_URL", "https://api.github.com"),
        repository=repository,
        request=str(request.get("number") or ""),
        token=_token(env, "GITHUB_TOKEN"),
        target=env.get("GITHUB_BASE_REF", ""),
        before="" if request else str(event.get("before") or ""),
        source=env.get("GITHUB_HEAD_REF") or env.get("GITHUB_REF_NAME", ""),
        shown_head=str(_object(request.get("head")).get("sha") or env.get("GITHUB_SHA", "")),
        summary=_path(env.get("GITHUB_STEP_SUMMARY", "")),
        output=_path(env.get("GITHUB_OUTPUT", "")),
        job_url=f"{server}/{repository}/actions/runs/{run}" if run else "",
    )


def _gitlab(env: Mapping[str, str]) -> Surroundings:
    return Surroundings(
        kind="gitlab",
        api=env.get("CI_API_V4_URL", "https://gitlab.com/api/v4"),
        repository=env.get("CI_PROJECT_ID", ""),
        request=env.get("CI_MERGE_REQUEST_IID", ""),
        token=_token(env, "GITLAB_TOKEN"),
        target=env.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""),
        before=env.get("CI_COMMIT_BEFORE_SHA", ""),
        source=env.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME") or env.get("CI_COMMIT_REF_NAME", ""),
        shown_head=env.get("CI_COMMIT_SHA", ""),
        job_url=env.get("CI_JOB_URL", ""),
    )


def _token(env: Mapping[str, str], usual: str) -> str:
    """What opens the forge. `regress push` reads REGRESS_TOKEN, too: a dashboard's is no forge's business."""
    told = env.get("REGRESS_TOKEN", "").strip()
    return env.get(usual, "").strip() if not told or looks_like_token(told) else told


def choose_commits(
    history: History, around: Surroundings, watched: str, base: str, head: str
) -> tuple[str, str]:
    """The hashes to compare. Without ``base``: where the change left its target (or the watched branch), else
    what a push came upon, else the commit before. HistoryError when that leaves one commit only.
    """
    tip = history.resolve(head or "HEAD")
    if base:
        start = history.resolve(base)
    elif around.target:
        start = history.merge_base(around.target, tip)
    else:
        start = history.merge_base(watched, tip)
        if start == tip:
            start = _came_upon(history, around, tip)
    if start == tip:
        hint = "Name two different commits with --base and --head."
        raise HistoryError(history.root, f"base and head are the same commit, {tip[:10]}", hint=hint)
    return start, tip


def _came_upon(history: History, around: Surroundings, tip: str) -> str:
    if not _NO_COMMIT.fullmatch(around.before):
        try:
            return history.resolve(around.before)
        except HistoryError:
            pass  # a force push: what was there before is not in this clone
    return history.parent(tip)


def _event(path: str) -> Mapping[str, object]:
    """GitHub's description of what happened; empty when there is none that can be read."""
    try:
        file = Path(path)
        if not path or file.stat().st_size > _EVENT_LIMIT:
            return {}
        return _object(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _path(text: str) -> Path | None:
    return Path(text) if text else None
