"""A history lived again under some settings: what people would have been told, when, and what stands.

    lives = Life(detection), Life(other)
    for series in every:
        for life, lived in zip(lives, live(series, [life.detection for life in lives])):
            life.add(lived)
    pool(lives)
    replayed = lives[0].raised(population, facts, after)

Where two settings ask the same of a series, it is lived once for both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from regress.config import DetectionConfig
from regress.detect import Options, detector_of
from regress.detect.discoveries import bar
from regress.detect.noise import Floats
from regress.detect.pooling import Common, Index, Member, indices, spread
from regress.detect.replay import looks, same
from regress.domain import ChangePoint, FactChange, SeriesChange, SeriesColumns
from regress.service.judging import (
    Population,
    common_options,
    explained,
    located,
    membership,
    options_of,
    values_of,
)

Whose = int | tuple[str, str, str]
"""A series, or an index."""

_Found = SeriesChange | Common
_Look = tuple[int, list[SeriesChange]]


@dataclass(frozen=True, slots=True)
class Lived:
    """A series as it was lived: its positions, what was known from which on, and its part in the pool."""

    id: int
    positions: Sequence[int]
    looks: list[_Look]
    members: list[Member]


def live(series: SeriesColumns, chosen: Sequence[DetectionConfig]) -> list[Lived]:
    """A series lived again under each of some settings."""
    values = values_of(series)
    known: dict[tuple[str, Options], list[_Look]] = {}
    members: dict[tuple[object, ...], list[Member]] = {}
    told = []
    for one in chosen:
        options = options_of(series, one)
        asked = (one.detector, options)
        if asked not in known:
            known[asked] = list(_looks(series, values, one.detector, options))
        found = known[asked][-1][1] if known[asked] else []
        starts = tuple(change.change.index for change in found)
        in_pool = (starts, options.minimum_effect, bool(one.pooling))
        if in_pool not in members:
            members[in_pool] = membership(series, values, found, one)
        told.append(Lived(series.id, series.positions, known[asked], members[in_pool]))
    return told


def _looks(series: SeriesColumns, values: Floats, detector: str, options: Options) -> Iterator[_Look]:
    """What was known of a series, by the position from which on it was; without what changed nothing."""
    last: list[ChangePoint] = []
    for place, changes in looks(values, detector_of(detector), options):
        if changes or last:
            yield series.positions[place], [located(series, change) for change in changes]
        last = changes


@dataclass
class Replayed:
    """What was raised under some settings: changes with the positions at which they were, and what stands."""

    changes: list[SeriesChange] = field(default_factory=list)
    seen: dict[tuple[int, str, float], tuple[int, bool]] = field(default_factory=dict)

    def add(self, change: SeriesChange, position: int, stands: bool) -> None:
        """Note what was told."""
        self.changes.append(change)
        self.seen[identity(change)] = (position, stands)


class Life:
    """What some settings knew of every series, by the position at which they came to know it."""

    def __init__(self, detection: DetectionConfig) -> None:
        self.detection = detection
        self.members: list[Member] = []
        self._points: Counter[int] = Counter()
        self._looks: defaultdict[int, list[tuple[Whose, Sequence[_Found]]]] = defaultdict(list)

    def add(self, lived: Lived) -> None:
        """Take a series that was lived again."""
        self._points.update(lived.positions)
        self.members += lived.members
        for position, found in lived.looks:
            self._looks[position].append((lived.id, found))

    def add_index(self, index: Index, known: Sequence[tuple[int, list[ChangePoint]]]) -> None:
        """Take what was known of an index."""
        positions = index.positions.tolist()
        self._points.update(positions)
        for place, found in known:
            common = [Common(index, change) for change in found]
            self._looks[positions[place]].append((index.place, common))

    def raised(self, population: Population, facts: Sequence[FactChange], after: int) -> Replayed:
        """What was told after a position: commit by commit, judged as an analysis would have."""
        telling = _Telling(self.detection.false_discoveries)
        tests = 0
        for position in sorted(self._points):
            tests += self._points[position]
            if position in self._looks:
                telling.look(self._looks[position], position, tests)
        telling.look((), -1, tests)  # more points without a change take some back
        late = [one for one in telling.told() if one[1] > after]
        return self._explained(late, population, facts)

    def _explained(
        self, late: Sequence[tuple[_Found, int, bool]], population: Population, facts: Sequence[FactChange]
    ) -> Replayed:
        """What was told as changes of series, with when it was and whether it stands."""
        told = [(one, position, stands) for one, position, stands in late if isinstance(one, SeriesChange)]
        common = {one: (position, stands) for one, position, stands in late if isinstance(one, Common)}
        for one, parts in spread(common, self.detection.pooling, population.commits()):
            told += [(part, *common[one]) for part in parts]
        found = Replayed()
        causes = explained([one for one, *_ in told], population, facts)
        for change, (_, position, stands) in zip(causes, told, strict=True):
            found.add(change, position, stands)
        return found


def pool(lives: Sequence[Life]) -> None:
    """Live again what the series of each life have in common, after all were added.

    Each series is freed of the changes that the whole of it shows: those of an index may come a little
    earlier here than they did.
    """
    known: dict[tuple[object, ...], list[tuple[int, list[ChangePoint]]]] = {}
    for life in lives:
        options = common_options(life.detection)
        for index in indices(life.members):
            asked = (life.detection.detector, options, *map(id, index.members))
            if asked not in known:
                known[asked] = list(looks(index.values, detector_of(life.detection.detector), options))
            life.add_index(index, known[asked])


class _Telling:
    """What was told as commits came: what is known of each series and index now, and how sure it must be."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._known: dict[Whose, Sequence[_Found]] = {}
        self._waiting: dict[Whose, Sequence[_Found]] = {}  # of these, what was not sure so far
        self._told: defaultdict[Whose, list[tuple[_Found, int]]] = defaultdict(list)
        self._bar = -1.0

    def look(self, news: Iterable[tuple[Whose, Sequence[_Found]]], position: int, tests: int) -> None:
        """Learn what is known of some from now on, and tell what is sure enough of all."""
        for whose, found in news:
            self._known[whose] = self._waiting[whose] = found
        every = np.array([one.change.p_value for ones in self._known.values() for one in ones])
        self._bar = bar(every, tests, self._rate)
        for whose, ones in self._waiting.items():
            sure = self._sure(ones)
            fresh = [one for one in sure if not _among(one, (old for old, _ in self._told[whose]))]
            self._told[whose] += [(one, position) for one in fresh]
            self._waiting[whose] = [one for one in ones if one.change.p_value > self._bar]
        self._waiting = {whose: ones for whose, ones in self._waiting.items() if ones}

    def _sure(self, ones: Iterable[_Found]) -> list[_Found]:
        return [one for one in ones if one.change.p_value <= self._bar]

    def told(self) -> Iterator[tuple[_Found, int, bool]]:
        """What was told, at which position, and whether it stands."""
        for whose, ones in self._told.items():
            standing = self._sure(self._known[whose])
            for one, position in ones:
                yield one, position, _among(one, standing)


def _among(one: _Found, others: Iterable[_Found]) -> bool:
    return any(same(one.change, other.change) for other in others)


def identity(change: SeriesChange) -> tuple[int, str, float]:
    """By what ``Replayed.seen`` knows a change."""
    return change.series_id, change.first_after, change.change.ratio
