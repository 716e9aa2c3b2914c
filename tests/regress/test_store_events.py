"""Events and their triage, and bisections, on every database."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from regress.domain import (
    BegunBisection,
    Bisection,
    BisectionPlan,
    BisectionStep,
    ChangePoint,
    Decision,
    EventKind,
    EventUpdate,
    SeriesChange,
    State,
    TriageAct,
)
from regress.errors import UnknownNameError
from regress.store import Store
from regress.store.events import VANISHED
from tests.regress.fixtures.stores import (
    KEY,
    START,
    bisected,
    commit,
    delivery,
    failure,
    measured,
    sha,
)


@pytest.fixture
def ids(store: Store) -> list[int]:
    """Two series with points at every commit; their ids."""
    keys = [KEY, replace(KEY, benchmark="other")]
    store.deliver(delivery(*(measured(i, 1.0, key) for i in range(10) for key in keys)))
    return [summary.id for summary in store.series_list("main")]


def change(
    series: int, at: int, ratio: float = 1.2, reach: tuple[int, int] | None = None, p: float = 1e-6
) -> SeriesChange:
    low, high = reach or (at, at)
    point = ChangePoint(at, 1.0, ratio, ratio - 0.1, ratio + 0.1, p, low, high)
    return SeriesChange(series, KEY, sha(at - 1), sha(at), point, sha(low), sha(high))


def test_lists_read_the_worst_change_and_the_count(store: Store, ids: list[int]) -> None:
    rng = random.Random(20261123)
    levels = [0.0, 1.0, 1.0, 1.5, 2.0, 1e-200, 1e200]  # zeros, ties, and what databases cannot divide
    told = []
    for at in (2, 2, 2, 4, 4, 4, 4, 6, 6, 8):
        before, after = rng.choice([1.0, *levels[:2]]), rng.choice(levels)
        point = ChangePoint(at, before, after, 0.5, 1.5, rng.choice([1e-6, 1e-9]), at, at)
        told.append(replace(change(rng.choice(ids), at, 1.5), change=point))
    store.replace_changes("main", told)
    for few, whole in zip(store.events(parts="worst"), store.events(), strict=True):
        assert few.size == whole.size == len(whole.changes)
        assert len(few.changes) == 1
        if not {1e-200, 1e200} & {part.change.after for part in whole.changes}:
            assert few.worst == whole.worst
    for own in store.events(series_id=ids[0], parts="own"):
        mine = [part for part in store.event(own.id).changes if part.series_id == ids[0]]
        assert list(own.changes) == mine
        assert own.size == store.event(own.id).size


def test_changes_of_one_commit_and_kind_are_one_event(store: Store, ids: list[int]) -> None:
    update = store.replace_changes(
        "main", [change(ids[0], 5), change(ids[1], 5, 1.5), change(ids[0], 8, 0.8)]
    )
    assert len(update.new) == 2
    improvement, regression = store.events()
    assert (improvement.kind, improvement.first_after) == (EventKind.IMPROVEMENT, sha(8))
    assert (regression.kind, regression.last_before, regression.first_after) == (
        EventKind.REGRESSION,
        sha(4),
        sha(5),
    )
    assert regression.worst.change.ratio == 1.5
    assert {c.series.benchmark for c in regression.changes} == {"bench", "other"}
    assert store.events(kind=EventKind.REGRESSION) == [regression]
    assert store.events(limit=1) == [improvement]
    assert store.event(regression.id) == regression


def test_an_unsure_change_joins_the_sure_one_that_it_may_be(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 6, reach=(4, 7), p=1e-4), change(ids[1], 5, p=1e-9)])
    (event,) = store.events()
    assert (event.last_before, event.first_after) == (sha(4), sha(5))


def test_a_noisy_change_beside_an_exact_one_is_the_same_event(store: Store, ids: list[int]) -> None:
    exact = change(ids[1], 5, p=1e-9)
    exact = replace(exact, change=replace(exact.change, low=1.2, high=1.2))
    store.replace_changes("main", [change(ids[0], 4, p=1e-4), exact])
    (event,) = store.events()
    assert event.first_after == sha(5)
    other = replace(
        exact, series_id=ids[0], last_before=sha(3), first_after=sha(4), earliest=None, latest=None
    )
    store.replace_changes("main", [other, exact])
    assert len(store.events(state=State.NEW)) == 2, "two exact counters moved at two commits"


def test_a_sparse_series_takes_the_narrower_range_of_a_dense_one(store: Store, ids: list[int]) -> None:
    sparse = replace(change(ids[0], 8, p=1e-9), last_before=sha(2))
    store.replace_changes("main", [sparse, change(ids[1], 6, p=1e-5)])
    (event,) = store.events()
    assert (event.last_before, event.first_after) == (sha(5), sha(6))


def test_events_keep_identity_and_triage_across_analysis(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 5)])
    (first,) = store.events()
    store.decide(first.id, Decision(state=State.INVESTIGATING))
    update = store.replace_changes("main", [change(ids[0], 6, reach=(5, 6)), change(ids[1], 2)])
    assert update.kept == (first.id,)
    again = store.event(first.id)
    assert (again.state, again.first_after, again.first_seen) == (
        State.INVESTIGATING,
        sha(6),
        first.first_seen,
    )
    shown = store.open_changes(ids)
    assert (shown[ids[0]].event_id, shown[ids[0]].first_after) == (first.id, sha(6))
    assert (shown[ids[1]].ratio, shown[ids[1]].first_after) == (1.2, sha(2))
    store.decide(first.id, Decision(state=State.EXPECTED))
    assert list(store.open_changes(ids)) == [ids[1]]


def test_a_change_at_a_commit_that_left_the_branch_is_not_the_latest(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 2), change(ids[0], 6)])
    assert store.open_changes(ids)[ids[0]].first_after == sha(6)
    store.record_commits("main", [commit(4), replace(commit(5), sha="f" * 40)])
    assert store.open_changes(ids)[ids[0]].first_after == sha(2)


def test_what_vanishes_went_away_and_comes_back_as_it_was(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 5)])
    (event,) = store.events()
    store.decide(event.id, Decision(state=State.ACKNOWLEDGED))
    assert store.replace_changes("main", []) == EventUpdate(went_away=(event.id,))
    assert store.events(state=State.WENT_AWAY) == [replace(store.event(event.id), state=State.WENT_AWAY)]
    told = tuple(replace(part, note=VANISHED) for part in event.changes)
    assert store.event(event.id).changes == told
    assert store.replace_changes("main", []) == EventUpdate()
    store.replace_changes("main", [change(ids[0], 5)])
    assert store.event(event.id).state is State.ACKNOWLEDGED


@pytest.mark.parametrize("state", [State.EXPECTED, State.FIXED, State.INVALID])
def test_a_persons_last_word_stands(store: Store, ids: list[int], state: State) -> None:
    store.replace_changes("main", [change(ids[0], 5)])
    (event,) = store.events()
    store.decide(event.id, Decision(state=state))
    store.replace_changes("main", [])
    assert store.event(event.id).state is state
    assert store.replace_changes("main", [change(ids[0], 5)]).kept == (event.id,)
    assert store.event(event.id).state is state


def test_what_people_said_stays_and_is_told_in_order(store: Store, ids: list[int]) -> None:
    store.replace_changes("main", [change(ids[0], 5)])
    (event,) = store.events()
    said = Decision(State.FIXED, "ada", sha(9), (sha(6), sha(7)), "was the cache")
    store.decide(event.id, said, "grace")
    store.decide(event.id, said, "grace")  # again: only the place and the note are said anew
    store.replace_changes("main", [change(ids[0], 6, reach=(5, 6))])
    now = store.event(event.id)
    assert (now.state, now.assignee, now.fixed_by, now.moved) == (State.FIXED, "ada", sha(9), True)
    assert (now.last_before, now.first_after) == (sha(6), sha(7))
    assert [(step.who, step.act, step.text) for step in store.triage_steps(event.id)[:5]] == [
        ("grace", TriageAct.STATE, "fixed"),
        ("grace", TriageAct.ASSIGNED, "ada"),
        ("grace", TriageAct.FIXED_BY, sha(9)),
        ("grace", TriageAct.MOVED, sha(7)),
        ("grace", TriageAct.NOTE, "was the cache"),
    ]
    assert len(store.triage_steps(event.id)) == 7
    with pytest.raises(UnknownNameError):
        store.decide(event.id, Decision(place=(sha(6), "feed")), "grace")


def test_unknown_branches_are_refused(store: Store) -> None:
    with pytest.raises(UnknownNameError) as caught:
        store.replace_changes("mian", [])
    assert caught.value.near == ("main",)


def test_bisections_come_back_newest_first(store: Store) -> None:
    record = Bisection(
        series=KEY, good=sha(1), bad=sha(9), first=sha(5), last=sha(5), confidence=0.97, ratio=1.2, low=1.1,
        high=1.3, verified=True, runs=9, skipped=(sha(4),), started_at=START, finished_at=START,
    )  # fmt: skip
    later = replace(record, finished_at=START + timedelta(1))
    bisected(store, later)
    bisected(store, record)
    assert store.bisections() == [later, record]


def test_a_bisection_under_way_keeps_each_measurement_until_it_is_finished(store: Store) -> None:
    begun = store.begun_bisections
    plan = BisectionPlan(replace(KEY, parameters=(("n", "1"),)), sha(1), sha(9), 0.9, 40, START)
    steps = (
        BisectionStep(sha(9), 1.5, 2.0),
        BisectionStep(sha(5), None, 0.1),
        BisectionStep(sha(9), 1.6, 1.0),
    )
    first, second = begun.begin(plan), begun.begin(plan)
    for step in steps:
        begun.add(first, step)
    begun.add(second, steps[0])
    assert begun.all() == [BegunBisection(second, plan, steps[:1]), BegunBisection(first, plan, steps)]
    record = Bisection(
        plan.series, plan.good, plan.bad, sha(5), sha(5), 0.97, 1.2, 1.1, 1.3, True, 9, (), START, START, 12.5
    )
    begun.finish(second, record)
    assert store.bisections() == [record]
    assert [one.id for one in begun.all()] == [first]
    broken = delivery(failures=(failure(7),), digest="broken")
    with pytest.raises(
        IntegrityError
    ):  # there is no such plan: neither the step is kept nor what came with it
        begun.add(second + 1, BisectionStep(sha(7), None, 1.0), [broken])
    assert store.failures() == []


def test_who_asks_for_one_search_at_the_same_time_gets_one(store: Store, url: str) -> None:
    """Eight askers with a connection of their own each, all let go at once, for each of four questions."""
    askers = 8
    plans = [BisectionPlan(KEY, sha(1), sha(9 + number), 0.95, 40, START) for number in range(4)]
    start = threading.Barrier(askers)

    def ask(who: int) -> list[int]:
        numbers = []
        with Store.open(url, create=False) as own:
            for plan in plans:
                start.wait(60)
                numbers.append(own.searches.ask(replace(plan, budget=40 + who), f"asker {who}", 12.0))
        return numbers

    with ThreadPoolExecutor(askers) as pool:
        told = list(pool.map(ask, range(askers)))
    assert told == [told[0]] * askers
    assert store.searches.wanted() == sorted(told[0])
    assert store.searches.count() == len(plans)


def test_what_is_asked_again_goes_on_and_what_ended_begins_anew(store: Store) -> None:
    plan = BisectionPlan(KEY, sha(1), sha(9), 0.95, 40, START)
    first = store.searches.ask(plan, "ann", 12.0)
    store.searches.drop(first, "the suite is broken")
    assert store.searches.ask(replace(plan, budget=99), "bob", 50.0) == first
    state = store.searches.one(first)
    assert (state.wanted, state.asked_by, state.fault, state.plan.budget) == (True, "bob", "", 40)
    assert store.searches.ask(plan, "cid", 1.0) == first
    assert store.searches.one(first).asked_by == "bob", "who asked first"
    record = Bisection(
        KEY, sha(1), sha(9), sha(5), sha(5), 0.97, 1.2, 1.1, 1.3, True, 9, (), START, START, 12.5
    )
    store.begun_bisections.finish(first, record)
    assert store.searches.ask(plan, "dan", 12.0) != first
