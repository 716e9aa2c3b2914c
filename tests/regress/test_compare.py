"""Three-valued comparison: of two measurements, and of two commits in a store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regress.config import parse
from regress.detect import compare_samples
from regress.domain import Delivery, Direction, Environment, Machine, Measurement, Metric, SeriesKey, Verdict
from regress.errors import UnknownNameError
from regress.service.compare import compare
from regress.store import Store

TIME = Metric("wall time", "seconds")
KEY = SeriesKey("bench", (), TIME, "box", "py", "main")
COUNT = replace(KEY, metric=Metric("instructions", "instructions"))


def sampled(value: float, spread: float, n: int = 30, key: SeriesKey = KEY, seed: int = 0) -> Measurement:
    samples = value * (1 + spread * np.random.default_rng(seed).standard_normal(n))
    return Measurement(key, "c", float(np.median(samples)), samples=tuple(samples.tolist()))


def bare(
    value: float, key: SeriesKey = KEY, low: float | None = None, high: float | None = None
) -> Measurement:
    return Measurement(key, "c", value, low, high)


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.2, Verdict.SLOWER), (1 / 1.2, Verdict.FASTER), (1.0, Verdict.SAME), (1.005, Verdict.SAME)],
)
def test_clear_cases(ratio: float, verdict: Verdict) -> None:
    answer = compare_samples(sampled(1.0, 0.01), sampled(ratio, 0.01, seed=1), minimum_effect=0.03)
    assert answer.verdict is verdict
    assert answer.low < ratio < answer.high
    assert answer.more_runs is None


def test_what_noise_hides_cannot_be_told_and_says_how_many_runs_would() -> None:
    a, b = sampled(1.0, 0.3), sampled(1.08, 0.3, seed=1)
    answer = compare_samples(a, b, minimum_effect=0.03)
    assert answer.verdict is Verdict.UNCLEAR
    assert answer.resolution > 0.1
    assert answer.more_runs is not None
    more = compare_samples(sampled(1.0, 0.3, 20_000), sampled(1.08, 0.3, 20_000, seed=1), minimum_effect=0.03)
    assert more.verdict is Verdict.SLOWER


def test_higher_is_better_turns_the_verdict() -> None:
    rate = replace(KEY, metric=Metric("rate", "ops/s", Direction.HIGHER))
    a, b = sampled(1.0, 0.01, key=rate), sampled(1.2, 0.01, key=rate, seed=1)
    assert compare_samples(a, b, minimum_effect=0.03).verdict is Verdict.FASTER


def test_exact_counters_compare_exactly() -> None:
    answer = compare_samples(bare(1000, COUNT), bare(1002, COUNT), minimum_effect=0.001)
    assert (answer.verdict, answer.ratio, answer.low, answer.high) == (Verdict.SLOWER, 1.002, 1.002, 1.002)
    assert compare_samples(bare(1000, COUNT), bare(1002, COUNT), minimum_effect=0.01).verdict is Verdict.SAME
    assert compare_samples(bare(1000, COUNT), bare(1000, COUNT), minimum_effect=0.0).verdict is Verdict.SAME


def test_one_naked_time_says_nothing() -> None:
    answer = compare_samples(bare(1.0), bare(3.0), minimum_effect=0.03)
    assert (answer.verdict, answer.ratio, answer.more_runs) == (Verdict.UNCLEAR, 3.0, None)


def test_the_tools_own_bounds_serve_where_samples_are_missing() -> None:
    a, b = bare(1.0, low=0.99, high=1.01), bare(1.2, low=1.19, high=1.21)
    assert compare_samples(a, b, minimum_effect=0.03).verdict is Verdict.SLOWER
    wide = bare(1.2, low=0.7, high=1.7)
    assert compare_samples(a, wide, minimum_effect=0.03).verdict is Verdict.UNCLEAR


def test_known_noise_between_runs_widens_the_interval() -> None:
    a, b = sampled(1.0, 0.001), sampled(1.05, 0.001, seed=1)
    assert compare_samples(a, b, minimum_effect=0.03).verdict is Verdict.SLOWER
    assert compare_samples(a, b, minimum_effect=0.03, noise=0.05).verdict is Verdict.UNCLEAR


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [(0, 0, Verdict.SAME), (0, 5, Verdict.SLOWER), (5, 0, Verdict.FASTER), (-5, 5, Verdict.SLOWER)],
)
def test_zero_and_negative_values_have_no_ratio_but_an_answer(a: float, b: float, verdict: Verdict) -> None:
    assert compare_samples(bare(a, COUNT), bare(b, COUNT), minimum_effect=0.01).verdict is verdict


def test_false_verdicts_are_rare() -> None:
    """The same code twice: at most 2 in 100 may claim a difference (1 % by design, on each of 300 pairs)."""
    pairs = [(sampled(1.0, 0.05, 20, seed=2 * i), sampled(1.0, 0.05, 20, seed=2 * i + 1)) for i in range(300)]
    wrong = [1 for a, b in pairs if compare_samples(a, b, minimum_effect=0.0).verdict is not Verdict.UNCLEAR]
    assert len(wrong) <= 6


POSITIVE = st.floats(1e-300, 1e300)


@given(POSITIVE, POSITIVE, st.lists(POSITIVE, max_size=5), st.floats(0, 1))
def test_swapping_sides_swaps_the_verdict(a: float, b: float, samples: list[float], effect: float) -> None:
    one, two = Measurement(COUNT, "c", a, samples=tuple(samples)), bare(b, COUNT)
    there, back = (
        compare_samples(one, two, minimum_effect=effect),
        compare_samples(two, one, minimum_effect=effect),
    )
    swapped = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    assert back.verdict is swapped.get(there.verdict, there.verdict)


# -- commits in a store ----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/x.db") as opened:
        yield opened


def deliver(store: Store, *measurements: Measurement) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    digest = repr(measurements)
    store.deliver(Delivery("asv", "x", digest, Machine("box"), Environment("py"), measurements, (), at))


def test_commits_compare_by_series_across_branches_only(store: Store) -> None:
    topic, other = replace(KEY, branch="topic"), replace(KEY, benchmark="other")
    deliver(
        store,
        replace(sampled(1.0, 0.01), commit="a" * 40),
        replace(sampled(1.0, 0.01, key=other), commit="a" * 40),
    )
    deliver(store, replace(sampled(1.3, 0.01, key=topic, seed=1), commit="b" * 40))
    deliver(store, replace(sampled(9.0, 0.01, key=replace(other, machine="slow")), commit="b" * 40))
    (one,) = compare(store, "a" * 40, "b" * 40)
    assert (one.series, one.verdict, one.a.value, one.b.value) == (
        topic,
        Verdict.SLOWER,
        one.a.value,
        one.b.value,
    )
    assert one.ratio == pytest.approx(1.3, rel=0.02)
    with pytest.raises(UnknownNameError) as caught:
        compare(store, "a" * 40, "b" * 40, benchmark="othr")
    assert caught.value.near == ("other",)
    assert compare(store, "a" * 40, "c" * 40) == []


def test_the_configured_effect_decides_what_is_the_same(store: Store) -> None:
    deliver(store, replace(sampled(1.0, 0.001), commit="a" * 40))
    deliver(store, replace(sampled(1.1, 0.001, seed=1), commit="b" * 40))
    tolerant = parse("[[detection.effect]]\nminimum = 0.5", Path("regress.toml"))
    assert compare(store, "a" * 40, "b" * 40)[0].verdict is Verdict.SLOWER
    assert compare(store, "a" * 40, "b" * 40, config=tolerant)[0].verdict is Verdict.SAME


def test_short_histories_share_the_noise_of_the_run(store: Store) -> None:
    rng = np.random.default_rng(3)
    keys = [replace(KEY, benchmark=f"bench {i:02}") for i in range(60)]
    ratios = np.exp(0.04 * rng.standard_normal(60))
    ratios[:2] = 1.06, 1.5
    before = [replace(sampled(1.0, 0.002, key=key), commit="a" * 40) for key in keys]
    after = [
        replace(sampled(r, 0.002, key=key), commit="b" * 40) for key, r in zip(keys, ratios, strict=True)
    ]
    deliver(store, *before[:2])
    deliver(store, *after[:2])
    assert [c.verdict for c in compare(store, "a" * 40, "b" * 40)] == [Verdict.SLOWER, Verdict.SLOWER]
    deliver(store, *before)
    deliver(store, *after)
    verdicts = [c.verdict for c in compare(store, "a" * 40, "b" * 40)]
    assert verdicts[:2] == [Verdict.UNCLEAR, Verdict.SLOWER]
    assert verdicts[2:].count(Verdict.UNCLEAR) >= 54  # of 58; 21 claim a difference without
