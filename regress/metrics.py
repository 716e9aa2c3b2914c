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
CPU_TIME = Metric("cpu time", "seconds")
PEAK_MEMORY = Metric("peak memory", "bytes")
OBJECT_SIZE = Metric("object size", "bytes")
ALLOCATED = Metric("allocated memory", "bytes")
ALLOCATIONS = Metric("allocations", "1")
INSTRUCTIONS = Metric("instructions", "1")

RULES: tuple[MetricRule, ...] = (
    MetricRule(
        WALL_TIME, "time", 0.03
    ),  # below, layout and alignment luck move unrelated code (Mytkowicz 2009)
    MetricRule(CPU_TIME, "time", 0.03),
    MetricRule(PEAK_MEMORY, "bytes", 0.01),
    MetricRule(OBJECT_SIZE, "bytes", 0.01),
    MetricRule(ALLOCATED, "bytes", 0.01),
    MetricRule(ALLOCATIONS, "number", 0.01),
    MetricRule(INSTRUCTIONS, "number", 0.01),
)

SCALES: dict[str, str] = {"seconds": "time", "bytes": "bytes"}
"""How pages write the values of metrics without a row, by unit; others are plain numbers."""

_DEFAULT_EFFECT = 0.01
_BY_METRIC = {rule.metric: rule for rule in RULES}
_HIGHER_IS_BETTER = ("/s", "/sec", "/second", "per second", "ops", "hz", "throughput")
_RATES = ("ops/", "iter/")  # JMH also counts operations per milli-, micro- or nanosecond

_TIMES = {
    1.0: ("s", "sec", "secs", "second", "seconds"),
    1e-3: ("ms", "msec", "msecs", "millisecond", "milliseconds"),
    1e-6: ("us", "µs", "μs", "usec", "usecs", "microsecond", "microseconds"),
    1e-9: ("ns", "nsec", "nsecs", "nanosecond", "nanoseconds"),
    60.0: ("min", "minute", "minutes"),
}
_SIZES = {
    1.0: ("b", "byte", "bytes"),
    1e3: ("kb",),
    1e6: ("mb",),
    1e9: ("gb",),
    1024.0: ("kib",),
    1048576.0: ("mib",),
    1073741824.0: ("gib",),
}
_PER = ("/op", "/iter", "/iteration", "/call", "/operation", "/run")
_SPELLED = {
    unit: (metric, factor)
    for metric, table in ((WALL_TIME, _TIMES), (Metric("size", "bytes"), _SIZES))
    for factor, units in table.items()
    for unit in units
}


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
    higher = lowered.endswith(_HIGHER_IS_BETTER) or lowered.startswith(_RATES)
    return Direction.HIGHER if higher else Direction.LOWER


def metric_of(unit: str, name: str = "") -> tuple[Metric, float]:
    """The metric that a unit as tools spell it stands for, and what makes values of it the metric's own.

    "ns/op" is wall time, times 1e-9. A unit that is no time or size is a metric of its own. ``name`` is what
    the metric is called where the unit alone does not say.
    """
    bare = unit.strip()
    spelled = bare.lower()
    for ending in _PER:
        spelled = spelled.removesuffix(ending)
    known, factor = _SPELLED.get(spelled, (None, 1.0))
    if known is not None:
        return Metric(name or known.name, known.unit), factor
    if bare in ("", "1"):
        return Metric(name or "value", "1"), 1.0
    return Metric(name or bare, bare, direction_of(bare)), 1.0
