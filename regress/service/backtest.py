"""The verb *backtest*: a history replayed commit by commit under other settings, held against triage.

    found = backtest(store, config, "main", with_settings(config.detection, ["false_alarms=0.0001"]))
    for row in found.rows:
        print(row.title, row.outcome, row.judged)

Both settings are replayed, the present ones too: so an alert that was raised and taken back counts, and what
was raised by settings of long ago does not. At each commit the false discoveries of the project are limited
as an analysis at that commit would have limited them; what the code did not make is grouped as such.
"""

from __future__ import annotations

import enum
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from regress.config import Config, DetectionConfig
from regress.detect import detector_of
from regress.detect.discoveries import discoveries
from regress.detect.pooling import Common, Member, indices, spread
from regress.detect.replay import looks, same
from regress.domain import Event, EventKind, FactChange, Series, SeriesChange, State
from regress.errors import RegressError, UnknownNameError
from regress.service.judging import (
    Population,
    common_options,
    explained,
    located,
    membership,
    options_of,
    values_of,
)
from regress.store import Group, Places, Store, group_changes, meet

Progress = Callable[[str, int, int], None]
"""Told the name of a series, and how many of how many are done."""


class Outcome(enum.StrEnum):
    """What other settings make of an alert."""

    STAYS = "stays"
    COMES = "comes"
    GOES = "goes"


class Judgement(enum.StrEnum):
    """What triage said of an alert: a real change, a false alarm, or nothing yet."""

    REAL = "real"
    FALSE = "false"
    OPEN = "not judged"


_JUDGED = {
    State.ACKNOWLEDGED: Judgement.REAL,
    State.INVESTIGATING: Judgement.REAL,
    State.EXPECTED: Judgement.REAL,
    State.FIXED: Judgement.REAL,
    State.INVALID: Judgement.FALSE,
}


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert as some settings raise it: its surest change, commits from the step on (1: at once)."""

    lead: SeriesChange
    series: int
    delay: int
    stands: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One alert under the present settings (``now``) and under others (``then``), and its event if stored."""

    kind: EventKind
    now: Raised | None
    then: Raised | None
    event: int | None
    state: State | None

    @property
    def outcome(self) -> Outcome:
        """Whether it stays, comes or goes."""
        if self.now is None:
            return Outcome.COMES
        return Outcome.GOES if self.then is None else Outcome.STAYS

    @property
    def judged(self) -> Judgement:
        """What triage said."""
        return _JUDGED.get(self.state, Judgement.OPEN) if self.state else Judgement.OPEN

    @property
    def shown(self) -> Raised:
        """The alert, as the other settings raise it if they do."""
        found = self.then or self.now
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a replay found, latest alert first."""

    branch: str
    series: int
    points: int
    rows: tuple[Row, ...]

    def count(self, outcome: Outcome, judged: Judgement | None = None) -> int:
        """How many alerts have this outcome (and this judgement)."""
        return sum(row.outcome is outcome and judged in (None, row.judged) for row in self.rows)


@dataclass
class _Replayed:
    """What was raised under some settings: changes with the positions at which they were, and what stands."""

    changes: list[SeriesChange] = field(default_factory=list)
    seen: dict[tuple[int, str, float], tuple[int, bool]] = field(default_factory=dict)

    def add(self, change: SeriesChange, position: int, stands: bool) -> None:
        self.changes.append(change)
        self.seen[_identity(change)] = (position, stands)


def backtest(
    store: Store,
    config: Config,
    branch: str,
    other: DetectionConfig,
    *,
    since: str | None = None,
    progress: Progress = lambda name, done, total: None,
) -> Backtest:
    """Replay everything measured on a branch under the configured detection and under ``other``.

    ``since`` (a full hash) leaves out what was raised up to that commit; UnknownNameError when the branch
    lacks it, or for a detector that does not exist; RegressError for a branch without results.
    """
    total = store.count_series(branch)
    if not total:
        raise RegressError(f"nothing is measured on {branch} yet", hint="Run `regress run --last 30` first.")
    after = _position(store, branch, since)
    population = Population()
    lives = _Life(config.detection), _Life(other)
    for done, series in enumerate(store.all_series(branch), 1):
        population.add(series)
        for life in lives:
            life.add(series)
        progress(series.key.title, done, total)
    for life in lives:
        life.pool()
    facts = store.fact_changes(branch)
    now, then = (life.raised(population, facts, after) for life in lives)
    rows = _rows((now, then), Places(population.positions), store.events(branch))
    return Backtest(branch, population.series, population.points, rows)


Whose = int | tuple[str, str, str]
"""A series, or an index."""

_Found = SeriesChange | Common


class _Life:
    """What some settings knew of every series, by the position at which they came to know it."""

    def __init__(self, detection: DetectionConfig) -> None:
        self._detection = detection
        self._detector = detector_of(detection.detector)
        self._points: Counter[int] = Counter()
        self._looks: defaultdict[int, list[tuple[Whose, Sequence[_Found]]]] = defaultdict(list)
        self._members: list[Member] = []

    def add(self, series: Series) -> None:
        """Live a series again."""
        positions = [point.position for point in series.points]
        self._points.update(positions)
        values = values_of(series.points)
        found: list[SeriesChange] = []
        for place, changes in looks(values, self._detector, options_of(series, self._detection)):
            found = [located(series, change) for change in changes]
            self._looks[positions[place]].append((series.id, found))
        self._members += membership(series, values, found, self._detection)

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

    def raised(self, population: Population, facts: Sequence[FactChange], after: int) -> _Replayed:
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
    ) -> _Replayed:
        """What was told as changes of series, with when it was and whether it stands."""
        told = [(one, position, stands) for one, position, stands in late if isinstance(one, SeriesChange)]
        common = {one: (position, stands) for one, position, stands in late if isinstance(one, Common)}
        for one, parts in spread(common, self._detection.pooling, population.commits()):
            told += [(part, *common[one]) for part in parts]
        found = _Replayed()
        causes = explained([one for one, *_ in told], population, facts)
        for change, (_, position, stands) in zip(causes, told, strict=True):
            found.add(change, position, stands)
        return found


def _among(one: _Found, others: Iterable[_Found]) -> bool:
    return any(same(one.change, other.change) for other in others)


def _position(store: Store, branch: str, sha: str | None) -> int:
    if sha is None:
        return -1
    found = store.located(branch, [sha]).get(sha)
    if found is None:
        raise UnknownNameError("commit", sha[:10], [branch])
    return found.position


def _identity(change: SeriesChange) -> tuple[int, str, float]:
    return change.series_id, change.first_after, change.change.ratio


def _rows(replayed: tuple[_Replayed, _Replayed], places: Places, events: Iterable[Event]) -> tuple[Row, ...]:
    """The alerts of both settings side by side, each pair once, with the event that triage spoke of."""
    now, then = (group_changes(one.changes, places) for one in replayed)
    pairs: list[tuple[Group | None, Group | None]] = []
    left = list(then)
    for group in now:
        twin = next((one for one in left if one.kind is group.kind and meet(one.reach, group.reach)), None)
        if twin is not None:
            left.remove(twin)
        pairs.append((group, twin))
    pairs += [(None, group) for group in left]
    stored = [event for event in events if {event.last_before, event.first_after} <= places.position.keys()]
    rows = [_row(pair, replayed, places, stored) for pair in pairs]
    return tuple(sorted(rows, key=lambda row: -places.position[row.shown.lead.first_after]))


def _row(
    pair: tuple[Group | None, Group | None],
    replayed: tuple[_Replayed, _Replayed],
    places: Places,
    stored: list[Event],
) -> Row:
    now, then = (
        _raised(group, one.seen, places) if group else None for group, one in zip(pair, replayed, strict=True)
    )
    group = pair[1] or pair[0]
    assert group is not None
    spoken = [
        event for event in stored if event.kind is group.kind and meet(group.reach, _place(event, places))
    ]
    event = min(spoken, key=lambda one: (one.state not in _JUDGED, one.id), default=None)
    return Row(group.kind, now, then, event.id if event else None, event.state if event else None)


def _place(event: Event, places: Places) -> tuple[int, int]:
    return places.position[event.last_before] + 1, places.position[event.first_after]


def _raised(group: Group, seen: Mapping[tuple[int, str, float], tuple[int, bool]], places: Places) -> Raised:
    """A group as people met it: told by its first alert, standing while any of it stands."""
    told = [seen[_identity(change)] for change in group.members]
    first = min(position for position, _ in told)
    delay = max(1, first - places.position[group.lead.first_after] + 1)
    return Raised(
        group.lead, len({change.series_id for change in group.members}), delay, any(s for _, s in told)
    )
