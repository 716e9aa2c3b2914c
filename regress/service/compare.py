"""The verb *compare*: two measured commits, series by series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from regress.config import Config
from regress.detect import compare_samples, noise_floor
from regress.domain import Comparison, Measurement, SeriesKey
from regress.errors import UnknownNameError
from regress.metrics import rule
from regress.store import Store

FEWEST_POINTS = 8
"""Measured commits from which a series' history tells its noise."""


def compare(
    store: Store, a: str, b: str, *, benchmark: str | None = None, config: Config | None = None
) -> list[Comparison]:
    """What was measured at both commits (full hashes), compared: ``a`` before, ``b`` after.

    Series are matched without their branch, so that a feature branch's commit compares with one of the main
    branch; never across machines, environments or versions of a benchmark. ``benchmark`` restricts to one
    name (UnknownNameError when there is none such). Empty when nothing was measured at both.
    """
    if benchmark is not None and benchmark not in store.benchmarks():
        raise UnknownNameError("benchmark", benchmark, store.benchmarks())
    before = {_anywhere(m.series): m for _, m in store.measurements_at(a)}
    chosen = (config or Config(root=Path())).detection
    at_b = store.measurements_at(b)
    history = store.values(series_id for series_id, _ in at_b)
    found = []
    for series_id, after in at_b:
        key = after.series
        base = before.get(_anywhere(key))
        if base is None or (benchmark is not None and key.benchmark != benchmark):
            continue
        effect = chosen.minimum_effect(key.benchmark, key.metric.name, rule(key.metric).minimum_effect)
        found.append(_comparison(series_id, base, after, effect, _noise(history.get(series_id, []))))
    return found


def _anywhere(key: SeriesKey) -> SeriesKey:
    return replace(key, branch="")


def _comparison(
    series_id: int, a: Measurement, b: Measurement, effect: float, noise: float | None
) -> Comparison:
    answer = compare_samples(a, b, minimum_effect=effect, noise=noise)
    return Comparison(
        series_id=series_id,
        series=b.series,
        a=a,
        b=b,
        verdict=answer.verdict,
        ratio=answer.ratio,
        low=answer.low,
        high=answer.high,
        resolution=answer.resolution,
        more_runs=answer.more_runs,
    )


def _noise(values: list[float]) -> float | None:
    """The relative spread of a series between commits; None while its history is short."""
    return noise_floor(np.array(values)) if len(values) >= FEWEST_POINTS else None
