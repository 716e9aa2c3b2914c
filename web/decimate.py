"""Fewer points that draw the same picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def decimate(points: Sequence[T], limit: int, value: Callable[[T], float]) -> list[T]:
    """At most ``limit`` (>= 4) of the points, in order: first, lowest, highest and last of each bucket.

    That is M4 (Jugel, Jerzak, Hackenbroich, Markl: "M4: A Visualization-Oriented Time Series Data
    Aggregation", VLDB 2014): with one bucket a pixel column, the line drawn is the one all points would
    draw, outliers included.
    """
    if limit < 4:
        raise ValueError(f"limit is {limit}; a bucket alone keeps up to 4 points")
    if len(points) <= limit:
        return list(points)
    buckets = limit // 4
    kept: list[T] = []
    for bucket in range(buckets):
        start, stop = bucket * len(points) // buckets, (bucket + 1) * len(points) // buckets
        span = range(start, stop)
        lowest = min(span, key=lambda i: value(points[i]))
        highest = max(span, key=lambda i: value(points[i]))
        kept.extend(points[i] for i in sorted({start, lowest, highest, stop - 1}))
    return kept
