"""Regressions and improvements: change points grouped, with what made them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from regress.domain.results import Direction, SeriesKey
from regress.domain.series import ChangePoint


class EventKind(enum.StrEnum):
    """Whether a change made things worse or better, by the metric's direction."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"


class State(enum.StrEnum):
    """The life-cycle of a regression or improvement."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    EXPECTED = "expected"
    FIXED = "fixed"
    INVALID = "invalid"
    WENT_AWAY = "went away"


class Cause(enum.StrEnum):
    """What made a change: the code, the machine as a whole, or what lies below the code."""

    CODE = "code"
    MACHINE = "bad run"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class FactChange:
    """Where what runs told of a machine and environment changed: (name, before, after) each."""

    machine: str
    environment: str
    last_before: str
    first_after: str
    differences: tuple[tuple[str, str, str], ...]

    @property
    def said(self) -> str:
        """How people are told: "cpu: A -> B"."""
        return "; ".join(
            f"{name}: {old or 'unknown'} -> {new or 'unknown'}" for name, old, new in self.differences
        )


BACK = "back at the level before"
"""How the note of an event begins that went away because its level came back: it was real while it lasted."""


OPEN_STATES = frozenset({State.NEW, State.ACKNOWLEDGED, State.INVESTIGATING})
"""States of an event that nobody has explained or ended: what vanishes from one of them "went away"."""


@dataclass(frozen=True, slots=True)
class SeriesChange:
    """One series' part in an event: its change point, located in history.

    ``earliest`` and ``latest`` are the commits that bound ``first_after`` (empty: only that one);
    ``note`` says what speaks for a ``cause`` other than the code, or what the change takes back.
    ``gone`` says that it is over; only analysis tells, the store keeps it as its event's note.
    """

    series_id: int
    series: SeriesKey
    last_before: str
    first_after: str
    change: ChangePoint
    earliest: str = ""
    latest: str = ""
    cause: Cause = Cause.CODE
    note: str = ""
    gone: str = ""

    @property
    def kind(self) -> EventKind:
        """Worse or better, by the metric's direction."""
        worse = (self.change.after > self.change.before) == (self.series.metric.direction is Direction.LOWER)
        return EventKind.REGRESSION if worse else EventKind.IMPROVEMENT


@dataclass(frozen=True, slots=True)
class Event:
    """Change points of one commit range, grouped: a regression or an improvement with its life-cycle.

    ``moved`` says that a person placed it between ``last_before`` and ``first_after``, not the analysis.
    ``others`` counts the changes that whoever read it did not ask for (``Store.events``).
    """

    id: int
    kind: EventKind
    last_before: str
    first_after: str
    state: State
    changes: tuple[SeriesChange, ...]
    first_seen: datetime
    cause: Cause = Cause.CODE
    note: str = ""
    assignee: str = ""
    fixed_by: str = ""
    moved: bool = False
    others: int = 0

    @property
    def size(self) -> int:
        """How many changes it has."""
        return len(self.changes) + self.others

    @property
    def is_open(self) -> bool:
        """Whether nobody has explained or ended it."""
        return self.state in OPEN_STATES

    @property
    def has_levels(self) -> bool:
        """Whether its series have other levels before and after it: it is found, and nobody denied it."""
        return self.state is not State.INVALID and (
            self.state is not State.WENT_AWAY or self.note.startswith(BACK)
        )

    @property
    def worst(self) -> SeriesChange:
        """The change with the largest relative size."""
        return max(self.changes, key=lambda c: abs(c.change.ratio - 1))


@dataclass(frozen=True, slots=True)
class EventUpdate:
    """What a re-analysis did to the events of a branch: ids of the new, the remaining and the vanished.

    ``brief`` are those that are new to the store and were over before anybody could see them.
    """

    new: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()
    went_away: tuple[int, ...] = ()
    brief: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenChange:
    """A series' part in an open event, as lists show it; ``ratio`` is the level after, relative to before."""

    event_id: int
    kind: EventKind
    first_after: str
    ratio: float
