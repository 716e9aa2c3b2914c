"""The searches for culprits: all of them, and one with what it measured and what it knows."""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from regress.domain import BisectionState, BisectionStep, Commit, Event
from regress.store import Store

PAGE_SIZE = 100
"""Searches on one page."""

LIKELIEST = 8
"""Commits that are named, the likeliest first."""

LEAST_CHANCE = 0.005
"""Of a commit that is worth naming."""


class Status(enum.StrEnum):
    """How a search stands."""

    MEASURING = "measuring"
    WAITING = "waiting"  # the server was asked for it
    FAILED = "failed"
    CUT_OFF = "cut off"  # by Ctrl-C, a crash, or whoever took it back
    FOUND = "found"
    NOTHING = "nothing found"


@dataclass(frozen=True, slots=True)
class BisectionRow:
    """A search and how it stands."""

    state: BisectionState
    status: Status


@dataclass(frozen=True, slots=True)
class BisectionsPage:
    """Some of ``total`` searches, newest first."""

    rows: tuple[BisectionRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """A commit of the range, with the chance that it is the culprit (0 for the good end).

    ``measured`` are the values that the search measured there, ``known`` what was known of it before;
    ``unbuilt`` where it gave no number. ``subject`` and ``author`` are empty where the store knows none.
    """

    sha: str
    chance: float
    measured: tuple[float, ...] = ()
    known: tuple[float, ...] = ()
    unbuilt: bool = False
    subject: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class BisectionPage:
    """``suspects`` are the range in history's order, the good end first; ``likeliest`` some of them.

    ``who`` is the process that is at it. ``series_id`` is None where its series is not stored any more;
    ``event`` is the change that it is about, where there is one.
    """

    state: BisectionState
    status: Status
    who: str
    series_id: int | None
    event: Event | None
    suspects: tuple[Suspect, ...]
    steps: tuple[BisectionStep, ...]

    @property
    def likeliest(self) -> list[Suspect]:
        """The commits worth naming, the likeliest first."""
        told = [one for one in self.suspects if one.chance >= LEAST_CHANCE]
        return sorted(told, key=lambda one: -one.chance)[:LIKELIEST]

    def between(self, first: str, last: str) -> list[Suspect]:
        """The commits of which one is the culprit, by its ends; empty where the store does not know them."""
        places = [place for place, one in enumerate(self.suspects) if one.sha in (first, last)]
        return list(self.suspects[min(places) : max(places) + 1]) if places else []

    @property
    def left(self) -> float | None:
        """How many runs are still expected; None where nobody knows."""
        return None if self.state.expected is None else max(self.state.expected - self.state.runs, 0.0)

    @property
    def each(self) -> float | None:
        """Seconds of a run so far, builds included; None before the first."""
        return self.state.seconds / self.state.runs if self.state.runs else None


def status(state: BisectionState, now: int) -> Status:
    """How a search stands; ``now`` is the one that goes on (0: none)."""
    if state.found is not None:
        return Status.FOUND if state.found.first else Status.NOTHING
    if state.id == now:
        return Status.MEASURING
    if state.wanted:
        return Status.WAITING
    return Status.FAILED if state.fault else Status.CUT_OFF


def bisections_page(store: Store, *, first: int = 0, limit: int = PAGE_SIZE) -> BisectionsPage:
    """The searches from ``first`` on."""
    now, _ = store.searches.now()
    rows = tuple(BisectionRow(one, status(one, now)) for one in store.searches.newest(limit, first=first))
    return BisectionsPage(rows, store.searches.count())


def bisection_page(store: Store, number: int) -> BisectionPage:
    """One search by number; UnknownNameError (kind "bisection") when there is none."""
    now, who = store.searches.now()
    state = store.searches.one(number)
    steps = store.searches.steps(number)
    commits = commits_of(store, state)
    series_id = series_of(store, state)
    suspects = tuple(_suspects(store, state, steps, commits, series_id))
    standing = status(state, now)
    return BisectionPage(
        state=state,
        status=standing,
        who=who if standing is Status.MEASURING else "",
        series_id=series_id,
        event=_event(store, state, series_id, {one.sha for one in suspects[1:]}),
        suspects=suspects,
        steps=steps,
    )


def commits_of(store: Store, state: BisectionState) -> list[Commit]:
    """The range as the store knows it, the good end first; empty where it does not know both ends."""
    plan = state.plan
    ends = store.located(plan.series.branch, (plan.good, plan.bad))
    if len(ends) < 2:
        return []
    return store.commits(plan.series.branch, span=(ends[plan.good].position, ends[plan.bad].position))


def series_of(store: Store, state: BisectionState) -> int | None:
    """The id of what it searches by; None when it is not stored any more."""
    key = state.plan.series
    found = store.series_list(key.branch, key.benchmark, key.machine)
    return next((one.id for one in found if one.key == key), None)


def _suspects(
    store: Store,
    state: BisectionState,
    steps: Sequence[BisectionStep],
    commits: Sequence[Commit],
    series_id: int | None,
) -> Iterable[Suspect]:
    chances = dict(state.posterior.chances) if state.posterior else {}
    measured: defaultdict[str, list[float]] = defaultdict(list)
    for step in steps:
        if step.value is not None:
            measured[step.commit].append(step.value)
    unbuilt = {step.commit for step in steps} - measured.keys()
    if state.found:
        unbuilt |= set(state.found.skipped)
    known: dict[int, float] = {}
    if commits and series_id is not None:
        known = dict(store.line(series_id, commits[0].position, commits[-1].position))
    told = {commit.sha: commit for commit in commits}
    for sha in told or dict.fromkeys((state.plan.good, *chances)):
        commit = told.get(sha)
        value = known.get(commit.position) if commit else None
        yield Suspect(
            sha=sha,
            chance=chances.get(sha, 0.0),
            measured=tuple(measured.get(sha, ())),
            known=() if value is None or not math.isfinite(value) else (value,),
            unbuilt=sha in unbuilt,
            subject=commit.subject if commit else "",
            author=commit.author if commit else "",
        )


def _event(store: Store, state: BisectionState, series_id: int | None, shas: set[str]) -> Event | None:
    """The latest change of its series that lies in its range."""
    if series_id is None:
        return None
    events = store.events(state.plan.series.branch, series_id=series_id, parts="worst")
    return next((event for event in events if event.first_after in shas), None)
