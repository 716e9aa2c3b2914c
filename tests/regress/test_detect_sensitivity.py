"""What a series can see: its stated sizes are compared with what the detector does at them."""

from __future__ import annotations

import numpy as np
import pytest

from regress.detect import detect, sensitivity
from regress.detect.sensitivity import FEWEST, SETTLED, Mode, mode_of

RNG = np.random.default_rng


def noisy(seed: int, n: int = 80, sigma: float = 0.01) -> np.ndarray:
    return np.exp(sigma * RNG(seed).standard_normal(n))


def flagged(size: float, tries: int = 40) -> int:
    """Of so many series with a step near their end, in how many the detector finds it."""
    found = 0
    for seed in range(tries):
        values = noisy(seed, 80 + SETTLED)
        values[80:] *= 1 + size
        found += any(abs(change.index - 80) <= 3 for change in detect(values))
    return found


def test_the_smallest_change_is_one_that_the_detector_flags() -> None:
    stated = [sensitivity(noisy(seed)) for seed in range(10)]
    smallest = float(np.median([one.smallest for one in stated if one]))
    assert flagged(smallest) >= 32  # nine in ten are promised
    assert flagged(smallest / 2) <= 8


def test_noise_is_that_between_changes() -> None:
    values = noisy(1, 200)
    values[100:] *= 1.5
    found = sensitivity(values, [change.index for change in detect(values)])
    assert found is not None
    assert found.noise == pytest.approx(0.01, rel=0.2)
    assert found.mode is Mode.STEADY


def test_a_smaller_change_has_a_price_that_pays() -> None:
    found = sensitivity(noisy(3, 400))
    assert found is not None
    assert found.more is not None
    assert 0 < found.target < found.smallest
    hits = 0
    for seed in range(20):
        values = noisy(seed, 400 + SETTLED + found.more)
        values[400:] *= 1 + found.target
        hits += any(abs(change.index - 400) <= 8 for change in detect(values))
    assert hits >= 14


def test_what_no_number_of_measurements_shows_has_no_price() -> None:
    short = sensitivity(noisy(1, FEWEST))
    assert short is not None
    assert short.more is None


def test_a_counter_sees_everything_and_few_points_nothing() -> None:
    counter = sensitivity(np.full(20, 7.0))
    assert counter is not None
    assert (counter.noise, counter.smallest, counter.mode) == (0.0, 0.0, Mode.STEADY)
    assert sensitivity(np.full(FEWEST - 1, 7.0)) is None
    assert sensitivity(np.array([np.nan] * 20)) is None


def bimodal() -> np.ndarray:
    return noisy(5) * np.where(RNG(6).random(80) < 0.4, 1.2, 1.0)


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        (noisy(1), Mode.STEADY),
        (bimodal(), Mode.BIMODAL),
        (noisy(2) * np.linspace(1, 1.1, 80), Mode.DRIFTING),
        (1 + 0.01 * (RNG(3).random(80) < 0.1) + 0.01 * (RNG(4).random(80) < 0.05), Mode.QUANTISED),
    ],
)
def test_modes(values: np.ndarray, mode: Mode) -> None:
    assert mode_of(np.log(values)) is mode


def test_modes_of_unchanged_noise_are_steady() -> None:
    modes = [mode_of(np.log(noisy(seed, n))) for seed in range(100) for n in (8, 20, 100)]
    assert modes.count(Mode.STEADY) >= 295
