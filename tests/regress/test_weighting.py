"""What is known of each point's error is used: steps are found among unsure points, and no more is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from regress.config import Config
from regress.detect import detect
from regress.detect.weighting import standard_errors, steadied
from regress.domain import Measurement, Point, Series
from regress.service.analyse import analyse
from regress.store import Store
from tests.regress.fixtures.stores import KEY, commit, delivery, sha

POINTS, AT = 120, 80


def uneven(seed: int, step: float) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Values of which three in ten have six times the error of the others, and the errors."""
    rng = np.random.default_rng(seed)
    errors = np.where(rng.random(POINTS) < 0.3, 0.03, 0.005)
    level = 0.004 * rng.standard_normal(POINTS) + errors * rng.standard_normal(POINTS)
    level[AT:] += np.log1p(step)
    return np.exp(level), errors


def hits(values: np.ndarray) -> bool:  # type: ignore[type-arg]
    return any(abs(change.index - AT) <= 3 for change in detect(values, minimum_effect=0.005))


def test_small_steps_are_found_more_often_where_errors_are_told() -> None:
    tried = [uneven(seed, 0.015) for seed in range(40)]
    plain = sum(hits(values) for values, _ in tried)
    told = sum(hits(steadied(values, errors)) for values, errors in tried)
    assert plain <= 32
    assert told >= plain + 5


def test_without_a_step_nothing_is_found() -> None:
    flat = [steadied(*uneven(seed, 0.0)) for seed in range(1000, 1060)]
    assert sum(len(detect(values, minimum_effect=0.005)) for values in flat) <= 1


@pytest.mark.parametrize("errors", [0.01, np.nan])
def test_points_that_are_equally_sure_are_left_alone(errors: float) -> None:
    values, _ = uneven(1, 0.1)
    assert steadied(values, np.full(POINTS, errors)) is values


@pytest.mark.parametrize("values", [np.zeros(50), np.full(50, -1.0), np.full(50, np.nan), np.ones(5)])
def test_what_has_no_logarithm_is_left_alone(values: np.ndarray) -> None:  # type: ignore[type-arg]
    assert steadied(values, np.full(values.size, 0.1)) is values


def test_errors_are_those_of_bounds_or_samples() -> None:
    bounds = Point("a", 0, 2.0, 1.9, 2.1, (1.0, 2.0, 3.0))
    samples = tuple(np.random.default_rng(1).normal(2.0, 0.2, 100).tolist())
    many, few = Point("b", 1, 2.0, samples=samples), Point("c", 2, 2.0, samples=samples[:2])
    strange = [
        Point("d", 3, 0.0, -1.0, 1.0),
        Point("e", 4, 1.0, 2.0, 1.0),
        Point("f", 5, 1e300, -1e308, 1e308),
    ]
    known = standard_errors(Series(1, KEY, (bounds, many, few, *strange)).columns)
    assert known[0] == pytest.approx(0.05 / 2.576)
    assert known[1] == pytest.approx(1.25 * 0.1 / 10, rel=0.3)
    assert np.isnan(known[2:5]).all()


def test_bounds_of_measurements_reach_the_detector(tmp_path: Path) -> None:
    values, errors = uneven(2, 0.0)
    noisy = np.flatnonzero(errors > 0.01)
    with Store.open(f"sqlite:///{tmp_path}/x.db") as store:
        store.record_commits("main", [commit(i) for i in range(POINTS)], default=True)
        values[AT : AT + 8] *= 1.5  # a burst, told to be unsure
        errors[AT : AT + 8] = 0.5
        told = [
            Measurement(KEY, sha(i), float(v), float(v * (1 - 2.576 * e)), float(v * (1 + 2.576 * e)))
            for i, (v, e) in enumerate(zip(values, errors, strict=True))
        ]
        store.deliver(delivery(*told, digest="filled"))
        found = analyse(store, Config(root=Path("/nowhere")), "main")
        assert noisy.size
        assert found.new == found.brief == ()
        plain = [change.index for change in detect(values, minimum_effect=0.03)]
        assert any(abs(index - AT) <= 1 for index in plain)
