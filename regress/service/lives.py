"""A history lived again under some settings: what people would have been told, when, and what stands.

life = Life(detection)
for series in store.all_series(branch):
life.add(series)
life.pool()
replayed = life.raised(population, facts, after)
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from regress.config import DetectionConfig
from regress.detect import detector_of
from regress.detect.discoveries import discoveries
from regress.detect.pooling import Common, Member, indices, spread
from regress.detect.replay import looks, same
from regress.domain import FactChange, Series, SeriesChange
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
        self._detection = detection
        self._detector = detector_of(detection.detector)
        self._points: Counter[int] = Counter()
        self._looks: defaultdict[int, list[tuple[Whose, Sequence[_Found]]]] = defaultdict(list)
        self._members: list[Member] = []

    def add(self, series: Series) -> None:
        """Live a series again."""
        columns = series.columns
        positions = columns.positions
        self._points.update(positions)
        values = values_of(columns)
        found: list[SeriesChange] = []
        for place, changes in looks(values, self._detector, options_of(series, self._detection)):
            found = [located(columns, change) for change in changes]
            self._looks[positions[place]].append((series.id, found))
        self._members += membership(columns, values, found, self._detection)

    def pool(self) -> None:
        """Live again what the series have in common, after all were added.

        Each series is freed of the changes that the whole of it shows: those of an index may come a little
        earlier here than they did.
        """
        for index in indices(self._members):
            positions = index.positions.tolist()
            self._points.update(positions)
            for place, found in looks(index.values, self._detector, common_options(self._detection)):
                common = [Common(index, change) for change in found]
                self._looks[positions[place]].append((index.place, common))

    def raised(self, population: Population, facts: Sequence[FactChange], after: int) -> Replayed:
        """What was told after a position: commit by commit, judged as an analysis would have."""
        known: dict[Whose, Sequence[_Found]] = {}
        told: defaultdict[Whose, list[tuple[_Found, int]]] = defaultdict(list)
        standing: dict[Whose, list[_Found]] = {}
        tests = 0
        for position in sorted(self._points):
            tests += self._points[position]
            if position in self._looks:
                known.update(self._looks[position])
                standing = self._sure(known, tests)
                for whose, ones in standing.items():
                    fresh = [one for one in ones if not _among(one, (old for old, _ in told[whose]))]
                    told[whose] += [(one, position) for one in fresh]
        late = [
            (one, position, _among(one, standing.get(whose, ())))
            for whose, ones in told.items()
            for one, position in ones
            if position > after
        ]
        return self._explained(late, population, facts)

    def _sure(self, known: Mapping[Whose, Sequence[_Found]], tests: int) -> dict[Whose, list[_Found]]:
        """What of the known may be reported."""
        every = [(whose, one) for whose, ones in known.items() for one in ones]
        rate = self._detection.false_discoveries
        kept = discoveries([one.change.p_value for _, one in every], tests, rate)
        standing: defaultdict[Whose, list[_Found]] = defaultdict(list)
        for whose, one in itertools.compress(every, kept):
            standing[whose].append(one)
        return standing

    def _explained(
        self, late: Sequence[tuple[_Found, int, bool]], population: Population, facts: Sequence[FactChange]
    ) -> Replayed:
        """What was told as changes of series, with when it was and whether it stands."""
        told = [(one, position, stands) for one, position, stands in late if isinstance(one, SeriesChange)]
        common = {one: (position, stands) for one, position, stands in late if isinstance(one, Common)}
        for one, parts in spread(common, self._detection.pooling, population.commits()):
            told += [(part, *common[one]) for part in parts]
        found = Replayed()
        causes = explained([one for one, *_ in told], population, facts)
        for change, (_, position, stands) in zip(causes, told, strict=True):
            found.add(change, position, stands)
        return found


def _among(one: _Found, others: Iterable[_Found]) -> bool:
    return any(same(one.change, other.change) for other in others)


def identity(change: SeriesChange) -> tuple[int, str, float]:
    """By what ``Replayed.seen`` knows a change."""
    return change.series_id, change.first_after, change.change.ratio
