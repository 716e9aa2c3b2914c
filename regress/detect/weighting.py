"""Points that are known to be unsure count for less: a series with errors told becomes one of even noise.

    values = steadied(values, standard_errors(columns))

A point's noise is that between commits and its own. Where it is more than usual, the point is drawn towards
the weighted median of its neighbours, until what is left of its deviation is the usual noise. So every
detector, whatever it assumes of noise, sees noise that does not change. Points of usual noise are left as
they are, and a series whose points are equally sure is not touched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from regress.detect.noise import EXACT, Floats, median, neighbour_sigma
from regress.domain import SeriesColumns

REACH = 5
"""Neighbours on each side."""

USUAL = 0.8
"""Usual noise relative to a point's, from which on the point is left as it is: errors are estimates, too."""

BETWEEN = 0.5
"""Part of the noise that is between commits, at least: within one run there is never all of it."""

FEWEST = 3
"""Samples that tell a spread."""

_HALF = 2.576  # standard errors in half of a 99 % interval
_OF_MEDIAN = 1.2533  # standard error of a median relative to that of a mean, for normal noise


def standard_errors(series: SeriesColumns) -> Floats:
    """The relative standard error of each point's value, from its bounds, else from its samples; else NaN."""
    values, lows, highs = (
        np.asarray(column, dtype=np.float64) for column in (series.values, series.lows, series.highs)
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        errors: Floats = np.where(values > 0, (highs - lows) / (2 * _HALF * values), np.nan)
    errors[~(errors >= 0)] = np.nan
    for place in np.flatnonzero(np.isnan(errors)).tolist():
        errors[place] = _of_samples(series.values[place], series.samples[place])
    return errors


def _of_samples(value: float, samples: Sequence[float]) -> float:
    count = len(samples)
    if count < FEWEST or value <= 0:
        return math.nan
    return _OF_MEDIAN * float(np.std(samples, ddof=1)) / math.sqrt(count) / value


def steadied(values: Floats, errors: Floats) -> Floats:
    """The values, with those of larger ``errors`` (relative; NaN: unknown) drawn towards their neighbours."""
    known = np.isfinite(errors)
    if values.size <= 2 * REACH or not known.any() or not (np.isfinite(values) & (values > 0)).all():
        return values
    level = np.log(values)
    usual = median(errors[known])
    sigma = neighbour_sigma(level)
    between = max(sigma * sigma - usual * usual, (BETWEEN * sigma) ** 2)
    noise = np.sqrt(between + np.where(known, errors, usual) ** 2)
    share = median(noise) / np.maximum(noise, EXACT)
    unsure = np.flatnonzero(share < USUAL)
    if not unsure.size:
        return values
    middle = _weighted_medians(level, 1 / np.maximum(noise, EXACT) ** 2, unsure)
    level[unsure] = middle + share[unsure] * (level[unsure] - middle)
    drawn = values.copy()
    drawn[unsure] = np.exp(level[unsure])
    return drawn


def _weighted_medians(
    level: Floats, weights: Floats, places: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> Floats:
    """The weighted median of the neighbours of some places."""
    width = 2 * REACH + 1
    starts = np.clip(places - REACH, 0, level.size - width)
    near, weigh = sliding_window_view(level, width)[starts], sliding_window_view(weights, width)[starts]
    order = np.argsort(near, axis=1)
    sums = np.cumsum(np.take_along_axis(weigh, order, axis=1), axis=1)
    half = np.argmax(sums >= sums[:, -1:] / 2, axis=1)
    medians: Floats = np.take_along_axis(near, np.take_along_axis(order, half[:, None], axis=1), axis=1)[:, 0]
    return medians
