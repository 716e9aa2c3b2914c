"""The search on simulated series: finds planted steps, says how sure it is, and is right that often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.bisect.batches import WIDEST
from regress.bisect.costs import Costs
from regress.bisect.evidence import Evidence
from regress.bisect.information import information
from regress.bisect.posterior import fit
from regress.bisect.search import Answer, Search
from regress.bisect.simulate import Scenario, search_once, simulate
from tests.oracles.shift import log_evidence


def run(
    size: int, culprit: int, ratio: float, noise: float, seed: int, unbuilt: frozenset[int] = frozenset()
) -> tuple[Search, Answer | None]:
    """Search a made history to the end; values are lognormal around a level that steps at ``culprit``."""
    random = np.random.default_rng(seed)
    search = Search(size, [0.01])
    while (index := search.next()) is not None:
        if index in unbuilt:
            search.skip(index)
            continue
        level = 1e-3 * (ratio if index >= culprit else 1.0)
        search.add(index, [level * float(np.exp(random.normal(0, noise)))])
    return search, search.conclude()


@given(size=st.integers(2, 200), data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_clear_step_is_found_at_bisections_price(size: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(1, size - 1))
    search, answer = run(size, culprit, 1.15, 0.002, seed=culprit)
    assert answer is not None
    assert (answer.first, answer.last) == (culprit, culprit)
    assert search.runs <= 8 + 2 * int(np.ceil(np.log2(size)))


def test_the_posterior_is_that_of_an_integral_over_all_levels_shifts_and_noises() -> None:
    """Held against densities summed over a grid of noises; no drift, since two turns show none."""
    places, turns = np.array([0, 0, 3, 5, 5]), np.array([0, 0, 0, 1, 2])
    values = np.array([0.0, 0.012, -0.004, 0.02, 0.031])
    found = fit(6, Evidence(places, values, turns, 0.01, np.ones(5))).evidence
    wanted = np.array([log_evidence(k, places, values, turns > 0, 0.01) for k in range(1, 7)])
    assert found[1:] - found[1] == pytest.approx(wanted - wanted[0], abs=1e-3)


def test_information_is_bounded_by_the_question_and_by_the_channel() -> None:
    strengths = np.array([0.01, 1.0, 30.0, 1e6])
    told = information(np.full(4, 0.5), strengths)
    assert (told <= np.minimum(np.log(2) + 1e-6, 0.5 * np.log1p(strengths / 4) + 1e-4)).all()
    assert (np.diff(told) > 0).all()
    assert told[-1] == pytest.approx(np.log(2), abs=1e-3)
    assert information(np.array([0.0, 1.0]), 4.0) == pytest.approx(0, abs=1e-6)


def test_stated_confidence_is_honest_and_the_bars_are_kept() -> None:
    """A tenth of what ``regress bisect --simulate`` runs; three sigma cost 15 runs, two cost some more."""
    told = simulate(Scenario(shift=3.0), 60)
    assert told.mean_runs <= 16
    assert told.right >= 0.95
    weak = simulate(Scenario(commits=32, shift=1.5, known=40), 60)
    assert weak.observed >= 0.9
    assert abs(weak.gap) <= 0.06
    assert [sum(row.claims for row in weak.bins), weak.trials] == [60, 60]


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(sessions=0.5),
        Scenario(drift=0.1),
        Scenario(tails=True),
        Scenario(unbuilt=0.3),
        Scenario(culprits=2, shift=5.0),
    ],
    ids=[
        "sessions that differ",
        "a machine that drifts",
        "heavy tails",
        "unbuildable commits",
        "two culprits",
    ],
)
def test_what_is_not_ideal_costs_runs_and_little_else(scenario: Scenario) -> None:
    told = simulate(replace(scenario, commits=64, shift=max(scenario.shift, 4.0)), 25)
    assert told.observed >= 0.92
    assert told.right >= 0.88
    assert told.mean_runs <= 14 * scenario.culprits + 8


@pytest.mark.parametrize("culprits", [3, 4])
def test_several_culprits_are_all_found(culprits: int) -> None:
    """The step of each is a part of the whole, and must be confirmed as such; alike, none is likeliest."""
    told = simulate(Scenario(commits=64, shift=5.0, culprits=culprits, budget=150), 6)
    assert told.observed == 1.0
    assert told.right == 1.0
    assert told.mean_runs <= 12 * culprits


def test_workers_share_the_turns() -> None:
    one, four = (simulate(Scenario(commits=64, shift=3.0, workers=workers), 20) for workers in (1, 4))
    assert one.mean_turns == one.mean_runs
    assert four.mean_turns <= 0.75 * one.mean_turns
    assert four.mean_runs <= 4 * four.mean_turns
    assert four.right >= 0.9


def test_processes_change_nothing() -> None:
    scenario = Scenario(commits=16, shift=5.0)
    assert simulate(scenario, 20, jobs=2) == simulate(scenario, 20)


def test_a_build_is_shared_by_repeats() -> None:
    """Where builds are dear, fewer commits are built, and measured more often."""
    cheap, dear = Scenario(shift=1.5, build=0.0), Scenario(shift=1.5, build=20.0)
    seconds = [search_once(replace(dear, seed=seed, known=30)).seconds for seed in range(8)]
    runs = [search_once(replace(cheap, seed=seed, known=30)).runs for seed in range(8)]
    assert np.mean(seconds) < np.mean(runs) * 20 * 0.8


def test_a_prior_leads_and_does_not_decide() -> None:
    """Places: the evidence outweighs a prior that points elsewhere."""
    prior = [1.0] * 40
    prior[7] = 100.0
    search = Search(40, [0.01], prior=prior)
    for index in (0, 0, 39, 39):
        search.add(index, [1.0 if index < 27 else 1.15], free=True)
    assert search.answer().first == 7
    for index in range(20, 40):
        search.add(index, [1.0 if index < 27 else 1.15], free=True)
    assert search.answer().first == 27


def test_several_series_share_the_measurements() -> None:
    """Two noisy series place a step that one alone does not; one that stands still is outvoted."""
    random = np.random.default_rng(4)
    rows = [[float(np.exp(random.normal(0, 0.01) + 0.02 * (k >= 12))) for _ in range(3)] for k in range(30)]
    together, alone = Search(30, [0.01] * 4), Search(30, [0.01])
    for index, row in enumerate(rows):
        together.add(index, [*row, float(np.exp(random.normal(0, 0.01)))], free=True)
        alone.add(index, row[:1], free=True)
    assert together.answer().first == 12
    assert together.answer().confidence > alone.answer().confidence


def test_measuring_several_at_once_takes_fewer_turns_for_few_more_runs() -> None:
    """Also where only two neighbours are left, so that different commits would tell nothing."""
    spent = {1: [0, 0], 4: [0, 0]}
    for seed in range(6):
        for width, total in spent.items():
            random = np.random.default_rng(seed)
            search, culprit = Search(64, [0.01], signs=[1]), 9 * seed + 5
            while batch := search.batch(width):
                total[0] += 1
                total[1] += len(batch)
                for index in batch:
                    search.add(index, [float(np.exp(random.normal(0, 0.01) + 0.03 * (index >= culprit)))])
            assert abs(search.answer().first - culprit) <= 1
    assert spent[4][0] <= 0.7 * spent[1][0], spent
    assert spent[4][1] <= 2.5 * spent[1][1], spent


def test_a_batch_asks_for_different_commits() -> None:
    search = Search(64, [0.01])
    for index in (0, 0, 63, 63):
        search.add(index, [1.0 if index < 20 else 1.3])
    assert len(search.batch(1000)) == WIDEST, "more would be measured for nothing"
    batch = search.batch(3)
    assert len(set(batch)) == 3
    assert min(np.diff(sorted(batch))) >= 10


def test_unbuilt_commits_widen_the_answer_and_are_asked_for_once() -> None:
    search, answer = run(20, 11, 1.2, 0.003, seed=3, unbuilt=frozenset({9, 10, 11}))
    assert set(search.skipped) <= {9, 10, 11}
    assert answer is not None
    assert (answer.first, answer.last) == (9, 12)


def test_what_cannot_be_compared_is_not_measured_for_ever() -> None:
    """Nothing builds up to 5: a step there looks like none, and what is left has none."""
    search, answer = run(12, 3, 1.2, 0.003, seed=1, unbuilt=frozenset(range(5)))
    assert answer is None
    assert set(search.skipped) <= set(range(5))
    assert search.runs <= 20
    search, answer = run(12, 9, 1.2, 0.003, seed=1, unbuilt=frozenset(range(5)))
    assert answer is not None
    assert (answer.first, answer.last, answer.verified) == (9, 9, True)


@pytest.mark.parametrize(("gone", "culprit"), [(0, 1), (9, 9)], ids=["the good end", "the bad end"])
def test_an_end_that_builds_no_more_is_known_by_its_history(gone: int, culprit: int) -> None:
    search = Search(10, [0.005])
    for _ in range(4):
        search.add(gone, [1.0 if gone < culprit else 1.2], free=True)
    asked = []
    while (index := search.next()) is not None:
        asked.append(index)
        assert len(asked) <= 30, "it asks for ever"
        if index == gone:
            search.skip(index)
        else:
            search.add(index, [1.0 if index < culprit else 1.2])
    answer = search.conclude()
    assert answer is not None
    assert (answer.first, answer.last, answer.verified) == (culprit, culprit, False)
    assert asked.count(gone) <= 1
    assert all(search.sides(answer))


def test_old_measurements_are_free_but_the_culprit_is_measured_anew() -> None:
    search = Search(40, [0.005])
    for index in range(40):
        search.add(index, [1.0 if index < 27 else 1.15], free=True)
    assert search.answer().first == 27
    assert search.conclude() is None
    while (index := search.next()) is not None:
        search.add(index, [1.0 if index < 27 else 1.15])
    assert search.conclude() is not None
    assert search.runs <= 8


def test_the_size_is_known_before_the_place() -> None:
    random = np.random.default_rng(4)
    search = Search(100, [0.01])
    assert search.size_of_step() is None
    for end, level in ((0, 1.0), (99, 1.2)):
        for _ in range(12):
            search.add(end, [level * float(np.exp(random.normal(0, 0.01)))])
    size = search.size_of_step()
    assert size is not None
    assert size.low < 1.2 < size.high
    assert size.high / size.low < 1.03
    search.add(50, [-1.0])
    assert search.size_of_step() is None, "there is no ratio to a level below zero"


def test_one_wild_measurement_misleads_nobody() -> None:
    search = Search(30, [0.01])
    for index in range(30):
        value = 1.0 if index < 20 else 1.1
        search.add(index, [3.0 if index == 5 else value], free=True)
    assert search.answer().first == 20


def test_no_step_is_said_after_a_bounded_number_of_runs() -> None:
    search, answer = run(50, 10, 1.0, 0.01, seed=1)
    assert answer is None
    assert search.answer().step < 0.5
    assert search.runs <= 60


def test_the_budget_is_kept() -> None:
    random = np.random.default_rng(5)
    search = Search(64, [0.2], budget=9, costs=Costs(1.0))
    while (index := search.next()) is not None:
        search.add(index, [1.0 + (index >= 30) + float(random.normal(0, 0.4))])
    assert search.runs == 9


@given(st.dictionaries(st.integers(0, 19), st.lists(st.floats(allow_nan=True, width=32), max_size=4)))
def test_any_evidence_gives_a_distribution(evidence: dict[int, list[float]]) -> None:
    search = Search(20, [0.01])
    for index, values in evidence.items():
        for value in values:
            search.add(index, [value])
    assert search.posterior().shape == (21,)
    assert search.posterior().sum() == pytest.approx(1)
    assert 0 <= search.answer().step <= 1
    assert search.next() is None or 0 <= search.batch(3)[0] < 20


def test_nothing_to_search() -> None:
    with pytest.raises(ValueError, match="two commits"):
        Search(1, [0.01])
