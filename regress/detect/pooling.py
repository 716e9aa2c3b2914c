"""Small changes that many series share, though none of them alone would be flagged.

    members = [member for series in all_series if (member := member_of(series, values, starts, minimum))]
    for index in indices(members):
        for change in detector.detect(index.values, options):
            found.append(Common(index, change))
    changes = spread(found, share, commits)

Series whose names have a beginning in common are a group: all of one machine and environment, of a module,
of a class. Each is freed of its own changes, measured in its own sigmas, spikes clipped, and turned so that
up is worse; the mean over a group at each commit is its *index*. What the series have in common, the moods
of their machine too, is in the index, so that it shows its own noise: the detector judges it like any
series. A step of half a sigma, hopeless in one series, is one of several sigmas in the index of thirty.

A step in an index is spread over those of its series that moved with it (Benjamini and Hochberg), three at
least.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regress.detect.discoveries import discoveries
from regress.detect.evidence import p_of
from regress.detect.noise import CLIP, EXACT, Floats, correlation_factor, mad, median
from regress.domain import ChangePoint, Direction, SeriesChange, SeriesColumns, SeriesKey

FEWEST = 6
"""Series of a group: of fewer, one alone can move the index."""

MOVED = 3
"""Series that must have moved with an index: what one or two do is for their own tests to say."""

SHORTEST = 12
"""Points without which a series says little about its own noise."""

WINDOW = 40
"""Points on each side of a step that say how a series moved: farther ones may know of other changes."""

DOUBT = 0.1
"""Part of the series named with a common change that may not have moved."""

_DEPTH = 4  # beginnings of a name that make groups
_COMMON = 0.5  # part of the most series measured at one commit: fewer are another mixture
_SCALE = 1e-3  # of an index: it is handed to detectors as values near 1
_INTERVAL_Z = 2.576  # 99 %
_PARTS = re.compile(r"[.:/\[(]+|\s+")


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A series freed of its own changes: ``residuals`` in sigmas, up is worse, one for each of ``positions``.

    ``minimum`` is the smallest relative change that matters to its owner. Arrays only: there may be millions
    of points in memory.
    """

    id: int
    key: SeriesKey
    positions: NDArray[np.int32]
    values: Floats
    residuals: NDArray[np.float32]
    sigma: float
    minimum: float


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """What a group did, commit by commit: ``values`` near 1 at ``positions``.

    ``place`` is its machine, its environment and the beginning of its names.
    """

    place: tuple[str, str, str]
    members: tuple[Member, ...]
    positions: NDArray[np.int32]
    values: Floats


def member_of(series: SeriesColumns, values: Floats, starts: Sequence[int], minimum: float) -> Member | None:
    """A series with its ``values`` as a member of groups; None if it is short, not positive or without noise.

    ``starts`` are the indices at which its own new levels begin.
    """
    if values.size < SHORTEST or not (np.isfinite(values) & (values > 0)).all():
        return None
    away = np.log(values)
    for start, end in itertools.pairwise((0, *starts, values.size)):
        away[start:end] -= median(away[start:end])
    sigma = mad(away) or float(np.std(away))
    if sigma <= EXACT:
        return None
    worse = 1 if series.key.metric.direction is Direction.LOWER else -1
    residuals = (worse * np.clip(away / sigma, -CLIP, CLIP)).astype(np.float32)
    positions = np.asarray(series.positions, dtype=np.int32)
    return Member(series.id, series.key, positions, values, residuals, sigma, minimum)


def indices(members: Iterable[Member]) -> Iterator[Index]:
    """The index of every group; of groups with the same series, the one of the shortest name."""
    groups: defaultdict[tuple[str, str, str], list[Member]] = defaultdict(list)
    for member in members:
        key = member.key
        for beginning in _beginnings(key.benchmark):
            groups[(key.machine, key.environment, beginning)].append(member)
    seen: set[tuple[int, ...]] = set()
    for place in sorted(groups, key=lambda place: (len(place[2]), place)):
        group = groups[place]
        ids = tuple(member.id for member in group)
        if len(group) >= FEWEST and ids not in seen:
            seen.add(ids)
            yield _index(place, group)


def _beginnings(name: str) -> list[str]:
    """All that a name begins with: nothing, its module, its class, ... up to all of it."""
    ends = [match.start() for match in _PARTS.finditer(name)][: _DEPTH - 1]
    return ["", *(name[:end] for end in ends if end), name]


def _index(group: tuple[str, str, str], members: Sequence[Member]) -> Index:
    where, place = np.unique(np.concatenate([one.positions for one in members]), return_inverse=True)
    counts = np.bincount(place)
    sums = np.bincount(place, weights=np.concatenate([one.residuals for one in members]))
    common = counts >= _COMMON * counts.max()
    values = np.exp(_SCALE * sums[common] / counts[common])
    return Index(group, tuple(members), where[common], values)


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """A step of an index."""

    index: Index
    change: ChangePoint

    @property
    def place(self) -> tuple[int, int]:
        """The positions among which it is."""
        first, last = self.change.span
        return int(self.index.positions[first - 1]) + 1, int(self.index.positions[last])

    @property
    def up(self) -> int:
        """1 for worse, -1 for better."""
        return 1 if self.change.after > self.change.before else -1


@dataclass(frozen=True, slots=True)
class _Move:
    """How one series moved at a place, in sigmas: ``index`` is its first point from there on."""

    member: Member
    index: int
    size: float
    error: float

    @property
    def p_value(self) -> float:
        """The chance of so much in this direction."""
        return p_of(self.size / self.error) / 2 if self.size > 0 else 1.0

    @property
    def relative(self) -> float:
        """The size as a relative change."""
        return math.expm1(self.size * self.member.sigma)

    def beyond(self, share: float) -> float:
        """By how much it is larger than ``share`` of what matters here."""
        return self.relative - share * self.member.minimum


def spread(
    found: Iterable[Common], share: float, commits: Mapping[int, str]
) -> list[tuple[Common, list[SeriesChange]]]:
    """Steps of indices as changes of their series, the surest first, no series twice at one place.

    Left out are those with which few series moved, or by too little to matter: by less than ``share`` of what
    matters in each alone. ``commits`` says by position which they are.
    """
    told: list[tuple[Common, list[SeriesChange]]] = []
    taken: defaultdict[int, list[Common]] = defaultdict(list)
    for common in sorted(found, key=lambda one: one.change.p_value):
        parts = [
            part
            for part in _parts(common, share, commits)
            if not any(_meet(common, other) for other in taken[part.series_id])
        ]
        if len(parts) >= MOVED:
            told.append((common, parts))
            for part in parts:
                taken[part.series_id].append(common)
    return told


def _meet(a: Common, b: Common) -> bool:
    (first, last), (other_first, other_last) = a.place, b.place
    return a.up == b.up and first <= other_last and other_first <= last


def _parts(common: Common, share: float, commits: Mapping[int, str]) -> list[SeriesChange]:
    """The series that moved with an index; none where they are few, or moved by too little to matter."""
    index, place = common.index, int(common.index.positions[common.change.index])
    moves = [move for member in index.members if (move := _move(member, place, common.up)) is not None]
    kept = discoveries([move.p_value for move in moves], len(moves), DOUBT)
    moved = [move for move, keep in zip(moves, kept, strict=True) if keep]
    if len(moved) < MOVED or float(np.median([move.beyond(share) for move in moved])) < 0:
        return []
    size = float(np.median([move.relative for move in moved]))
    named = f" under {index.place[2]}" if index.place[2] else ""
    note = (
        f"{len(moved)} of {len(index.members)} series{named} moved together, by about {100 * size:.2g} %: "
        "hardly one of them shows it alone"
    )
    return [_told(move, common, commits, note) for move in moved]


def _move(member: Member, place: int, up: int) -> _Move | None:
    """How a series moved at a place; None where it has no points on one side."""
    at = int(np.searchsorted(member.positions, place))
    before, after = member.residuals[max(0, at - WINDOW) : at], member.residuals[at : at + WINDOW]
    if not before.size or not after.size:
        return None
    factor = correlation_factor(member.residuals.astype(np.float64))
    size = up * float(after.mean() - before.mean())
    return _Move(member, at, size, math.sqrt(factor * (1 / before.size + 1 / after.size)))


def _told(move: _Move, common: Common, commits: Mapping[int, str], note: str) -> SeriesChange:
    """A series' part in a common change, as its own change point at the place of the common one."""
    member, change, positions = move.member, common.change, common.index.positions
    turned = common.up if member.key.metric.direction is Direction.LOWER else -common.up
    before = float(np.median(member.values[max(0, move.index - WINDOW) : move.index]))
    half = _INTERVAL_Z * move.error
    low, middle, high = (
        math.exp(turned * member.sigma * size)
        for size in (move.size - turned * half, move.size, move.size + turned * half)
    )
    first, last = (int(np.searchsorted(member.positions, positions[i])) for i in change.span)
    earliest = min(max(1, first), move.index)
    latest = max(min(last, member.positions.size - 1), move.index)
    own = ChangePoint(move.index, before, before * middle, low, high, change.p_value, earliest, latest)
    shas = (commits[int(member.positions[at])] for at in (move.index - 1, move.index, earliest, latest))
    last_before, first_after, early, late = shas
    return SeriesChange(member.id, member.key, last_before, first_after, own, early, late, note=note)
