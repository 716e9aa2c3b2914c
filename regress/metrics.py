"""The metrics we know: one row each with unit, direction, scale for reading, and the change that matters.

A metric that no row knows (a suite's own ``track_`` number) is as good a citizen, with the last row's rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from regress.domain import Direction, Metric


@dataclass(frozen=True, slots=True)
class MetricRule:
    """What is known of a metric beyond its name. ``scale`` names how pages write its values.

    ``minimum_effect`` is the smallest relative change reported unless the configuration says otherwise.
    """

    metric: Metric
    scale: str
    minimum_effect: float


WALL_TIME = Metric("wall time", "seconds")
PEAK_MEMORY = Metric("peak memory", "bytes")
OBJECT_SIZE = Metric("object size", "bytes")

RULES: tuple[MetricRule, ...] = (
    MetricRule(
        WALL_TIME, "time", 0.03
    ),  # below, layout and alignment luck move unrelated code (Mytkowicz 2009)
    MetricRule(PEAK_MEMORY, "bytes", 0.01),
    MetricRule(OBJECT_SIZE, "bytes", 0.01),
)

SCALES: dict[str, str] = {"seconds": "time", "bytes": "bytes"}
"""How pages write the values of metrics without a row, by unit; others are plain numbers."""

_DEFAULT_EFFECT = 0.01
_BY_METRIC = {rule.metric: rule for rule in RULES}
_HIGHER_IS_BETTER = ("/s", "per second", "ops", "hz", "throughput")


def rule(metric: Metric) -> MetricRule:
    """The row of a metric, or one made from its unit."""
    known = _BY_METRIC.get(metric)
    return known or MetricRule(metric, SCALES.get(metric.unit, "number"), effect_by_unit(metric.unit))


def effect_by_unit(unit: str) -> float:
    """The smallest change that matters where only the unit is known: times are noisy, counts are not."""
    return 0.03 if unit == "seconds" else _DEFAULT_EFFECT


def direction_of(unit: str) -> Direction:
    """Which way is better, where a tool tells a unit only: rates go up, all else goes down."""
    lowered = unit.lower()
    higher = any(lowered.endswith(ending) for ending in _HIGHER_IS_BETTER)
    return Direction.HIGHER if higher else Direction.LOWER
