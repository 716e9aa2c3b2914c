"""What a search starts with (history, today's machine, costs) and what it leaves (the rest of a change)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from regress.bisect.costs import Costs, costs_of
from regress.bisect.search import Search
from regress.bisect.verify import check
from regress.domain import BisectionPlan, BisectionStep, Commit, Point, Series
from regress.service.bisect_answer import answered, rest
from regress.service.bisect_history import free_evidence
from tests.regress.fixtures.stores import KEY, START, commit, sha


def series_of(values: list[float]) -> Series:
    return Series(1, KEY, tuple(Point(sha(i), i, value) for i, value in enumerate(values)))


def commits(first: int, last: int) -> list[Commit]:
    return [commit(i) for i in range(first, last + 1)]


def test_history_is_known_back_to_the_last_change_on_either_side() -> None:
    random = np.random.default_rng(3)
    levels = np.repeat([1.0, 1.2, 1.3, 1.1], 30)
    known = free_evidence(
        series_of((levels * np.exp(random.normal(0, 0.005, 120))).tolist()), commits(55, 64)
    )
    old = [one.value for one in known if one.place == 0]
    new = [one.value for one in known if one.place == 9]
    assert (len(old), len(new)) == (56 - 30, 90 - 64)
    assert np.mean(old) == pytest.approx(1.2, rel=0.01)
    assert np.mean(new) == pytest.approx(1.3, rel=0.01)
    assert sorted(one.place for one in known if one.place not in (0, 9)) == list(range(1, 9))


def test_points_that_follow_their_neighbours_are_worth_less() -> None:
    random = np.random.default_rng(1)
    wave = np.convolve(random.normal(0, 0.01, 211), np.ones(8) / np.sqrt(8), "valid")[:200]
    quiet = random.normal(0, 0.01, 200)
    worths = [
        free_evidence(series_of(np.exp(noise).tolist()), commits(150, 160))[0].worth
        for noise in (wave, quiet)
    ]
    assert worths[0] < 0.4 < 0.8 < worths[1] <= 1.0


@pytest.mark.parametrize(
    "today", [1.0, 0.8, 1.1], ids=["the same machine", "a faster one", "as slow as after"]
)
def test_what_the_machine_does_today_misleads_nobody(today: float) -> None:
    """History: 1.0 before, 1.1 after. A machine that is slower by just that much looks like the new level."""
    random = np.random.default_rng(8)
    search = Search(64, [0.01], signs=[1])
    for _ in range(40):
        search.add(0, [float(np.exp(random.normal(0, 0.01)))], free=True)
        search.add(63, [1.1 * float(np.exp(random.normal(0, 0.01)))], free=True)
    while (index := search.next()) is not None:
        search.add(index, [today * (1.1 if index >= 50 else 1.0) * float(np.exp(random.normal(0, 0.01)))])
    answer = search.conclude()
    assert answer is not None
    assert (answer.first, answer.last) == (50, 50)
    assert search.runs <= 25


def test_costs_are_what_was_seen() -> None:
    assert costs_of([(0, 9.0), (7, 11.0)]) == Costs(), "a build cannot be told from a run yet"
    seen = [(0, 9.0), (7, 11.0), (7, 2.0), (0, 2.0), (3, 10.0)]
    assert costs_of(seen) == Costs(2.0, 8.0)
    assert costs_of([*seen, (7, 10.0), (0, 10.0)]) == Costs(2.0, 8.0), "two builds are kept, no more"
    assert costs_of([(0, 2.2), (7, 2.1), (7, 2.0)]) == Costs(2.0, 0.0)


def test_the_rest_is_what_culprits_leave() -> None:
    noise = [0.995, 1.0, 1.005]
    ends = (noise, [1.21 * value for value in noise])
    step = check(noise, [1.1 * value for value in noise])
    one, both = rest(ends, [step]), rest(ends, [step, step])
    assert one is not None
    assert both is not None
    assert (one.ratio, both.ratio) == (pytest.approx(1.1), pytest.approx(1.0))
    assert (one.explained, both.explained) == (False, True)
    assert rest((noise, [1.2]), [step]) is None


def test_a_culprit_at_which_only_companions_give_a_number_has_the_size_of_the_whole_change() -> None:
    plan = BisectionPlan(KEY, sha(0), sha(9), 0.95, 60, START, others=(replace(KEY, benchmark="other"),))
    search, steps = Search(10, [0.005, 0.005]), []
    while (index := search.next()) is not None:
        level = 1.1 if index >= 4 else 1.0
        own = None if index in (3, 4) else level
        steps.append(BisectionStep(sha(index), own, 1.0, (level,)))
        search.add(index, [math.nan if own is None else own, level])
    assert search.conclude() is not None
    found = answered(plan, commits(0, 9), search, [], steps, [])
    assert (found.culprit, found.verified) == (sha(4), True)
    assert found.ratio == pytest.approx(1.1)
    (other,) = found.others
    assert other.ratio == pytest.approx(1.1)
