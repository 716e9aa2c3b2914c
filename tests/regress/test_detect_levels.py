"""What is a level and what is not: slopes, ripples upon a level, levels beside one that was too young."""

from __future__ import annotations

import numpy as np
import pytest

from regress.detect import detect
from regress.detect.excursions import without_excursions
from regress.detect.slopes import without_slopes


def noise(n: int, seed: int = 0) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).standard_normal(n)


@pytest.mark.parametrize("bend", [0.0, 0.3])
def test_a_slope_is_no_staircase(bend: float) -> None:
    x = np.linspace(0, 1, 400)
    assert [detect(np.exp(x + bend * x * x + noise(400, seed))) for seed in range(5)] == [[]] * 5


def test_a_staircase_is_no_slope() -> None:
    stairs = np.repeat(0.03 * np.arange(8), 50)
    found = [change.index for change in detect(np.exp(stairs + noise(400)))]
    assert found == pytest.approx(range(50, 400, 50), abs=3)


def test_two_steps_in_a_row_are_never_a_slope() -> None:
    values = np.linspace(0, 1, 90)
    sums = np.concatenate([[0], np.cumsum(values)])
    assert without_slopes(values, sums, np.array([0, 30, 60, 90])).tolist() == [0, 30, 60, 90]
    assert without_slopes(values, sums, np.array([0, 20, 40, 65, 90])).tolist() == [0, 90]


def test_a_ripple_upon_a_level_is_no_visit_to_it() -> None:
    levels = [0.0, 0.425, 0.4, 0.425, 0.8, 0.4, 0.8]
    sums = np.concatenate([[0], np.cumsum(np.repeat(levels, 20))])
    edges = np.arange(0, 141, 20)
    assert without_excursions(sums, edges).tolist() == edges.tolist()


def test_what_is_told_is_sure_when_the_level_after_it_is_dropped() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        values = np.exp(rng.choice([0.0, 0.25], 80, p=[0.8, 0.2]).repeat(rng.integers(1, 9, 80)))[:85]
        values *= np.exp(0.01 * rng.standard_normal(values.size))
        assert all(change.p_value <= 0.002 for change in detect(values))


def two_modes(visits: list[tuple[int, int]], n: int = 120) -> np.ndarray:
    places = np.arange(n)
    high = np.any([(places >= start) & (places < start + length) for start, length in visits], axis=0)
    return np.exp(0.08 * high + noise(n))


def test_a_visit_that_lasts_longer_than_others_is_no_change() -> None:
    others = [(12, 4), (30, 5)]
    assert detect(two_modes([*others, (70, 16)])) == []
    assert [c.index for c in detect(two_modes([(70, 16)]))] == [70, 86]
    assert [c.index for c in detect(two_modes([*others, (70, 30)]))] == [70, 100]


def test_up_down_and_up_again_for_a_while_are_visits() -> None:
    again = two_modes([(23, 9), (50, 20)], 70)
    assert detect(again) == []
    assert detect(again[::-1]) == []
    assert [c.index for c in detect(two_modes([(40, 9), (67, 30)], 97))] == [40, 49, 67]
