"""All that two commits measured, side by side, as columns: tens of thousands of verdicts in milliseconds.

Series are matched without their branch, so that a feature branch's commit compares with one of the main
branch; never across machines, environments or versions of a benchmark, unless the two sides are narrowed to
different ones.

How sure an answer can be depends on how far runs of the same code differ. That is taken from a series' own
history; where this is short, from all series that were measured at both commits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regress.config import DetectionConfig
from regress.detect.compare import Answer, Answers, Sides, compare_columns
from regress.detect.noise import Signal, prepare
from regress.domain import Comparison, Direction, Measurement
from regress.metrics import rule
from regress.store import Store
from regress.store.centres import Centres
from regress.store.columns import PARTS, Catalogue, Floats, Ids, Noises

FEWEST_POINTS = 8
"""Measured commits from which a series' history tells its noise."""

FEWEST_SERIES = 8
"""Series from which, while histories are short, their changes together tell the noise of a run."""

LOOKED_UP = 5_000
"""Series without an analysis whose noise is told from their history on the spot."""

TO_SIGMA = 1.4826 / math.sqrt(2)
"""The median size of a difference of two normal values, to one's sigma."""


@dataclass(frozen=True, slots=True)
class Side:
    """A commit (full hash); only what was measured on a machine or in an environment, where one is named."""

    sha: str
    machine: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Columns over the series that both sides have; ``series_a`` and ``series_b`` differ where branches do.

    ``rows`` are the places of ``series_b`` in ``catalogue``; ``effect`` is the least change that matters.
    """

    catalogue: Catalogue
    series_a: Ids
    series_b: Ids
    rows: Ids
    effect: Floats
    answers: Answers
    only_a: int
    only_b: Ids

    @property
    def size(self) -> int:
        """Series that were compared."""
        return int(self.series_b.size)

    def comparisons(self, store: Store, a: str, b: str, rows: Ids) -> list[Comparison]:
        """Some of them as records, with all that was measured at ``a`` and ``b`` (full hashes)."""
        of_a, of_b = self.series_a[rows].tolist(), self.series_b[rows].tolist()
        keys = store.columns.keys({*of_a, *of_b})
        base = store.columns.exact(a, {id_: keys[id_] for id_ in of_a})
        after = store.columns.exact(b, {id_: keys[id_] for id_ in of_b})
        return [
            _comparison(id_b, base[id_a], after[id_b], self.answers[row])
            for id_a, id_b, row in zip(of_a, of_b, rows.tolist(), strict=True)
        ]

    def part(self, name: str) -> Ids:
        """The ids of a part ("metric") of each series."""
        return self.catalogue.parts[name][self.rows]


def side_by_side(store: Store, a: Side, b: Side, chosen: DetectionConfig) -> SideBySide:
    """Compare what two sides measured, ``a`` before and ``b`` after."""
    columns = store.columns
    told = columns.centres(a.sha), columns.centres(b.sha)
    noises = columns.noises()
    least = max((int(one.series[-1]) for one in told if one.series.size), default=0)
    catalogue = columns.catalogue(least)

    def answer() -> SideBySide:
        return _compared(store, (a, b), told, catalogue, noises, chosen)

    if np.isnan(noises.of(told[1].series)).any():
        return answer()  # it depends on what else the series measured
    return columns.remembered((a, b, repr(chosen)), (*told, noises), answer)


def _compared(
    store: Store,
    sides: tuple[Side, Side],
    told: tuple[Centres, Centres],
    catalogue: Catalogue,
    noises: Noises,
    chosen: DetectionConfig,
) -> SideBySide:
    told_a, told_b = told
    in_a, in_b = (_of_side(catalogue, one.series, side) for one, side in zip(told, sides, strict=True))
    parts = [part for part in PARTS if part not in _crossed(*sides)]
    codes = catalogue.codes(*parts)
    rows_a, rows_b = catalogue.rows(told_a.series[in_a]), catalogue.rows(told_b.series[in_b])
    at_a, at_b = paired(codes[rows_a], codes[rows_b], codes.size)
    ids_a, ids_b = told_a.series[in_a][at_a], told_b.series[in_b][at_b]
    rows = rows_b[at_b]
    values = told_a.values[in_a][at_a], told_b.values[in_b][at_b]
    noise = _noise(store, noises.of(ids_b), ids_b, values, catalogue, rows)
    effect, timed, lower = _metrics(catalogue, rows, chosen)
    own = told_a.within[in_a][at_a], told_b.within[in_b][at_b]
    answers = compare_columns(Sides(*values, *own, noise, effect, timed, lower))
    alone_b = np.delete(told_b.series[in_b], at_b)
    return SideBySide(catalogue, ids_a, ids_b, rows, effect, answers, int(in_a.size - at_a.size), alone_b)


def paired(a: Ids, b: Ids, below: int) -> tuple[Ids, Ids]:
    """Where the numbers that both have stand first, in the numbers' order; all are less than ``below``.

    ``np.intersect1d`` sorts for it, a quarter of what a comparison takes.
    """
    places = np.full((2, below), -1)
    for place, numbers in zip(places, (a, b), strict=True):
        place[numbers[::-1]] = np.arange(numbers.size)[::-1]  # of one that is there twice, the first is left
    both = np.flatnonzero((places >= 0).all(axis=0))
    return places[0, both], places[1, both]


def _comparison(series_id: int, a: Measurement, b: Measurement, answer: Answer) -> Comparison:
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


def _of_side(catalogue: Catalogue, series: Ids, side: Side) -> Ids:
    """Which of some series a side speaks of."""
    admitted = np.ones(series.size, dtype=np.bool_)
    for part, name, names in (
        ("machine", side.machine, catalogue.machines),
        ("environment", side.environment, catalogue.environments),
    ):
        if name:
            wanted = [id_ for id_, known in names.items() if known == name]
            admitted &= np.isin(catalogue.parts[part][catalogue.rows(series)], wanted)
    return np.flatnonzero(admitted)


def _crossed(a: Side, b: Side) -> set[str]:
    """What the sides are narrowed to differently, so that series are matched without it."""
    return {part for part in ("machine", "environment") if getattr(a, part) != getattr(b, part)}


def _metrics(
    catalogue: Catalogue, rows: Ids, chosen: DetectionConfig
) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """What series' metrics say: the least change that matters, whether it is time, whether less is better."""
    metrics, which = np.unique(catalogue.parts["metric"][rows], return_inverse=True)
    told = [catalogue.metrics[int(id_)] for id_ in metrics]
    timed = np.array([metric.unit == "seconds" for metric in told], dtype=np.bool_)
    lower = np.array([metric.direction is Direction.LOWER for metric in told], dtype=np.bool_)
    if not chosen.effect:
        effect = np.array([rule(metric).minimum_effect for metric in told])[which]
        return effect, timed[which], lower[which]
    pairs, each = np.unique(catalogue.codes("benchmark", "metric")[rows], return_index=True)
    effects = {}
    for code, row in zip(pairs.tolist(), rows[each].tolist(), strict=True):
        metric = catalogue.metrics[int(catalogue.parts["metric"][row])]
        name = catalogue.benchmarks[int(catalogue.parts["benchmark"][row])]
        effects[code] = chosen.minimum_effect(name, metric.name, rule(metric).minimum_effect)
    found = np.array([effects[code] for code in pairs.tolist()])
    return (
        found[np.searchsorted(pairs, catalogue.codes("benchmark", "metric")[rows])],
        timed[which],
        lower[which],
    )


def _noise(
    store: Store,
    noise: Floats,
    series: Ids,
    values: tuple[Floats, Floats],
    catalogue: Catalogue,
    rows: Ids,
) -> Floats:
    """A series' own noise, else that of the run; NaN where neither tells it."""
    bare = np.flatnonzero(np.isnan(noise))
    if 0 < bare.size <= LOOKED_UP:
        history = store.values(series[bare].tolist())
        told = (np.array(history.get(id_, ()), dtype=np.float64) for id_ in series[bare].tolist())
        own = [own_noise(prepare(values)) for values in told]
        noise[bare] = [np.nan if one is None else one for one in own]
        bare = np.flatnonzero(np.isnan(noise))
    if bare.size:
        noise[bare] = _pooled(values, catalogue, rows)[bare]
    return noise


def own_noise(signal: Signal) -> float | None:
    """The relative spread of a series between commits; None while its history is short."""
    return signal.floor if signal.values.size >= FEWEST_POINTS else None


def _pooled(values: tuple[Floats, Floats], catalogue: Catalogue, rows: Ids) -> Floats:
    """The noise of one run, by machine and unit, from all series that were measured at both commits.

    Few commits touch most benchmarks, so that the median of all changes is mostly noise (and where everything
    moved at once, the run was bad, and it should count as noise too). NaN where kin are few.
    """
    units = sorted({metric.unit for metric in catalogue.metrics.values()})
    metric, which = np.unique(catalogue.parts["metric"][rows], return_inverse=True)
    unit = np.array([units.index(catalogue.metrics[int(id_)].unit) for id_ in metric], dtype=np.int64)[which]
    kin = catalogue.parts["machine"][rows] * len(units) + unit
    a, b = values
    sound = (a > 0) & (b > 0)
    moved = np.abs(
        np.log(b, where=sound, out=np.zeros(b.size)) - np.log(a, where=sound, out=np.zeros(a.size))
    )
    noise = np.full(rows.size, np.nan)
    for one in np.unique(kin[sound]):
        here = kin == one
        if np.count_nonzero(here & sound) >= FEWEST_SERIES:
            noise[here] = TO_SIGMA * float(np.median(moved[here & sound]))
    return noise
