"""The line of a series: of its points so many as draw the same picture, as columns or with their commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regress.service.browse.remembering import remembered
from regress.service.browse.series import LocatedPoint, locate
from regress.store import Store

Floats = npt.NDArray[np.float64]

MANY = 2_000
"""Points of a line that is kept in memory for the next reader, with their commits and samples: 1 MB."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points of a series in history's order, a row each: position, time of the commit (seconds since 1970),
    value, low and high (NaN where unknown). ``total`` counts those in range, drawn or not.
    """

    total: int
    points: Floats


def line(
    store: Store, series_id: int, start: int | None = None, stop: int | None = None, limit: int = 2_000
) -> Line:
    """Points from position ``start`` to ``stop``, at most ``limit``. UnknownNameError for no series."""
    whole = start is None and stop is None
    return _whole(store, series_id, limit) if whole else _part(store, series_id, start, stop, limit)


def located_line(
    store: Store, series_id: int, start: int | None, stop: int | None, limit: int
) -> tuple[int, Sequence[LocatedPoint]]:
    """The same points with their commits, and how many there are in range."""
    if start is None and stop is None:
        return _located_whole(store, series_id, limit)
    return _located(store, series_id, start, stop, limit)


# The whole is what each reader of a series begins with; stretches are as many as there are zooms.
@remembered(keep=lambda told: len(told.points) <= MANY)
def _whole(store: Store, series_id: int, limit: int) -> Line:
    return _part(store, series_id, None, None, limit)


@remembered(keep=lambda told: len(told[1]) <= MANY)
def _located_whole(store: Store, series_id: int, limit: int) -> tuple[int, Sequence[LocatedPoint]]:
    return _located(store, series_id, None, None, limit)


def _part(store: Store, series_id: int, start: int | None, stop: int | None, limit: int) -> Line:
    with store.moment():
        total, kept = _thinned(store, series_id, start, stop, limit)
        return Line(total, np.array(store.figures(series_id, kept), dtype=np.float64).reshape(-1, 5))


def _located(
    store: Store, series_id: int, start: int | None, stop: int | None, limit: int
) -> tuple[int, Sequence[LocatedPoint]]:
    with store.moment():
        total, kept = _thinned(store, series_id, start, stop, limit)
        branch = store.series_key(series_id).branch
        return total, tuple(locate(store, branch, store.points_at(series_id, kept)))


def _thinned(
    store: Store, series_id: int, start: int | None, stop: int | None, limit: int
) -> tuple[int, tuple[int, ...]]:
    """How many points there are in range, and the positions of those that are drawn."""
    store.series_key(series_id)  # or it is unknown
    all_of_it = store.line(series_id, start, stop)
    kept = thin([value for _, value in all_of_it], limit)
    return len(all_of_it), tuple(all_of_it[i][0] for i in kept)


def thin(values: Sequence[float], limit: int) -> list[int]:
    """Indices of at most ``limit`` (>= 4) values, in order: first, lowest, highest and last of each bucket.

    That is M4 (Jugel, Jerzak, Hackenbroich, Markl: "M4: A Visualization-Oriented Time Series Data
    Aggregation", VLDB 2014): with one bucket a pixel column, the line drawn is the one all points would
    draw, outliers included.
    """
    if limit < 4:
        raise ValueError(f"limit is {limit}; a bucket alone keeps up to 4 points")
    if len(values) <= limit:
        return list(range(len(values)))
    column, buckets = np.asarray(values, dtype=np.float64), limit // 4
    kept: list[int] = []
    for bucket in range(buckets):
        start, stop = bucket * column.size // buckets, (bucket + 1) * column.size // buckets
        span = column[start:stop]
        kept.extend(sorted({start, start + int(span.argmin()), start + int(span.argmax()), stop - 1}))
    return kept
