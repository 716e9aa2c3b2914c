"""A worker's own clone of the repository: kept from job to job, with asv's environments in it."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from pathlib import Path

from platformdirs import user_cache_path

from regress.errors import RunnerError
from regress.service.cluster.jobs import Source

_MINUTES = 30


def checkout(source: Source, commit: str) -> Path:
    """The clone with ``source.head`` checked out and ``commit`` known; RunnerError if nobody has both."""
    told = "\0".join((platform.node(), *source.places))  # a home may be shared by hosts
    place = user_cache_path("regress") / "clones" / hashlib.sha256(told.encode()).hexdigest()[:16]
    if not (place / ".git").is_dir():
        place.mkdir(parents=True, exist_ok=True)
        _git(place, "init", "--quiet")
    said = ""
    if not _has(place, source.head, commit):
        for origin in source.places:
            said = _git(place, "fetch", "--quiet", "--force", "--tags", origin, "+refs/heads/*:refs/heads/*")
            if _has(place, source.head, commit):
                break
        else:
            hint = "Push it, or name a place that all workers reach: --source URL."
            message = f"{commit[:12]} is in none of {', '.join(source.places)}"
            raise RunnerError("git fetch", message, log=said, hint=hint)
    said = _git(place, "checkout", "--quiet", "--force", "--detach", source.head)
    if said:
        raise RunnerError("git checkout", said.splitlines()[-1], log=said)
    return place


def _has(place: Path, *commits: str) -> bool:
    return all(_git(place, "cat-file", "-e", f"{sha}^{{commit}}") == "" for sha in commits)


def _git(place: Path, *arguments: str) -> str:
    """What git complains about; empty when it is content."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=place,
            stdin=subprocess.DEVNULL,  # it must not ask for a password
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60 * _MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"git {arguments[0]} took more than {_MINUTES} minutes"
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit status {done.returncode}"
