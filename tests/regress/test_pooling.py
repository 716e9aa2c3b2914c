"""Small changes that many series share are one finding; the moods of a machine and lone changes are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from regress.config import Config, with_settings
from regress.domain import Cause, Direction, Measurement, Metric, SeriesKey
from regress.service.analyse import analyse
from regress.service.backtest import backtest
from regress.store import Store
from tests.regress.fixtures.stores import KEY, commit, delivery, sha

COMMITS, AT, EACH = 80, 65, 10
CONFIG = Config(root=Path("/nowhere"))
RATE = Metric("throughput", "1/s", Direction.HIGHER)


def key(number: int) -> SeriesKey:
    """One of thirty series in three classes; every other one is a rate, of which less is worse."""
    name = f"sort.class{number // EACH}.bench{number % EACH}"
    return replace(KEY, benchmark=name, metric=RATE if number % 2 else KEY.metric)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/x.db")


def fill(store: Store, moved: Sequence[int], size: float, mood: float = 0.003, bumps: int = 0) -> None:
    """Thirty series with 1.3 % noise and a mood in common; some of them ``size`` worse from ``AT`` on."""
    rng = np.random.default_rng(8)
    store.record_commits("main", [commit(i) for i in range(COMMITS)], default=True)
    common = mood * rng.standard_normal(COMMITS)
    common[AT : AT + bumps] += 0.02
    told = []
    for number in range(3 * EACH):
        level = common + 0.013 * rng.standard_normal(COMMITS)
        level[AT:] += np.log1p(size) if number in moved else 0
        values = np.exp(-level if number % 2 else level)
        told += [Measurement(key(number), sha(i), float(values[i])) for i in range(COMMITS)]
    store.deliver(delivery(*told, digest="filled"))


def test_a_step_that_ten_series_share_is_one_finding_though_none_shows_it_alone(store: Store) -> None:
    fill(store, range(EACH), 0.013)
    (event,) = analyse(store, CONFIG, "main").new
    assert (event.kind.value, event.cause) == ("regression", Cause.CODE)
    assert abs(int(event.first_after[:8], 16) - AT) <= 2
    named = {part.series.benchmark for part in event.changes}
    assert len(named) >= 0.7 * EACH
    assert all(name.startswith("sort.class0.") for name in named)
    assert "of 10 series under sort.class0 moved together, by about " in event.note
    for part in event.changes:
        worse = part.change.ratio < 1 if part.series.metric == RATE else part.change.ratio > 1
        assert worse
        assert part.change.low < part.change.ratio < part.change.high
    assert analyse(store, CONFIG, "main").kept == (event,)
    alone = replace(CONFIG, detection=with_settings(CONFIG.detection, ["pooling=0"]))
    assert analyse(store, alone, "main").went_away[0].id == event.id


def test_what_is_below_the_share_of_what_matters_is_not_told(store: Store) -> None:
    fill(store, range(EACH), 0.013)
    strict = replace(CONFIG, detection=with_settings(CONFIG.detection, ["pooling=0.9"]))
    assert analyse(store, strict, "main").new == ()


@pytest.mark.parametrize("bumps", [0, 1])
def test_a_moody_machine_alone_is_none(store: Store, bumps: int) -> None:
    fill(store, (), 0.0, mood=0.01, bumps=bumps)
    assert analyse(store, CONFIG, "main").new == ()


def test_a_lone_change_is_told_once(store: Store) -> None:
    fill(store, (3,), 0.2)
    (event,) = analyse(store, CONFIG, "main").new
    assert ([part.series for part in event.changes], event.note) == ([key(3)], "")


def test_a_backtest_replays_the_pool_too(store: Store) -> None:
    fill(store, range(EACH), 0.013)
    other = with_settings(CONFIG.detection, ["pooling=0"])
    (row,) = backtest(store, CONFIG, "main", other).rows
    assert row.outcome.value == "goes"
    assert row.now is not None
    assert row.now.series >= 0.7 * EACH
    assert 2 <= row.now.delay <= 25
