"""How searches stand in the store: what they know, who goes on with one, who asked for it."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace

import pytest
from sqlalchemy import delete

from regress.domain import (
    Affected,
    Bisection,
    BisectionPlan,
    BisectionStep,
    Culprit,
    Posterior,
    Rest,
    Suspicion,
)
from regress.errors import UnknownNameError
from regress.store import Store
from regress.store.models import BisectionPlanRow
from tests.regress.fixtures.stores import KEY, START, sha
from tests.regress.test_migrations import downgrade

OTHER = replace(KEY, parameters=(("n", "2"),))
PLAN = BisectionPlan(
    replace(KEY, parameters=(("n", "1"),)), sha(1), sha(9), 0.9, 40, START, sign=1, others=(OTHER,)
)
FOUND = Bisection(
    PLAN.series, PLAN.good, PLAN.bad, sha(5), sha(5), 0.97, 1.2, 1.1, 1.3, True, 9, (), START, START, 12.5,
    further=(Culprit(sha(7), sha(8), 0.96, 1.1, 1.05, 1.15),), rest=Rest(1.0, 0.99, 1.01),
    suspicion=Suspicion(0.2, ("a.py",)), others=(Affected(OTHER, 1.3, 1.2, 1.4),),
)  # fmt: skip


def test_a_search_tells_what_it_knows_and_what_it_came_to(store: Store) -> None:
    searches = store.searches
    first, second = (store.begun_bisections.begin(PLAN) for _ in range(2))
    steps = (BisectionStep(sha(9), 1.5, 2.0, (0.5,)), BisectionStep(sha(5), None, 0.5, (None,)))
    for step in steps:
        store.begun_bisections.add(first, step)
    known = Posterior(((sha(5), 0.75), (sha(6), 0.125)), 0.125, (1.2, 1.1, 1.3))
    searches.tell(first, Posterior((), 1.0))
    searches.tell(first, known)
    searches.price(first, 12.0)
    state = searches.one(first)
    assert (state.plan, state.posterior, state.expected) == (PLAN, known, 12.0)
    assert (state.runs, state.seconds, state.found) == (2, 2.5, None)
    assert searches.steps(first) == steps
    store.begun_bisections.finish(second, FOUND)
    assert [(one.id, one.found, one.posterior) for one in searches.newest(9)] == [
        (second, FOUND, None),
        (first, None, None),
    ]
    assert [one.id for one in searches.newest(1, first=1)] == [first]
    assert searches.count() == 2
    with pytest.raises(UnknownNameError, match="unknown bisection '7'"):
        searches.one(7)


@pytest.mark.parametrize("host", ["box", "one-of-a-hundred-like-it.example.org"])
def test_others_see_which_search_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert store.searches.now() == (0, "")
    with store.searches.going_on(1234567):
        number, who = store.searches.now()
        assert number == 1234567
        assert who.startswith(f"process {os.getpid()} on {host[:13]}")
        assert re.search(r" on \S{1,20}, since", who), "a name of twenty characters at most"
    assert store.searches.now() == (0, "")


def test_a_server_is_asked_for_searches_until_they_are_finished_or_dropped(store: Store) -> None:
    searches = store.searches
    asked = [
        searches.ask(replace(PLAN, bad=sha(9 + number)), "ann", expected)
        for number, expected in enumerate((7.5, None, None))
    ]
    store.begun_bisections.begin(PLAN)
    assert searches.wanted() == asked
    state = searches.one(asked[0])
    assert (state.asked_by, state.wanted, state.expected, state.runs) == ("ann", True, 7.5, 0)
    store.begun_bisections.finish(asked[0], FOUND)
    searches.drop(asked[1], "it does not build\0")
    assert searches.wanted() == asked[2:]
    assert searches.one(asked[1]).fault == "it does not build\ufffd"
    searches.want(asked[1], "bob")
    assert searches.wanted() == asked[1:]
    again = searches.one(asked[1])
    assert (again.asked_by, again.fault) == ("bob", "")


def test_who_ask_the_same_get_one_search_and_what_is_ticked_is_part_of_the_question(store: Store) -> None:
    third = replace(KEY, parameters=(("n", "3"),))
    both = replace(PLAN, others=(OTHER, third))
    first = store.searches.ask(both, "ann", None)
    assert store.searches.ask(replace(both, others=(third, OTHER), budget=9), "bob", None) == first
    alone = store.searches.ask(PLAN, "bob", None)
    assert alone != first
    assert store.begun_bisections.like(PLAN) == [alone]
    assert store.begun_bisections.like(replace(PLAN, series=third)) == []


def test_finished_searches_of_before_get_a_number(store: Store, url: str) -> None:
    store.begun_bisections.finish(store.begun_bisections.begin(PLAN), FOUND)
    with store._db.write() as session:  # as it was before plans were kept
        session.execute(delete(BisectionPlanRow))
    downgrade(store, "0013")
    asked = replace(PLAN, budget=9, confidence=0.97, sign=0, others=())
    with Store.open(url) as again:
        (state,) = again.searches.newest(9)
        assert (state.plan, state.found, state.runs) == (asked, FOUND, 9)
        assert again.begun_bisections.all() == []
