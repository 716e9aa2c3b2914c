"""Changes that the code did not make: the environment changed, or a machine as a whole had a bad time.

A change whose place may be where the facts of its machine or environment changed is the environment's. Where
most series of one unit on one machine moved alike at one place, it is the machine's, unless another machine
that measured the same benchmarks there moved as well: what is in the code is seen everywhere.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from regress.domain import Cause, FactChange, SeriesChange

MOST = 0.6
"""Part of a machine's series that must have moved: code that slows down so many benchmarks is rare."""

FEWEST = 6
"""Series of one unit on one machine from which "all of them" says anything."""

ALIKE = 0.5
"""Spread of the moves (in logarithms) relative to their size, at most: slow clocks slow all alike."""

Range = tuple[int, int]
Host = tuple[str, str]  # machine and environment
_TO_SIGMA = 1.4826  # of a median absolute deviation


def with_causes(
    changes: Sequence[SeriesChange],
    facts: Iterable[FactChange],
    measured: Mapping[tuple[Host, str], int],
    reach: Mapping[int, Range],
    position: Mapping[str, int],
) -> list[SeriesChange]:
    """The changes, each with its cause.

    ``measured`` counts the series with a history by host and unit; ``reach`` says by index in ``changes``
    among which positions a change may lie, ``position`` where the commits of ``facts`` are.
    """
    known = _by_environment(changes, facts, reach, position)
    rest = [i for i in range(len(changes)) if i not in known]
    known |= _by_machine(changes, rest, measured, reach)
    return [
        replace(change, cause=known[i][0], note=known[i][1]) if i in known else change
        for i, change in enumerate(changes)
    ]


Found = dict[int, tuple[Cause, str]]


def _by_environment(
    changes: Sequence[SeriesChange],
    facts: Iterable[FactChange],
    reach: Mapping[int, Range],
    position: Mapping[str, int],
) -> Found:
    """The changes that lie where facts of their host changed."""
    moved: defaultdict[Host, list[FactChange]] = defaultdict(list)
    for fact in facts:
        moved[(fact.machine, fact.environment)].append(fact)
    found: Found = {}
    for i, change in enumerate(changes):
        for fact in moved[_host(change)]:
            first, last = position[fact.last_before] + 1, position[fact.first_after]
            if first <= reach[i][1] and reach[i][0] <= last:
                found[i] = (Cause.ENVIRONMENT, fact.said)
    return found


def _by_machine(
    changes: Sequence[SeriesChange],
    rest: Iterable[int],
    measured: Mapping[tuple[Host, str], int],
    reach: Mapping[int, Range],
) -> Found:
    """The changes in which all of a machine moved alike, and no other machine."""
    places: defaultdict[tuple[Host, str, bool], list[list[int]]] = defaultdict(list)
    for i in sorted(rest, key=lambda i: changes[i].change.p_value):
        clusters = places[(_host(changes[i]), _unit(changes[i]), changes[i].change.ratio > 1)]
        near = next((one for one in clusters if _meet(reach[one[0]], reach[i])), None)
        if near is None:
            clusters.append([i])
        else:
            near.append(i)
    found: Found = {}
    for (host, unit, _), clusters in places.items():
        for cluster in clusters:
            if _all_alike(changes, cluster, measured[(host, unit)]) and not _elsewhere(
                changes, cluster, reach
            ):
                size = float(np.median([changes[i].change.ratio for i in cluster])) - 1
                share = f"{len(cluster)} of {measured[(host, unit)]} series on {host[0]}"
                found |= dict.fromkeys(
                    cluster, (Cause.MACHINE, f"{share} moved by about {100 * size:+.0f} %")
                )
    return found


def _all_alike(changes: Sequence[SeriesChange], cluster: Sequence[int], measured: int) -> bool:
    series = {changes[i].series_id for i in cluster}
    if measured < FEWEST or len(series) < MOST * measured:
        return False
    ratios = [changes[i].change.ratio for i in cluster]
    if not all(0 < ratio < math.inf for ratio in ratios):
        return False
    moves = np.log(ratios)
    middle = float(np.median(moves))
    return _TO_SIGMA * float(np.median(np.abs(moves - middle))) <= ALIKE * abs(middle)


def _elsewhere(changes: Sequence[SeriesChange], cluster: Sequence[int], reach: Mapping[int, Range]) -> bool:
    """Whether benchmarks of a cluster moved the same way on another machine too."""
    lead = changes[cluster[0]]
    names = {(changes[i].series.benchmark, changes[i].series.parameters) for i in cluster}
    return any(
        change.series.machine != lead.series.machine
        and (change.series.benchmark, change.series.parameters) in names
        and (change.change.ratio > 1) == (lead.change.ratio > 1)
        and _meet(reach[cluster[0]], reach[i])
        for i, change in enumerate(changes)
    )


def _host(change: SeriesChange) -> Host:
    return change.series.machine, change.series.environment


def _unit(change: SeriesChange) -> str:
    return change.series.metric.unit


def _meet(a: Range, b: Range) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]
