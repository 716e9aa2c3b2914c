"""More labelled series out of those there are: what is put together keeps what is known of it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmarks.mixtures import backwards, gain, mixtures, steady
from benchmarks.tallies import Tally


def case(name: str, sigma: float, step: float = 0.0, length: int = 80) -> Any:
    """Normal noise with one step of so many sigma in its middle, or none."""
    noise = sigma * np.random.default_rng(len(name)).standard_normal(length)
    places, rise = ([length // 2], sigma * step) if step else ([], 0.0)
    noise[length // 2 :] += rise
    known = {"name": name, "family": "gauss", "event": "single", "ignore": [], "sigma": sigma}
    return SimpleNamespace(values=np.exp(noise), cps=places, sizes=[math.expm1(rise)] * len(places), **known)


def test_a_step_keeps_its_height_in_sigma_on_other_noise() -> None:
    stepped, calm = case("stepped", 0.05, step=6.0), case("calm", 0.001)
    (mixed, again) = mixtures([stepped], [calm], 2)
    assert mixed.cps == again.cps == stepped.cps
    level = np.log(mixed.values)
    assert np.median(level[40:]) - np.median(level[:40]) == pytest.approx(0.006, rel=0.3)
    assert mixed.z[0] == pytest.approx(6 * math.sqrt(20))
    assert np.log(steady(stepped)).std() == pytest.approx(0.05, rel=0.3)
    assert backwards([calm])[0].values[0] == calm.values[-1]


def test_a_gain_is_told_with_its_error() -> None:
    def found(hits: list[int]) -> list[Tally]:
        return [Tally("synth", str(i), None, [], hits=h, misses=2 - h) for i, h in enumerate(hits)]

    assert gain(found([1, 1, 1]), found([1, 1, 1])) == (0.0, 0.0)
    grown, error = gain(found([1] * 40), found([2] * 20 + [1] * 20))
    assert grown == pytest.approx(6 / 7 - 2 / 3)
    assert 0.01 < error < 0.1
