"""The verb *compare*: two measured commits, series by series.

How sure an answer can be depends on how far runs of the same code differ. That is taken from a series' own
history; where this is short, from all series that were measured at both commits.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
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

FEWEST_SERIES = 8
"""Series from which, while histories are short, their changes together tell the noise of a run."""

_TO_SIGMA = 1.4826 / math.sqrt(2)  # the median size of a difference of two normal values, to one's sigma


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
    pairs = [(id_, base, after) for id_, after in at_b if (base := before.get(_anywhere(after.series)))]
    history = store.values(id_ for id_, _, _ in pairs)
    pooled = _pooled([(base, after) for _, base, after in pairs])
    found = []
    for series_id, base, after in pairs:
        key = after.series
        if benchmark is not None and key.benchmark != benchmark:
            continue
        noise = _own_noise(history.get(series_id, []))
        noise = pooled.get(_kin(after)) if noise is None else noise
        effect = chosen.minimum_effect(key.benchmark, key.metric.name, rule(key.metric).minimum_effect)
        found.append(_comparison(series_id, base, after, effect, noise))
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


def _own_noise(values: list[float]) -> float | None:
    """The relative spread of a series between commits; None while its history is short."""
    return noise_floor(np.array(values)) if len(values) >= FEWEST_POINTS else None


def _kin(measured: Measurement) -> tuple[str, str]:
    """What series must share to share noise: the machine and the unit."""
    return measured.series.machine, measured.series.metric.unit


def _pooled(pairs: Sequence[tuple[Measurement, Measurement]]) -> dict[tuple[str, str], float]:
    """The noise of one run, by machine and unit, from all series that were measured at both commits.

    Few commits touch most benchmarks, so that the median of all changes is mostly noise (and where everything
    moved at once, the run was bad, and it should count as noise too).
    """
    changes: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for a, b in pairs:
        if a.value > 0 and b.value > 0:
            changes[_kin(b)].append(abs(math.log(b.value) - math.log(a.value)))
    enough = ((kin, moved) for kin, moved in changes.items() if len(moved) >= FEWEST_SERIES)
    return {kin: _TO_SIGMA * float(np.median(moved)) for kin, moved in enough}
