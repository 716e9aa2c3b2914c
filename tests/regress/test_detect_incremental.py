"""One point at a time: the detector's answers, at the commits where it gives them, and cheaply."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regress.detect import ChangePoint, Incremental, Options, detect


def places(changes: list[ChangePoint]) -> list[int]:
    return [change.index for change in changes]


def step(seed: int, *, size: float, n: int = 160, at: int = 90, sigma: float = 0.01) -> list[float]:
    noise = sigma * np.random.default_rng(seed).standard_normal(n)
    values: list[float] = np.exp(noise + np.where(np.arange(n) >= at, size, 0.0)).tolist()
    return values


@pytest.mark.parametrize("seed", range(10))
def test_a_clear_step_is_seen_at_the_commit_at_which_the_detector_sees_it(seed: int) -> None:
    values = step(seed, size=0.08)
    state = Incremental()
    for count, value in enumerate(values[:110], 1):
        found = places(state.append(value))
        assert count < 93 or found == places(detect(values[:count])), count
    assert found == [90]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats() | st.floats(0.9, 1.1), max_size=60))
def test_a_look_is_the_answer_of_the_detector(values: list[float]) -> None:
    state = Incremental()
    for value in values:
        state.append(value)
    assert values == [] or state.look() == detect(values)


def test_a_weak_step_is_seen_when_the_series_has_grown_by_a_quarter_at_the_latest() -> None:
    values = step(3, size=0.015, n=400, at=200)
    state = Incremental()
    assert [state.append(value) for value in values][249]
    assert places(detect(values[:250])) != []


def test_options_and_points_that_were_not_measured_count() -> None:
    values = step(4, size=0.02, n=60, at=30, sigma=0.001)
    values[10] = values[31] = math.nan
    for effect, expected in ((0.0, [30]), (0.03, [])):
        state = Incremental(options=Options(minimum_effect=effect))
        assert places([state.append(value) for value in values][-1]) == expected


def test_an_exact_counter_changes_at_once_and_may_fall_to_nothing() -> None:
    state = Incremental()
    answers = [places(state.append(value)) for value in [100.0] * 30 + [101.0] + [0.0] * 2]
    assert answers[29:] == [[], [30], [30, 31], [30, 31]]


def test_looks_are_rare() -> None:
    state = Incremental()
    for value in step(5, size=0.0, n=3000):
        state.append(value)
    assert state.looks < 60
