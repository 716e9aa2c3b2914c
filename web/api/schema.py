"""The API's shapes: explicit models, so that what scripts rely on changes only here and on purpose."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from regress.domain import Cause, EventKind, FailureKind, State, Verdict


class Model(BaseModel):
    """Base: read from records, frozen."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A number; null where it is unknown or not finite (JSON has neither infinity nor NaN)."""

T = TypeVar("T")


class Page(Model, Generic[T]):
    """Items ``offset`` to ``offset + limit`` of ``total``."""

    total: int
    offset: int
    limit: int
    items: list[T]


class Problem(Model):
    """Any error."""

    error: str = Field(description="What was wrong, in one line.")
    hint: str = Field(description="What to do, or empty.")
    near: list[str] = Field(description="Existing names close to an unknown one.")


class Metric(Model):
    """What is measured; ``unit`` is the one values are in."""

    name: str
    unit: str
    direction: str = Field(description="Which way is better: `lower` or `higher`.")


class Key(Model):
    """What makes a series one series."""

    title: str
    benchmark: str
    parameters: list[tuple[str, str]]
    metric: Metric
    machine: str
    environment: str
    branch: str
    version: str


class Commit(Model):
    """A commit; ``position`` counts along the branch's first-parent history."""

    sha: str
    parents: list[str]
    author: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    position: int


class Latest(Model):
    """The newest point of a series."""

    commit: str
    position: int
    value: Number
    low: Number
    high: Number


class SeriesItem(Model):
    """A series in a list; ``points`` is how many it has."""

    id: int
    key: Key
    points: int
    latest: Latest | None
    latest_at: datetime | None


class Point(Model):
    """One measured commit of a series."""

    position: int
    commit: str
    value: Number
    low: Number
    high: Number
    subject: str
    author: str
    committed_at: datetime


class Points(Model):
    """Points in history's order; ``decimated`` says that some of the ``total`` in range were left out."""

    series_id: int
    total: int
    decimated: bool
    points: list[Point]


class Change(Model):
    """A shift of one series' level; ``low`` and ``high`` bound ``ratio`` = after / before."""

    series_id: int
    key: Key
    last_before: str
    first_after: str
    before: Number
    after: Number
    ratio: Number
    low: Number
    high: Number
    p_value: Number


class Event(Model):
    """A regression or improvement: changes of one commit range, largest first."""

    id: int
    kind: EventKind
    state: State
    cause: Cause = Field(description="What made it: the code, or not.")
    note: str = Field(description="What speaks for a cause other than the code.")
    last_before: str
    first_after: str
    first_seen: datetime
    assignee: str = Field(description="Who looks after it; empty: nobody.")
    fixed_by: str = Field(description="The commit that fixes it, when somebody said so.")
    moved: bool = Field(description="Whether a person placed it where it is.")
    changes: list[Change]


class Failure(Model):
    """Something that gave no number; ``log`` is the end of its output."""

    kind: FailureKind
    commit: str
    benchmark: str
    parameters: list[tuple[str, str]]
    machine: str
    environment: str
    log: str


class Sight(Model):
    """What a series can see, from its own history; sizes are relative (0.02 is 2 %)."""

    points: int
    mode: str = Field(description="`steady`, `bimodal`, `drifting` or `quantised`.")
    noise: Number = Field(description="Sigma between commits on one level.")
    smallest: Number = Field(description="The change that is flagged nine times in ten within 12 commits.")
    minimum_effect: float = Field(description="Changes below this are not reported, seen or not.")
    target: Number = Field(description="A smaller change that more measurements would show.")
    more: int | None = Field(description="How many; null when no number would.")
    seconds: Number = Field(description="What they take; null when unknown.")


class SeriesDetail(Model):
    """A series without its points (those are at ``/series/{id}/points``)."""

    id: int
    key: Key
    points: int
    changes: list[Change]
    failures: list[Failure]
    sees: Sight | None = Field(description="Null while the history is too short to tell.")


class CommitStatus(Model):
    """How a commit stands: number of series measured, what failed."""

    commit: Commit
    measured: int
    failures: list[Failure]


class Compared(Model):
    """One series at two commits; ``ratio`` is b / a."""

    series_id: int
    key: Key
    a: Number
    b: Number
    verdict: Verdict
    ratio: Number
    low: Number
    high: Number
    resolution: Number = Field(description='What the data can see: "same" means same within it.')
    more_runs: int | None = Field(
        description="Further runs of each side that would settle an unclear verdict."
    )


class Measured(Model):
    """A series' value at a commit, and the comparison with the commit before when that has it."""

    series_id: int
    key: Key
    value: Number
    low: Number
    high: Number
    comparison: Compared | None


class CommitDetail(Model):
    """Everything about a commit; `base` is what it is compared with, `counts` are of all its series."""

    commit: Commit
    branch: str | None
    base: Commit | None
    series: int = Field(description="How many were measured here; `measured` are some of them.")
    counts: dict[Verdict, int]
    measured: list[Measured]
    failures: list[Failure]
    events: list[Event]


class GeometricMean(Model):
    """The mean ratio of all series of one metric (and machine, environment or suite: `name`)."""

    metric: Metric
    name: str
    series: int
    ratio: Number


class CompareResult(Model):
    """A comparison; `counts` and `means` are over all series, `rows` some of those that `passed`."""

    a: Commit
    b: Commit
    counts: dict[Verdict, int]
    means: list[GeometricMean]
    passed: int
    rows: list[Compared]


class Stale(Model):
    """A series that missed the newest ``behind`` commits."""

    series: SeriesItem
    behind: int


class Power(Model):
    """Of ``tried`` slowdowns of one size, how many were found, after how many commits (median)."""

    size: float
    tried: int
    found: int
    delay: Number


class MachineTest(Model):
    """A self-test on the series of one machine."""

    machine: str
    series: int
    points: int
    false_alarms: int
    rate: float = Field(description="False alarms per 1,000 points.")
    powers: list[Power]


class SelfTest(Model):
    """How detection did on a copy of the branch's own history, with known slowdowns put in."""

    detector: str
    recorded_at: datetime
    machines: list[MachineTest]


class LedgerStep(Model):
    """A place at which a drifting series moved by a little; `size` is relative."""

    last_before: str
    first_after: str
    size: float
    earliest: str
    latest: str


class LedgerEntry(Model):
    """A series that got worse in small steps; `steps` and `rest` add up to `total`, as logarithms do."""

    series_id: int
    series: Key
    first: str
    last: str
    total: float
    low: float
    high: float
    steps: list[LedgerStep]
    rest: float


class LedgerCommit(Model):
    """Where small steps of several series are: how many, and their mean size (more is worse)."""

    last_before: str
    first_after: str
    series: int
    size: float


class Ledger(Model):
    """Slow drift of a branch: series that got worse by more than `budget`."""

    branch: str
    budget: float
    recorded_at: datetime
    entries: list[LedgerEntry]
    commits: list[LedgerCommit]


class Drift(Model):
    """The ledger of slow drift of a branch."""

    branch: str | None
    ledger: Ledger | None


class Overview(Model):
    """The state of a branch."""

    branch: str | None
    branches: list[str]
    series: int
    commit: Commit | None
    last_data: datetime | None
    open_regressions: int
    failed: int = Field(description="How many gave no number at the newest commits that were tried.")
    regressions: list[Event]
    improvements: list[Event]
    failures: list[Failure] = Field(description="The first of these, with the ends of their logs.")
    stale: list[Stale]
    self_test: SelfTest | None


class SearchResult(Model):
    """What goes by a name; ``near`` has close benchmark names when no series matched."""

    series: list[SeriesItem]
    commits: list[Commit]
    near: list[str]


class Health(Model):
    """The server and its store answer."""

    status: str
    series: int
    last_data: datetime | None


class Received(Model):
    """What a delivery did: ``unplaced`` are measured commits that no history has put on the branch."""

    run: int
    new: int
    updated: int
    unchanged: int
    failures: int
    duplicate: bool
    unplaced: list[str]
