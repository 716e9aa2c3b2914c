"""What speaks for a change: numbers before and after, what differs around it, which files were touched."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from regress.domain import ChangedFile, Point, SeriesChange
from regress.errors import RegressError
from regress.store import Store

if TYPE_CHECKING:
    from regress.runner.history import History

AROUND = 12
"""Measured commits on each side of a change whose numbers are shown."""

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers on both sides of a change of one series; ``raw`` when they are samples, not results.

    ``commits`` counts the measured commits that they are of, before and after.
    """

    part: SeriesChange
    before: tuple[float, ...]
    after: tuple[float, ...]
    raw: bool
    commits: tuple[int, int]


def evidence(store: Store, part: SeriesChange) -> Evidence | None:
    """The numbers around a change; raw samples where all of these commits have some. None without a point."""
    around = store.ends({part.series_id: part.first_after}, AROUND)
    line = [commit for commit, _ in around.get(part.series_id, ())]
    at = line.index(part.first_after) if part.first_after in line else 0
    if not at:
        return None
    shown = store.located(part.series.branch, line[max(0, at - AROUND) : at + AROUND])
    points = store.points_at(part.series_id, (commit.position for commit in shown.values()))
    cut = shown[part.first_after].position
    before = [point for point in points if point.position < cut]
    after = [point for point in points if point.position >= cut]
    raw = all(len(point.samples) > 1 for point in (*before, *after))
    ends = (len(before), len(after))
    return Evidence(part, _numbers(before, raw), _numbers(after, raw), raw, ends)


def _numbers(points: Sequence[Point], raw: bool) -> tuple[float, ...]:
    if raw:
        return tuple(sample for point in points for sample in point.samples)
    return tuple(point.value for point in points)


def touched_files(root: Path, before: str, after: str) -> tuple[ChangedFile, ...] | None:
    """The files that differ between two commits, most lines first; None without a repository of both."""
    if not (_HASH.fullmatch(before) and _HASH.fullmatch(after)):
        return None
    try:
        return _touched_files(root, before, after)
    except RegressError:
        return None


@lru_cache(maxsize=256)  # a commit never changes
def _touched_files(root: Path, before: str, after: str) -> tuple[ChangedFile, ...]:
    from regress.runner.history import History  # git takes long to import, and most pages need none

    found = History(root).changed_files(before, after)
    return tuple(sorted(found, key=lambda file: (-(file.added or 0) - (file.removed or 0), file.path)))


@dataclass(frozen=True, slots=True, eq=False)
class Tags:
    """The commit of each tag by its name; the same object while they are, so that answers go by it."""

    named: Mapping[str, str]


def tags(root: Path) -> Tags:
    """The tags of the repository at hand; none where there is no repository."""
    try:
        return _tags(root, _opened(root).tags_stamp())
    except RegressError:
        return _NO_TAGS


@lru_cache(maxsize=8)
def _opened(root: Path) -> History:
    """The repository, for a look at its files: to open it takes longer. One that is gone looks different."""
    from regress.runner.history import History  # likewise

    return History(root)


_NO_TAGS = Tags(MappingProxyType({}))


@lru_cache(maxsize=8)
def _tags(root: Path, _stamp: Hashable) -> Tags:
    """What git says of them, asked once for each look of its files."""
    from regress.runner.history import History  # likewise

    return Tags(MappingProxyType(History(root).tags()))
