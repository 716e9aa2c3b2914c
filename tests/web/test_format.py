"""Numbers, ages and small drawings as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regress import words
from regress.domain import Direction
from regress.service.browse import Spark
from regress.service.browse.line import thin
from web import drawing, format


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (0.00123, "seconds", "1.230 ms"),
        (0.0004399, "seconds", "439.9 µs"),
        (61.5, "seconds", "61.50 s"),
        (3e-9, "seconds", "3.000 ns"),
        (0, "seconds", "0 s"),
        (73.0 * 2**20, "bytes", "73.00 MiB"),
        (12, "bytes", "12 B"),
        (42, "1", "42"),
        (1_234_567, "instructions", "1.235 M instructions"),
        (-2_500, "1", "−2.500 k"),
        (math.inf, "seconds", "∞ s"),
    ],
)
def test_value(amount: float, unit: str, text: str) -> None:
    assert words.value(amount, unit) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.153, "+15.3 %"),
        (0.75, "−25.0 %"),
        (1.0123, "+1.23 %"),
        (1.00002, "+0.0020 %"),
        (1, "±0 %"),
        (3.4, "+240 %"),
        (12.0, "×12.00"),
        (math.inf, "from zero"),
    ],
)
def test_change(ratio: float, text: str) -> None:
    assert words.change(ratio) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=40), "1 hour ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(days=8), "8 days ago"),
        (timedelta(days=21), "3 weeks ago"),
        (timedelta(days=200), "7 months ago"),
        (timedelta(days=1500), "4 years ago"),
    ],
)
def test_age(ago: timedelta, text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert format.age(now - ago, now) == text


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["seconds", "bytes", "1", "cycles"]))
def test_any_value_has_a_text(amount: float, unit: str) -> None:
    assert words.value(amount, unit)


@given(st.lists(st.floats(-1e300, 1e300), max_size=300), st.integers(4, 100))
def test_thinning_keeps_order_ends_and_extremes(values: list[float], limit: int) -> None:
    kept = thin(values, limit)
    assert len(kept) <= limit
    assert kept == sorted(set(kept))
    if values:
        assert {0, len(values) - 1} <= set(kept)
        assert {min(values), max(values)} <= {values[i] for i in kept}


def test_spark_changes_colour_at_the_mark() -> None:
    drawn = str(drawing.spark(Spark((1.0, 1.0, 2.0, 2.0), mark=2), "worse"))
    before, after = drawn.split('<polyline class="worse"')
    assert before.count(",") == 3  # one stretch of three points: up to and with the first of the new level
    assert after.split("/>")[0].count(",") == 3


def test_spark_of_a_quiet_series_looks_quiet() -> None:
    drawn = str(drawing.spark(Spark((100.0, 100.5, 99.8, 100.1))))
    heights = [float(point.split(",")[1]) for point in drawn.split('points="')[1].split('"')[0].split()]
    assert max(heights) - min(heights) < drawing.SPARK_HEIGHT / 8


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, math.nan, 2.0)])
def test_spark_of_too_little_draws_nothing(values: tuple[float, ...]) -> None:
    assert str(drawing.spark(Spark(values))) == ""


@given(st.floats(0.01, 10), st.floats(0, 2), st.floats(0.001, 5))
def test_effect_stays_inside_its_drawing(ratio: float, half: float, scale: float) -> None:
    drawn = str(drawing.effect(ratio, ratio - half, ratio + half, scale, "worse"))
    places = [float(part.split('"')[1]) for part in drawn.split(" x")[1:]]
    assert all(0 <= place <= drawing.EFFECT_WIDTH for place in places)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.098, 1.143, "+9.8 to +14.3 %"),
        (0.9995, 1.0212, "−0.05 to +2.12 %"),
        (1.0, 1.2, "0.0 to +20.0 %"),
        (0.5, 20.0, "−50.0 % to ×20.00"),
        (1.1, math.inf, "+10.0 % or more"),
        (0.0, math.inf, "interval unknown"),
    ],
)
def test_interval(low: float, high: float, text: str) -> None:
    assert words.interval(low, high) == text


def test_effect_without_bounds_has_no_whisker() -> None:
    assert "whisker" not in drawing.effect(1.1, 0.0, math.inf, 0.2, "unclear")
    assert str(drawing.effect(1.1, 1.0, 1.2, 0.2, "unclear")).count("whisker") == 3


def test_mean_tone_follows_the_metrics_direction() -> None:
    assert drawing.mean_tone(1.1, Direction.LOWER) == "worse"
    assert drawing.mean_tone(1.1, Direction.HIGHER) == "better"
    assert drawing.mean_tone(1.001, Direction.LOWER) == "same"


@pytest.mark.parametrize(
    ("days", "text"), [(2, "due in 2 days"), (1, "due in 1 day"), (0.3, "due today"), (-3, "3 days overdue")]
)
def test_due_dates_are_days(days: float, text: str) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert format.due(now + timedelta(days=days), now) == text


@pytest.mark.parametrize(("times", "text"), [(4.66, "4.7×"), (12.4, "12×"), (math.inf, "over 100×")])
def test_factors_are_short(times: float, text: str) -> None:
    assert format.factor(times) == text
