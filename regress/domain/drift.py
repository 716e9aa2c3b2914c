"""Slow drift: steps too small to be told, that add up; and what the detector said of one series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from regress.domain.results import SeriesKey
from regress.domain.series import ChangePoint


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """A place at which a drifting series moved by a little; ``size`` is relative, 0.01 is 1 % more.

    It may be anywhere from ``earliest`` to ``latest``.
    """

    last_before: str
    first_after: str
    size: float
    earliest: str
    latest: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A series that drifted beyond the budget between two commits, in steps too small to be told.

    ``total`` with its interval is what the told changes leave over; ``steps`` and ``rest`` add up to it.
    """

    series_id: int
    series: SeriesKey
    first: str
    last: str
    total: float
    low: float
    high: float
    steps: tuple[LedgerStep, ...]
    rest: float


@dataclass(frozen=True, slots=True)
class LedgerCommit:
    """Small steps of several series that may be one commit's: how many, their mean size (more is worse)."""

    last_before: str
    first_after: str
    series: int
    size: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """The slow drift of a branch, the worst first: series that got worse by more than ``budget``.

    ``commits`` are those that their small steps may be at, those of most series and largest steps first.
    """

    branch: str
    budget: float
    recorded_at: datetime
    entries: tuple[LedgerEntry, ...]
    commits: tuple[LedgerCommit, ...] = ()


@dataclass(frozen=True, slots=True)
class Examination:
    """What the detector said of one edition of a series: its changes, and its drift beyond the budget.

    ``noise`` is its own relative spread between commits; None while its history is short.
    """

    series_id: int
    edition: int
    changes: tuple[ChangePoint, ...]
    entry: LedgerEntry | None
    noise: float | None = None
