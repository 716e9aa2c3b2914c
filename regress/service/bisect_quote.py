"""What a search for an event's culprit would cost on this machine, and the asking for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from regress.bisect import BUDGET, CONFIDENCE
from regress.domain import BisectionPlan, Commit, Event, SeriesChange
from regress.errors import RegressError, UnknownNameError
from regress.service.bisect_company import MOST, companions
from regress.service.bisect_price import Price, price_of
from regress.service.bisect_target import target_of
from regress.service.sight import seconds_of
from regress.store import Store

OFFERED = 12
"""Series of an event that are offered to be measured, the largest changes first."""


@dataclass(frozen=True, slots=True)
class Quote:
    """``commits`` from the good one on are searched by ``plan``'s series; ``seconds`` is what a run took.

    ``price`` is None where too little is known of both sides. ``going`` is the number of a search for the
    same that is not finished, or 0. ``offered`` are the event's changes that can be measured together with
    the plan's series, and ``taken`` the ids of the series that are.
    """

    event: Event
    plan: BisectionPlan
    series_id: int
    commits: tuple[Commit, ...]
    price: Price | None
    seconds: float | None
    going: int
    offered: tuple[SeriesChange, ...]
    taken: frozenset[int]


def quote(store: Store, event_id: int, machines: Collection[str], series: Collection[int] = ()) -> Quote:
    """The price of searching an event's culprit by its largest change on one of ``machines``, and by what
    changed alike; or by the ``series`` of these ids.

    RegressError where none was measured there, these cannot be measured together, or the store knows no
    commit between both sides; UnknownNameError for a series that is no part of the event there.
    """
    event = store.event(event_id)
    parts = [part for part in event.changes if part.series.machine in machines]
    if not parts:
        elsewhere = ", ".join(sorted({part.series.machine for part in event.changes}))
        raise RegressError(f"it was measured on {elsewhere}, not here", hint="Run `regress bisect` there.")
    parts.sort(key=lambda part: -abs(part.change.ratio - 1))
    chosen = _chosen(parts, series)
    part = chosen[0]
    target = target_of(store, part)
    key = target.series.key
    ends = store.located(key.branch, (target.good, target.bad))
    span = tuple(ends[sha].position for sha in (target.good, target.bad) if sha in ends)
    commits = tuple(store.commits(key.branch, span=(span[0], span[1]))) if len(span) == 2 else ()
    if len(commits) < 2:
        raise RegressError("the store does not know the commits between both sides")
    sign = 1 if part.change.ratio > 1 else -1
    others = tuple(one.series for one in chosen[1:])
    if not series:
        others = companions(store, target.series, target.good, target.bad)
    plan = BisectionPlan(key, target.good, target.bad, CONFIDENCE, BUDGET, datetime.now(UTC), sign, others)
    taken = [one for one in parts if one.series in (key, *others)]
    beside = [one for one in parts if _where(one) == _where(part) and one not in taken]
    return Quote(
        event=event,
        plan=plan,
        series_id=target.series.id,
        commits=commits,
        price=price_of(target.series, commits, plan),
        seconds=seconds_of(store, target.series.id),
        going=next(iter(store.begun_bisections.like(plan)), 0),
        offered=(*taken, *beside[: max(0, OFFERED - len(taken))]),
        taken=frozenset(one.series_id for one in taken),
    )


def _chosen(parts: Sequence[SeriesChange], series: Collection[int]) -> list[SeriesChange]:
    """The changes of these series in order, the first of all where none is named."""
    if not series:
        return [parts[0]]
    unknown = sorted(set(series) - {part.series_id for part in parts})
    if unknown:
        raise UnknownNameError("series", str(unknown[0]), [str(part.series_id) for part in parts[:OFFERED]])
    chosen = [part for part in parts if part.series_id in series]
    if len(chosen) > 1 + MOST:
        raise RegressError(f"one search measures {1 + MOST} series at most, not {len(chosen)}")
    if len({_where(part) for part in chosen}) > 1:
        what = "these were measured on several machines or in several environments"
        raise RegressError(what, hint="One search measures on one machine, in one environment.")
    return chosen


def _where(part: SeriesChange) -> tuple[str, str]:
    return part.series.machine, part.series.environment


def ask(store: Store, told: Quote, who: str) -> int:
    """Ask the server for the search, or for the one that was begun for the same to go on; its number."""
    return store.searches.ask(told.plan, who, told.price.runs if told.price else None)
