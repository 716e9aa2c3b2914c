"""The search on simulated series: finds planted steps, says how sure it is, and is right that often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.bisect.posterior import posterior
from regress.bisect.search import Answer, Search


def simulate(
    size: int, culprit: int, ratio: float, noise: float, seed: int, unbuilt: frozenset[int] = frozenset()
) -> tuple[Search, Answer]:
    """Search a made history to the end; values are lognormal around a level that steps at ``culprit``."""
    random = np.random.default_rng(seed)
    search = Search(size, noise=0.01)
    while (index := search.next()) is not None:
        if index in unbuilt:
            search.skip(index)
            continue
        level = 1e-3 * (ratio if index >= culprit else 1.0)
        search.add(index, [level * float(np.exp(random.normal(0, noise)))])
    return search, search.answer()


@given(size=st.integers(2, 200), data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_clear_step_is_found_at_bisections_price(size: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(1, size - 1))
    search, answer = simulate(size, culprit, 1.15, 0.002, seed=culprit)
    assert (answer.first, answer.last) == (culprit, culprit)
    assert search.runs <= 6 + 2 * int(np.ceil(np.log2(size)))


def test_stated_confidence_is_honest() -> None:
    """Three noise widths, 32 commits: right about as often as the searches claim."""
    random = np.random.default_rng(7)
    places = random.integers(1, 32, size=150)
    searches = [simulate(32, int(k), 1.03, 0.01, seed=n) for n, k in enumerate(places)]
    right = np.mean([answer.first == k for (_, answer), k in zip(searches, places, strict=True)])
    stated = np.mean([answer.confidence * answer.step for _, answer in searches])
    assert right >= 0.94
    assert stated == pytest.approx(right, abs=0.05)
    assert np.mean([search.runs for search, _ in searches]) <= 25


def test_unbuilt_commits_widen_the_answer_and_are_asked_for_once() -> None:
    search, answer = simulate(20, 11, 1.2, 0.003, seed=3, unbuilt=frozenset({9, 10, 11}))
    assert set(search.skipped) <= {9, 10, 11}
    assert answer.first <= 11 <= answer.last
    assert (answer.first, answer.last) == (9, 12)


def test_old_measurements_are_free() -> None:
    search = Search(40)
    for index in range(40):
        search.add(index, [1.0 if index < 27 else 1.15], free=True)
    assert search.next() is None
    assert search.answer().first == 27
    assert search.runs == 0


def test_one_wild_measurement_misleads_nobody() -> None:
    search = Search(30, noise=0.01)
    for index in range(30):
        value = 1.0 if index < 20 else 1.1
        search.add(index, [3.0 if index == 5 else value], free=True)
    assert search.answer().first == 20


def test_no_step_is_said_after_a_bounded_number_of_runs() -> None:
    search, answer = simulate(50, 10, 1.0, 0.01, seed=1)
    assert answer.step < 0.5
    assert search.runs <= 12


def test_the_budget_is_kept() -> None:
    random = np.random.default_rng(5)
    search = Search(64, noise=0.2, budget=9)
    while (index := search.next()) is not None:
        search.add(index, [1.0 + (index >= 30) + float(random.normal(0, 0.4))])
    assert search.runs == 9


@given(st.dictionaries(st.integers(0, 19), st.lists(st.floats(allow_nan=True, width=32), max_size=4)))
def test_any_evidence_gives_a_distribution(evidence: dict[int, list[float]]) -> None:
    known = posterior(20, evidence, 0.01)
    assert known.places.shape == (20,)
    assert known.places.sum() == pytest.approx(1)
    assert 0 <= known.step <= 1


def test_nothing_to_search() -> None:
    with pytest.raises(ValueError, match="two commits"):
        Search(1)
