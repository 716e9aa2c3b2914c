"""Searches for the commit that changed a series: asked, under way, finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from regress.domain.results import SeriesKey


@dataclass(frozen=True, slots=True)
class Culprit:
    """A further commit that changed the series: one of ``first``..``last``; the rest as in ``Bisection``."""

    first: str
    last: str
    confidence: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rest:
    """What culprits leave of the change between both ends, as a ratio with its 95 % interval."""

    ratio: float
    low: float
    high: float

    @property
    def explained(self) -> bool:
        """Whether chance (or rounding, of exact counters) may be all of it."""
        return self.low - 1e-6 <= 1.0 <= self.high + 1e-6


@dataclass(frozen=True, slots=True)
class Suspicion:
    """How likely a commit was thought before anything was measured: 1, or less where it touches nothing that
    the benchmark is seen to run; ``files`` are those that it does run.
    """

    weight: float
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Affected:
    """A series that was measured with a search's own: the level after the culprit relative to before."""

    series: SeriesKey
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bisection:
    """A finished search for the commit that changed a series.

    The culprit is one of ``first``..``last`` (the same, unless commits between them do not build), between
    ``good`` and ``bad``; both are empty when no change was found. ``confidence`` is the chance that it is
    right, ``ratio`` the level after relative to before with its interval, ``runs`` how often a commit was
    measured for it. ``verified`` tells whether the culprit and its parent, measured in turns, still differ.
    ``seconds``: spent measuring; None in records of before that was kept. ``further`` culprits were found in
    what the first left of the change; ``rest`` is what all leave of it, None where nobody measured both ends.
    ``suspicion`` is what the first was thought before, None where nothing told commits apart; ``others`` how
    it changed what was measured with the series.
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
    further: tuple[Culprit, ...] = ()
    rest: Rest | None = None
    suspicion: Suspicion | None = None
    others: tuple[Affected, ...] = ()

    @property
    def culprit(self) -> str:
        """The commit, when it is known exactly; else empty."""
        return self.first if self.first == self.last else ""


@dataclass(frozen=True, slots=True)
class BisectionStep:
    """A measurement of a search, in ``seconds``; no ``value`` where a commit gave no number.

    ``others`` are those of the plan's ``others``, in their order.
    """

    commit: str
    value: float | None
    seconds: float
    others: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class BisectionPlan:
    """What a search was asked; ``good``..``bad`` are hashes, ``budget`` the most runs it may take.

    ``sign``: 1 or -1 for a series known to have gone up or down, else 0; ``others``: series that are measured
    with it and changed alike.
    """

    series: SeriesKey
    good: str
    bad: str
    confidence: float
    budget: int
    started_at: datetime
    sign: int = 0
    others: tuple[SeriesKey, ...] = ()


@dataclass(frozen=True, slots=True)
class BegunBisection:
    """A search that was begun and not finished, with what it has measured so far, in order."""

    id: int
    plan: BisectionPlan
    steps: tuple[BisectionStep, ...]


@dataclass(frozen=True, slots=True)
class Posterior:
    """What a search knew after its newest measurement: how likely each commit is the culprit.

    ``chances`` are those of its likeliest commits, in history's order; ``none`` that nothing changed.
    ``size``: of the change, the ratio of after to before with its 95 % interval; None where it is not known.
    """

    chances: tuple[tuple[str, float], ...]
    none: float
    size: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class BisectionState:
    """A search as it stands: ``found`` is what it came to, None while it is not finished.

    ``runs`` measurements took ``seconds``. ``expected`` is how many such searches take on average, None where
    nothing told. ``asked_by``: who wanted a server to do it, ``wanted`` while one should, and ``fault`` why
    it could not.
    """

    id: int
    plan: BisectionPlan
    runs: int
    seconds: float
    found: Bisection | None = None
    posterior: Posterior | None = None
    expected: float | None = None
    asked_by: str = ""
    wanted: bool = False
    fault: str = ""
