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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from regress.config import Config, DetectionConfig
from regress.domain import Event, EventKind, SeriesChange, State
from regress.errors import RegressError, UnknownNameError
from regress.service.judging import Population
from regress.service.lives import Life, Lived, Replayed, identity, live, pool
from regress.service.spreading import How
from regress.store import Group, Places, Store, Stretch, group_changes, meet

STRETCH = 25
"""Series of one piece of work: each is examined some twenty times, under both settings."""

Progress = Callable[[str, int, int], None]
"""Told the step, how much of it is done, and of how much."""


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


def backtest(
    store: Store,
    config: Config,
    branch: str,
    other: DetectionConfig,
    *,
    since: str | None = None,
    how: How = How(),  # noqa: B008 - immutable
    progress: Progress = lambda step, done, total: None,
) -> Backtest:
    """Replay everything measured on a branch under the configured detection and under ``other``.

    ``since`` (a full hash) leaves out what was raised up to that commit; UnknownNameError when the branch
    lacks it, or for a detector that does not exist; RegressError for a branch without results. ``how`` says
    who does it.
    """
    stretches = store.stretches(branch, STRETCH)
    if not stretches:
        raise RegressError(f"nothing is measured on {branch} yet", hint="Run `regress run --last 30` first.")
    after = _position(store, branch, since)
    job = _Job(store.full_url, store.project, branch, (config.detection, other))
    parts: dict[int, _Part] = {}
    for number, part in how.parts(store, _replay, job, stretches):
        parts[number] = part
        progress("replay", len(parts), len(stretches))
    population = Population()
    lives = Life(config.detection), Life(other)
    for number in range(len(stretches)):  # in their order, whoever was first ready
        part = parts.pop(number)
        population.merge(part.population)
        for lived in part.lived:
            for life, one in zip(lives, lived, strict=True):
                life.add(one)
    pool(lives)
    facts = store.fact_changes(branch)
    now, then = (life.raised(population, facts, after) for life in lives)
    rows = _rows((now, then), Places(population.positions), store.events(branch))
    return Backtest(branch, population.series, population.points, rows)


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker needs to know."""

    url: str
    project: str
    branch: str
    chosen: tuple[DetectionConfig, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some series, each as it was lived under each of the settings."""

    population: Population
    lived: list[list[Lived]]


def _replay(store: Store, job: _Job, stretch: Stretch) -> _Part:
    """One stretch."""
    part = _Part(Population(), [])
    for series, _ in store.series_of(job.branch, stretch):
        part.population.add(series)
        part.lived.append(live(series, job.chosen))
    return part


def _position(store: Store, branch: str, sha: str | None) -> int:
    if sha is None:
        return -1
    found = store.located(branch, [sha]).get(sha)
    if found is None:
        raise UnknownNameError("commit", sha[:10], hint=f"The store knows none such on branch {branch!r}.")
    return found.position


def _rows(replayed: tuple[Replayed, Replayed], places: Places, events: Iterable[Event]) -> tuple[Row, ...]:
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
    replayed: tuple[Replayed, Replayed],
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
    told = [seen[identity(change)] for change in group.members]
    first = min(position for position, _ in told)
    delay = max(1, first - places.position[group.lead.first_after] + 1)
    return Raised(
        group.lead, len({change.series_id for change in group.members}), delay, any(s for _, s in told)
    )
