"""The glossary as types: what flows from ingest through store and detection to pages.

Immutable records without I/O. Times are aware datetimes in UTC; values are in the metric's own unit.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Direction(enum.StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured. ``unit`` is what is stored ("seconds", "bytes", "1"); pages scale it for reading."""

    name: str
    unit: str
    direction: Direction = Direction.LOWER


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware and operating system a result depends on; ``facts`` as the tool reported them."""

    name: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """Interpreter and dependency versions a result depends on."""

    name: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as history tells it. ``position`` counts first-parent steps from the branch's root."""

    sha: str
    parents: tuple[str, ...]
    author: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    position: int


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a diff touches, and how many lines of it; None where git counts none (a binary file)."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What makes a series one series. ``parameters`` are (name, value) pairs in the benchmark's order.

    ``version`` is asv's hash of the benchmark's code (empty elsewhere): another version, another series.
    """

    benchmark: str
    parameters: tuple[tuple[str, str], ...]
    metric: Metric
    machine: str
    environment: str
    branch: str
    version: str = ""

    @property
    def title(self) -> str:
        """How people are shown it: ``benchmark(name=value, ...)``."""
        inner = ", ".join(f"{name}={value}" for name, value in self.parameters)
        return f"{self.benchmark}({inner})" if inner else self.benchmark

    def is_called(self, name: str) -> bool:
        """Whether somebody who says ``name`` means this series: its benchmark's name, or its own title."""
        return name in (self.benchmark, self.title)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One series' result at one commit. ``low`` and ``high`` bound the centre; ``samples`` may be empty."""

    series: SeriesKey
    commit: str
    value: float
    low: float | None = None
    high: float | None = None
    samples: tuple[float, ...] = ()
    measured_at: datetime | None = None


class FailureKind(enum.StrEnum):
    """What failed: the commit's build, or one benchmark at it."""

    BUILD = "build"
    BENCHMARK = "benchmark"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that gave no number. ``benchmark`` is empty for a build; ``log`` is the end of the output."""

    kind: FailureKind
    commit: str
    log: str
    machine: str
    environment: str
    benchmark: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one result file (or one run of a tool) says: stored in one transaction, or not at all.

    ``digest`` identifies the content, so that the same delivery twice changes nothing. ``commit_times``
    says when the measured commits were made, as far as the file tells (it orders them without a repository).
    ``branch`` is the branch of all its series, whatever their keys say (empty: where they say).
    """

    source: str
    origin: str
    digest: str
    machine: Machine
    environment: Environment
    measurements: Sequence[Measurement] = ()
    failures: tuple[Failure, ...] = ()
    delivered_at: datetime | None = None
    commit_times: tuple[tuple[str, datetime], ...] = ()
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a delivery did to the store. ``unchanged`` counts what was there, or is older than what is."""

    run_id: int
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    failures: int = 0
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One delivery as the store remembers it."""

    id: int
    source: str
    origin: str
    digest: str
    machine: str
    environment: str
    delivered_at: datetime
    new: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with what it told of its machine and environment, and what is of it in the store.

    ``measured`` are hashes of commits, with how many series it brought something new of; ``failures`` are
    those that nothing has made good since.
    """

    run: Run
    facts: tuple[tuple[str, str], ...]
    measured: tuple[tuple[str, int], ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One measured commit of a series, in history's order."""

    commit: str
    position: int
    value: float
    low: float | None = None
    high: float | None = None
    samples: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """A series with its points, oldest first."""

    id: int
    key: SeriesKey
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """A series without its points: how many it has on its branch, and the newest one."""

    id: int
    key: SeriesKey
    points: int
    latest: Point | None = None
    latest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A place where a series' level shifted; ``index`` is the first point of the new level.

    ``before`` and ``after`` are the levels, ``low`` and ``high`` bound ``ratio`` = after / before,
    ``p_value`` is the chance of seeing this without a shift. ``earliest`` and ``latest`` bound ``index``:
    where else the data would put the shift almost as gladly (None: nowhere else).
    """

    index: int
    before: float
    after: float
    low: float
    high: float
    p_value: float
    earliest: int | None = None
    latest: int | None = None

    @property
    def ratio(self) -> float:
        """The level after, relative to the level before; 1.15 is 15 % more."""
        return self.after / self.before if self.before else float("inf")

    @property
    def span(self) -> tuple[int, int]:
        """The first and last point that the new level may begin with, as far as the detector tells."""
        earliest = self.index if self.earliest is None else self.earliest
        return earliest, self.index if self.latest is None else self.latest

    @property
    def slack(self) -> int:
        """Points by which the place may be off beyond its ``span``.

        One stray measurement beside the step moves a noisy series' place by one; an exact counter has none.
        """
        return 0 if self.high - self.low <= 1e-6 * abs(self.ratio) else 1


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


class TriageAct(enum.StrEnum):
    """What a person did with an event."""

    STATE = "state"
    ASSIGNED = "assigned"
    FIXED_BY = "fixed by"
    MOVED = "moved"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class TriageStep:
    """One thing that a person did with an event; ``text`` is what was said: the state, the name, the note."""

    at: datetime
    who: str
    act: TriageAct
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides about an event; None leaves a thing as it is, and "" takes a name away.

    ``fixed_by`` is a commit's hash, ``place`` the commits (last before, first after) around the change.
    """

    state: State | None = None
    assignee: str | None = None
    fixed_by: str | None = None
    place: tuple[str, str] | None = None
    note: str = ""


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


class Verdict(enum.StrEnum):
    """What a comparison of two commits says about one series."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNCLEAR = "can't tell"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One series at two commits. ``ratio`` is b / a with its interval.

    ``resolution`` is what the data can see: "same" means "same within this"; ``more_runs`` says how many
    further runs of each side would settle an unclear verdict (None when it is settled or unknowable).
    """

    series_id: int
    series: SeriesKey
    a: Measurement
    b: Measurement
    verdict: Verdict
    ratio: float
    low: float
    high: float
    resolution: float
    more_runs: int | None = None


@dataclass(frozen=True, slots=True)
class Bisection:
    """A finished search for the commit that changed a series.

    The culprit is one of ``first``..``last`` (the same, unless commits between them do not build), between
    ``good`` and ``bad``; both are empty when no change was found. ``confidence`` is the chance that it is
    right, ``ratio`` the level after relative to before with its interval, ``runs`` how often a commit was
    measured for it. ``verified`` tells whether the culprit and its parent, measured in turns, still differ.
    ``seconds``: spent measuring; None in records of before that was kept.
    """

    series: SeriesKey
    good: str
    bad: str
    first: str
    last: str
    confidence: float
    ratio: float
    low: float
    high: float
    verified: bool
    runs: int
    skipped: tuple[str, ...]
    started_at: datetime
    finished_at: datetime
    seconds: float | None = None

    @property
    def culprit(self) -> str:
        """The commit, when it is known exactly; else empty."""
        return self.first if self.first == self.last else ""


@dataclass(frozen=True, slots=True)
class BisectionStep:
    """A measurement of a search, in ``seconds``; no ``value`` where a commit gave no number."""

    commit: str
    value: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class BisectionPlan:
    """What a search was asked; ``good``..``bad`` are hashes, ``budget`` the most runs it may take."""

    series: SeriesKey
    good: str
    bad: str
    confidence: float
    budget: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class BegunBisection:
    """A search that was begun and not finished, with what it has measured so far, in order."""

    id: int
    plan: BisectionPlan
    steps: tuple[BisectionStep, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """Of ``tried`` slowdowns of one size, how many were found; after how many commits (the median)."""

    size: float
    tried: int
    found: int
    delay: float | None


@dataclass(frozen=True, slots=True)
class MachineTest:
    """What a self-test says of the series of one machine: false alarms among points, power by size."""

    machine: str
    series: int
    points: int
    false_alarms: int
    powers: tuple[Power, ...]

    @property
    def rate(self) -> float:
        """False alarms per 1,000 points."""
        return 1000 * self.false_alarms / self.points if self.points else 0.0


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How the detection of a branch did on a copy of its own history, with slowdowns of known size put in."""

    branch: str
    detector: str
    false_alarms: float
    seed: int
    recorded_at: datetime
    machines: tuple[MachineTest, ...]


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
class Examination:
    """What the detector said of one edition of a series: its changes, and its drift beyond the budget.

    ``noise`` is its own relative spread between commits; None while its history is short.
    """

    series_id: int
    edition: int
    changes: tuple[ChangePoint, ...]
    entry: LedgerEntry | None
    noise: float | None = None


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


JSON = dict[str, Any]
"""A JSON object, where its shape is the other side's business."""


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """How a commit stands: measured series, and what failed at it."""

    commit: Commit
    measured: int = 0
    failures: tuple[Failure, ...] = field(default_factory=tuple)


class Role(enum.StrEnum):
    """What somebody may do on the dashboard, each with all that those before it may."""

    VIEWER = "viewer"  # read
    TRIAGER = "triager"  # say what a change is, and note it
    MAINTAINER = "maintainer"  # start what costs machine time
    ADMIN = "admin"  # see who did what

    def may(self, needed: Role) -> bool:
        """Whether this role is enough where ``needed`` is."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did, for the audit log.

    ``how`` tells how we know who it was ("password", "token", "command line", ...), ``target`` what it was
    done to ("event 7"), ``address`` from where; ``refused`` is true for what was not let through.
    """

    who: str
    how: str
    action: str
    target: str = ""
    detail: str = ""
    address: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A deed as the log remembers it."""

    id: int
    at: datetime
    deed: Deed


class Scope(enum.StrEnum):
    """What a token lets its holder do."""

    PUSH = "push"  # deliver results
    READ = "read"  # read pages and the JSON API, where that takes a log-in


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's key to one project. Its secret is shown once, when it is made; a digest is kept."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    made_at: datetime
    made_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it opens anything at a time: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
