"""Who else changed: series that a search measures with its own, since one run of a commit gives them all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from regress.bisect.evidence import Floats, logarithms
from regress.domain import EventKind, Series, SeriesChange, SeriesKey
from regress.service.bisect_history import noise_of
from regress.store import Store

MOST = 3
"""Companions of a series: each takes time, and tells less than the one before."""

ALONE = 3.0
"""Noise widths from which on a series finds its culprit alone, and no other benchmark is run for it."""


def companions(store: Store, series: Series, good: str, bad: str) -> tuple[SeriesKey, ...]:
    """The series of the same open event, machine and environment that changed between two commits.

    Those of the same benchmark cost nothing; others are taken where the series' own shift is weak.
    """
    key = series.key
    events = [
        one for one in store.events(key.branch, EventKind.REGRESSION, series_id=series.id) if one.is_open
    ]
    parts = [part for event in events for part in event.changes]
    ends = store.located(key.branch, {good, bad, *(part.first_after for part in parts)})
    if good not in ends or bad not in ends:
        return ()
    inside = [
        part
        for part in parts
        if part.first_after in ends
        and ends[good].position < ends[part.first_after].position <= ends[bad].position
    ]
    own = [part for part in inside if part.series == key]
    if not own:
        return ()
    weak = _strength(own[0], series) < ALONE
    others = {
        part.series_id: part
        for part in inside
        if part.series != key
        and (part.series.machine, part.series.environment) == (key.machine, key.environment)
        and (weak or part.series.benchmark == key.benchmark)
    }
    largest = sorted(others.values(), key=lambda part: -abs(part.change.ratio - 1))[: 2 * MOST]
    clearest = sorted(largest, key=lambda part: -_strength(part, store.series(part.series_id)))
    return tuple(part.series for part in clearest[:MOST])


def independence(all_series: Sequence[Series]) -> float:
    """For how much of itself each series' evidence counts: less where their noise is the machine's own.

    The mean correlation of their changes from commit to commit, where it is positive, makes m of them worth
    as much as m / (1 + (m - 1) r) that have nothing in common.
    """
    if len(all_series) < 2:
        return 1.0
    commits = set.intersection(*({point.commit for point in one.points} for one in all_series))
    if len(commits) < 8:
        return 1 / len(all_series)  # nobody knows: together they count as one
    rows = [
        np.diff(logarithms(np.array([p.value for p in one.points if p.commit in commits], dtype=np.float64)))
        for one in all_series
    ]
    # The shift itself is in all of them: what lies far out is pulled in.
    tame = [_tamed(row) for row in rows]
    if not all(row.std() > 0 for row in tame):
        return 1.0
    together = np.atleast_2d(np.corrcoef(tame))
    shared = max(float(together[np.triu_indices(len(tame), 1)].mean()), 0.0)
    return 1 / (1 + (len(tame) - 1) * shared)


def _tamed(row: Floats) -> Floats:
    middle = float(np.median(row))
    reach = 3 * 1.4826 * float(np.median(np.abs(row - middle)))
    pulled: Floats = np.clip(row, middle - reach, middle + reach)
    return pulled


def _strength(part: SeriesChange, series: Series) -> float:
    """A change in noise widths of its series."""
    return abs(math.log(part.change.ratio)) / noise_of(series) if 0 < part.change.ratio < math.inf else 0.0
