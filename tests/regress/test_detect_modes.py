"""Series that ride between two modes: steps beside the gap are found; nothing else is a mode."""

from __future__ import annotations

import numpy as np
import pytest

from regress.detect import detect
from regress.detect.mode_gap import mode_gap
from regress.detect.modes import LONGEST, folded

SIGMA = 0.004
GAP = 0.03


def riding(seed: int, n: int = 200, rise: float = 0.1, fall: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of a series without steps, and which points are in the upper mode."""
    rng = np.random.default_rng(seed)
    draws, upper = rng.random(n), np.zeros(n, dtype=np.bool_)
    for i in range(1, n):
        upper[i] = draws[i] < (1 - fall if upper[i - 1] else rise)
    return SIGMA * rng.standard_normal(n) + GAP * upper, upper


def stepped(level: np.ndarray, place: int, size: float) -> np.ndarray:
    return np.exp(level + size * (np.arange(level.size) >= place))


@pytest.mark.parametrize("size", [0.4 * GAP, GAP / 2, -GAP / 2, GAP, 3 * GAP])
def test_a_step_beside_two_modes_is_found_at_its_place(size: float) -> None:
    found = [[c.index for c in detect(stepped(riding(seed)[0], 120, size))] for seed in range(20)]
    right = sum(len(one) == 1 and abs(one[0] - 120) <= 3 for one in found)
    assert right >= 18, "2, 6, 4, 12, and 16 where modes are taken for noise"


def test_a_step_is_told_by_the_commoner_mode() -> None:
    (change,) = detect(stepped(riding(1)[0], 120, GAP / 2))
    assert (change.before, change.ratio) == pytest.approx((1, np.exp(GAP / 2)), abs=0.002)
    assert change.low < np.exp(GAP / 2) < change.high


def test_two_modes_are_told_from_each_other_and_raise_no_alarm() -> None:
    for seed in range(20):
        level, upper = riding(seed)
        laid = folded(level)
        assert laid is not None
        assert np.mean((np.abs(laid - level) > GAP / 2) == upper) > 0.97
        assert detect(np.exp(level)) == []


def test_noise_with_one_mode_is_left_as_it_is() -> None:
    rng = np.random.default_rng(3)
    for _ in range(25):
        shocks = rng.standard_normal(200)
        wander = np.cumsum(0.2 * shocks)
        wide = np.where(np.arange(200) % 50 < 10, 4.0, 1.0)
        kinds = [shocks, rng.standard_t(2, 200), rng.exponential(1, 200) ** 2, wander, wide * shocks]
        assert [folded(0.01 * kind) for kind in kinds] == [None] * 5


def test_levels_that_are_visited_once_or_twice_are_no_modes() -> None:
    places = np.arange(200)
    for high in (places > 90, (places > 60) & (places < 130), (places % 80) > 40):
        assert folded(GAP * high + SIGMA * np.random.default_rng(1).standard_normal(200)) is None


def test_what_is_short_long_coarse_or_everywhere_is_left_as_it_is() -> None:
    assert folded(riding(1, 29)[0]) is None
    assert folded(riding(1, LONGEST + 1)[0]) is None
    assert mode_gap(np.round(riding(1)[0], 2)) is None, "most neighbours agree"
    assert folded(riding(1)[0] * 1000) is None, "ten billion times as much is no mode"
    assert folded(riding(1, 1000)[0] + np.linspace(0, 5, 1000)) is None


def test_modes_of_values_as_large_as_floats_can_be_are_told() -> None:
    level, _ = riding(1)
    largest = np.finfo(np.float64).max / np.exp(GAP + 10 * SIGMA)
    assert detect(largest * np.exp(level)) == []
    assert detect(largest * np.exp(-level)) == []
