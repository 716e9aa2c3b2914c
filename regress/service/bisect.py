"""``regress bisect``: find the commit that changed a series, by measuring as few commits as the noise allows.

What was measured before is free evidence, as are the series' points on both sides of the range. The search
itself is ``regress.bisect``; here it gets a series, commits, and a runner that measures only that benchmark.
The culprit is then measured in turns with its parent, from scratch, before anybody is told its name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from regress.bisect import BUDGET, CONFIDENCE
from regress.domain import BegunBisection, Bisection, BisectionPlan, Commit, Direction, Series
from regress.errors import RegressError, UnknownNameError
from regress.runner.events import Listener, Note, ignore
from regress.service.alone import alone
from regress.service.bisect_company import companions
from regress.service.bisect_measure import measurer
from regress.service.bisect_price import price_of, refuse, told_price
from regress.service.bisect_session import Session
from regress.service.bisect_suspects import suspicions, told_suspicions
from regress.service.bisect_target import find_target, measure_ends
from regress.service.project import Project
from regress.service.run import record_history
from regress.service.run_distributed import Where
from regress.store import Store


def bisect(
    project: Project,
    store: Store,
    *,
    benchmark: str = "",
    good: str = "",
    bad: str = "",
    confidence: float = CONFIDENCE,
    budget: int = BUDGET,
    anyway: bool = False,
    where: Where | None = None,
    listen: Listener = ignore,
    wait: bool = False,
) -> Bisection:
    """Search for the culprit and store the bisection; on the workers of a cluster, if ``where`` names one.

    Without ``benchmark`` the latest open regression is taken; ``good`` and ``bad`` (revisions) widen or move
    its range. RegressError when there is nothing to search, or (unless ``anyway``) when such a search would
    most likely name nobody within ``budget``; UnknownNameError for an unknown benchmark, SearchInterrupted on
    Ctrl-C once it measures: ``resume`` goes on.
    """
    started = datetime.now(UTC)
    if benchmark and good and bad:
        first, last = (project.history.resolve(end) for end in (good, bad))
        _in_range(project, first, last, project.branch)
        measure_ends(project, store, benchmark, (good, bad), where, listen, wait)
    target = find_target(project, store, benchmark, good, bad)
    sign = 0 if good and bad else _worse(target.series)
    others = companions(store, target.series, target.good, target.bad)
    plan = BisectionPlan(
        target.series.key, target.good, target.bad, confidence, budget, started, sign, others
    )
    commits = _commits(project, plan)
    with alone(project, store, "regress bisect", wait=wait, listen=listen, elsewhere=_elsewhere(where)):
        record_history(project, store, commits)
        for other in store.begun_bisections.like(plan):
            listen(Note(f"this begins anew; regress bisect --resume {other} would go on with the last"))
        cost = price_of(target.series, commits, plan)
        said = told_price(store, target.series, commits, plan, cost)
        if not anyway:
            refuse(said, cost, budget)
        listen(Note(said))

        def begin() -> BegunBisection:
            begun = BegunBisection(store.begun_bisections.begin(plan), plan, ())
            store.searches.price(begun.id, cost.runs if cost else None)
            return begun

        return _search(project, store, plan, begin, commits, where, listen)


def resume(
    project: Project,
    store: Store,
    number: int | None = None,
    *,
    confidence: float | None = None,
    budget: int | None = None,
    where: Where | None = None,
    listen: Listener = ignore,
    wait: bool = False,
) -> Bisection:
    """Go on with a search that was cut off (by its number, else the newest) and store the bisection.

    ``confidence`` and ``budget`` take the place of those it was begun with; what it measured before counts
    for the budget. UnknownNameError for a number that is no unfinished search, RegressError when there is
    none, or what it was measured with is gone.
    """
    with alone(project, store, "regress bisect", wait=wait, listen=listen, elsewhere=_elsewhere(where)):
        begun = _unfinished(store, number)
        asked = begun.plan
        plan = replace(asked, confidence=confidence or asked.confidence, budget=budget or asked.budget)
        commits = _commits(project, plan)
        record_history(project, store, commits)
        listen(Note(f"search {begun.id} goes on; measured so far: {len(begun.steps)}"))
        return _search(project, store, plan, lambda: replace(begun, plan=plan), commits, where, listen)


def _search(
    project: Project,
    store: Store,
    plan: BisectionPlan,
    begin: Callable[[], BegunBisection],
    commits: Sequence[Commit],
    where: Where | None,
    listen: Listener,
) -> Bisection:
    """Search, or go on, among ``commits``; RegressError when a series that it is about is gone.

    It begins once there is somebody who measures: else there would be a search to resume, for nothing.
    """
    keys = [plan.series, *plan.others]
    if plan.others:
        listen(Note(f"measured with it, since they changed alike: {', '.join(k.title for k in keys[1:])}"))
    stored = {one.key: one.id for one in store.series_list(branch=keys[0].branch)}
    gone = [key for key in keys if key not in stored]
    if gone:
        raise RegressError(f"{gone[0].title}, which the search is about, is not stored any more")
    suspects = suspicions(project.history, commits, keys[0].benchmark)
    if said := told_suspicions(suspects):
        listen(Note(said))
    series = [store.series(stored[key]) for key in keys]
    with measurer(project, keys, where, listen) as measuring:
        return Session(store, begin(), series, commits, suspects, measuring).run()


def _elsewhere(where: Where | None) -> bool:
    """Whether others measure, with checkouts of their own."""
    return where is not None and bool(where.scheduler)


def _unfinished(store: Store, number: int | None) -> BegunBisection:
    begun = store.begun_bisections.all()
    if not begun:
        raise RegressError("there is no unfinished search", hint="Begin one: regress bisect")
    for one in begun:
        if number in (None, one.id):
            return one
    raise UnknownNameError("unfinished search", str(number), [str(one.id) for one in begun])


def _worse(series: Series) -> int:
    """Which way a regression of a series goes."""
    return 1 if series.key.metric.direction is Direction.LOWER else -1


def _commits(project: Project, plan: BisectionPlan) -> list[Commit]:
    """The range's commits, the good one first; RegressError when it holds none to suspect."""
    return _in_range(project, plan.good, plan.bad, plan.series.branch)


def _in_range(project: Project, good: str, bad: str, branch: str) -> list[Commit]:
    start = project.history.select(good, branch)
    commits = [*start, *project.history.select(f"{good}..{bad}", branch)]
    if len(commits) < 2:
        raise RegressError("the range holds no commit to suspect", hint="Is --good older than --bad?")
    return commits
