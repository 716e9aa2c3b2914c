"""What a search came to, as it is stored: culprits with their sizes, and what they leave of the change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from regress.bisect.search import Answer, Search
from regress.bisect.verify import Check, check
from regress.domain import Affected, Bisection, BisectionPlan, BisectionStep, Commit, Culprit, Rest, Suspicion
from regress.service.bisect_history import Known

TOLD = 5
"""Files of a culprit that are named."""

ENOUGH = 2
"""Values of either end from which on the whole change is known."""


def answered(
    plan: BisectionPlan,
    commits: Sequence[Commit],
    search: Search,
    known: Sequence[Known],
    steps: Sequence[BisectionStep],
    suspects: Sequence[Suspicion],
) -> Bisection:
    """The record of a search that is over; ``known``: what was known before it, as were ``suspects``, a
    suspicion for each commit, or none.
    """
    ends = _ends(commits, known, steps)
    sizes = [_size(search, one, ends) for one in search.found]
    culprits = [
        Culprit(
            commits[one.first].sha, commits[one.last].sha, one.confidence, size.ratio, size.low, size.high
        )
        for one, size in zip(search.found, sizes, strict=True)
    ]
    nobody = Culprit("", "", search.answer().confidence, 1.0, 1.0, 1.0)
    first = culprits[0] if culprits else nobody
    return Bisection(
        series=plan.series,
        good=plan.good,
        bad=plan.bad,
        first=first.first,
        last=first.last,
        confidence=first.confidence,
        ratio=first.ratio,
        low=first.low,
        high=first.high,
        verified=bool(culprits) and all(one.verified for one in search.found),
        runs=len(steps),
        skipped=tuple(commits[index].sha for index in search.skipped),
        started_at=plan.started_at,
        finished_at=datetime.now(UTC),
        seconds=sum(step.seconds for step in steps),
        further=tuple(culprits[1:]),
        rest=rest(ends, sizes) if culprits else None,
        others=_affected(plan, search) if culprits else (),
        suspicion=_suspicion(suspects, search.found[0]) if culprits and suspects else None,
    )


def _size(search: Search, one: Answer, ends: tuple[Sequence[float], Sequence[float]]) -> Check:
    """How far culprit and parent lie apart; both ends, where one of the two gave only companions a number."""
    sides = search.sides(one)
    told = sides if all(sides) else ends
    return check(*told) if all(told) else Check(1.0, 1.0, 1.0)


def _affected(plan: BisectionPlan, search: Search) -> tuple[Affected, ...]:
    """How the first culprit changed the series that were measured with the search's own."""
    sides = [search.sides(search.found[0], number) for number in range(1, 1 + len(plan.others))]
    sizes = [(key, check(*two)) for key, two in zip(plan.others, sides, strict=True) if min(map(len, two))]
    return tuple(Affected(key, size.ratio, size.low, size.high) for key, size in sizes)


def _suspicion(suspects: Sequence[Suspicion], found: Answer) -> Suspicion:
    """What the commits of an answer were thought: the most of any."""
    each = suspects[found.first : found.last + 1]
    files = dict.fromkeys(path for one in each for path in one.files)
    return Suspicion(max(one.weight for one in each), tuple(files)[:TOLD])


def rest(ends: tuple[Sequence[float], Sequence[float]], found: Sequence[Check]) -> Rest | None:
    """What is left of the change from the first of ``ends`` to the second once ``found`` is taken out of it.

    None where too few values tell the ends, or a ratio has no logarithm.
    """
    if min(map(len, ends)) < ENOUGH:
        return None
    whole = check(*ends)
    if min(whole.low, *(one.low for one in found)) <= 0:
        return None
    left = math.log(whole.ratio) - sum(math.log(one.ratio) for one in found)
    wide = math.hypot(*(math.log(one.high / one.low) / 2 for one in (whole, *found)))
    return Rest(math.exp(left), math.exp(left - wide), math.exp(left + wide))


def _ends(
    commits: Sequence[Commit], known: Sequence[Known], steps: Sequence[BisectionStep]
) -> tuple[list[float], list[float]]:
    """The values of both ends: today's, where there are enough; else those of before."""
    ends = (commits[0].sha, commits[-1].sha)
    today = tuple([s.value for s in steps if s.commit == end and s.value is not None] for end in ends)
    if min(map(len, today)) >= ENOUGH:
        return today[0], today[1]
    old, new = ([one.value for one in known if one.place == place] for place in (0, len(commits) - 1))
    return old, new
