"""What several pages need: a commit by what people type, a branch by name, a small line of a series."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from regress.domain import Commit
from regress.errors import RegressError, UnknownNameError
from regress.service.browse.evidence import Tags
from regress.store import Store

SPARK_POINTS = 60
"""Points in a small line: more than a 160 pixel wide drawing can show apart is waste."""

FEW = 8
"""Names of a kind that are listed where one is unknown."""

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

_STEPS_BACK = re.compile(r"^(?P<base>.+?)~(?P<steps>\d{0,6})$")


@dataclass(frozen=True, slots=True)
class Spark:
    """The end of a series as a small line; ``mark`` is the index in ``values`` where a level starts."""

    values: tuple[float, ...] = ()
    mark: int | None = None


Line = Sequence[tuple[str, float]]
"""Commit and value of each point of a series."""


def spark(points: Line, mark: str | None = None) -> Spark:
    """The newest points of a series, or those around commit ``mark`` when that lies further back."""
    at = next((i for i, (commit, _) in enumerate(points) if commit == mark), None) if mark else None
    start = max(0, len(points) - SPARK_POINTS)
    if at is not None and at < start + SPARK_POINTS // 4:
        start = max(0, at - SPARK_POINTS // 2)
    shown = points[start : start + SPARK_POINTS]
    return Spark(tuple(value for _, value in shown), None if at is None else at - start)


def whole(points: Line, mark: str | None = None) -> Spark:
    """All of a series in as many points as a small line has: the middle value of each stretch."""
    at = next((i for i, (commit, _) in enumerate(points) if commit == mark), None) if mark else None
    many = min(len(points), SPARK_POINTS)
    starts = [i * len(points) // many for i in range(many + 1)] if many else []
    values = (
        sorted(value for _, value in points[start:stop])[(stop - start) // 2]
        for start, stop in itertools.pairwise(starts)
    )
    return Spark(tuple(values), None if at is None else at * many // len(points))


def pick_branch(store: Store, branch: str | None) -> str | None:
    """``branch`` when the store knows it, the default one for None. UnknownNameError otherwise."""
    if not branch:
        return store.default_branch()
    known = store.branches()
    if branch not in known:
        raise UnknownNameError("branch", branch, known)
    return branch


def commit_or_unknown(store: Store, sha: str) -> Commit | None:
    """The commit, or None when the store has results for it but no history."""
    try:
        return store.commit(sha)
    except UnknownNameError:
        return None


def resolve(store: Store, revision: str, tagged: Tags | None = None) -> Commit:
    """The commit people mean by a hash (or its start), a branch, a tag, ``latest``, or these with ``~N``.

    ``latest`` is the newest measured commit of the default branch. UnknownNameError otherwise, which says
    what names there are.
    """
    revision = revision.strip()
    if match := _STEPS_BACK.match(revision):
        return _steps_back(store, resolve(store, match["base"], tagged), int(match["steps"] or 1), revision)
    if revision == "latest":
        found = latest_measured(store, store.default_branch())
        if found is None:
            raise RegressError("nothing is measured yet", hint="Run `regress run --last 3` first.")
        return found
    if tagged is None or _HASH.fullmatch(revision) or revision in store.branches():
        return store.commit(revision)
    return _by_tag(store, revision, tagged)


def _by_tag(store: Store, revision: str, known: Tags) -> Commit:
    """The commit of a tag, else of a part of a hash."""
    tagged = known.named
    if revision in tagged and (found := commit_or_unknown(store, tagged[revision])):
        return found
    if revision in tagged:
        hint = f"It is not known here: `regress run {tagged[revision][:10]}` measures it."
        raise UnknownNameError("commit", f"{revision} ({tagged[revision][:10]})", hint=hint)
    try:
        return store.commit(revision)
    except UnknownNameError as error:
        here = {sha for branch in store.branches() for sha in store.located(branch, tagged.values())}
        named = [name for name, sha in tagged.items() if sha in here]
        said = [
            f"{kind} {_few(names)}"
            for kind, names in (("branches", store.branches()), ("tags", named))
            if names
        ]
        hint = f"Known are {' and '.join(said)}, and hashes." if said else ""
        raise UnknownNameError("commit", revision, [*named, *error.near], hint=hint) from None


def _few(names: Sequence[str]) -> str:
    """The first and the last of some names, which sort as versions do often enough."""
    return ", ".join(names if len(names) <= FEW else (*names[:2], "...", *names[2 - FEW :]))


def _steps_back(store: Store, commit: Commit, steps: int, revision: str) -> Commit:
    for branch in store.branches():
        here = store.located(branch, [commit.sha]).get(commit.sha)
        if here is not None:
            wanted = here.position - steps
            if found := store.commits(branch, span=(wanted, wanted)):
                return found[0]
    raise UnknownNameError("commit", revision)


def latest_measured(store: Store, branch: str | None) -> Commit | None:
    """The newest commit of a branch that has a measurement."""
    return store.newest_measured(branch) if branch else None
