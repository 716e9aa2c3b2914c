"""What a search for an event's culprit would cost on this machine, and the asking for it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from regress.bisect import BUDGET, CONFIDENCE
from regress.domain import BisectionPlan, Commit, Event
from regress.errors import RegressError
from regress.service.bisect_company import companions
from regress.service.bisect_price import Price, price_of
from regress.service.bisect_target import target_of
from regress.service.sight import seconds_of
from regress.store import Store


@dataclass(frozen=True, slots=True)
class Quote:
    """``commits`` from the good one on are searched by ``plan``'s series; ``seconds`` is what a run took.

    ``price`` is None where too little is known of both sides. ``going`` is the number of a search for the
    same that is not finished, or 0.
    """

    event: Event
    plan: BisectionPlan
    series_id: int
    commits: tuple[Commit, ...]
    price: Price | None
    seconds: float | None
    going: int


def quote(store: Store, event_id: int, machines: Collection[str]) -> Quote:
    """The price of searching an event's culprit by its largest change on one of ``machines``.

    RegressError where none was measured there, or the store knows no commit between both sides.
    """
    event = store.event(event_id)
    parts = [part for part in event.changes if part.series.machine in machines]
    if not parts:
        elsewhere = ", ".join(sorted({part.series.machine for part in event.changes}))
        raise RegressError(f"it was measured on {elsewhere}, not here", hint="Run `regress bisect` there.")
    part = max(parts, key=lambda part: abs(part.change.ratio - 1))
    target = target_of(store, part)
    key = target.series.key
    ends = store.located(key.branch, (target.good, target.bad))
    span = tuple(ends[sha].position for sha in (target.good, target.bad) if sha in ends)
    commits = tuple(store.commits(key.branch, span=(span[0], span[1]))) if len(span) == 2 else ()
    if len(commits) < 2:
        raise RegressError("the store does not know the commits between both sides")
    sign = 1 if part.change.ratio > 1 else -1
    now, others = datetime.now(UTC), companions(store, target.series, target.good, target.bad)
    plan = BisectionPlan(key, target.good, target.bad, CONFIDENCE, BUDGET, now, sign, others)
    return Quote(
        event=event,
        plan=plan,
        series_id=target.series.id,
        commits=commits,
        price=price_of(target.series, commits, plan),
        seconds=seconds_of(store, target.series.id),
        going=next(iter(store.begun_bisections.like(plan)), 0),
    )


def ask(store: Store, told: Quote, who: str) -> int:
    """Ask the server for the search, or for the one that was begun for the same to go on; its number."""
    return store.searches.ask(told.plan, who, told.price.runs if told.price else None)
