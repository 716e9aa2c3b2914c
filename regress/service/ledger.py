"""Slow drift of a project: what each series did beside the changes that were told, against a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from regress.config import DetectionConfig
from regress.detect.drift import drift
from regress.detect.noise import Floats
from regress.domain import Direction, Ledger, LedgerCommit, LedgerEntry, LedgerStep, Series, SeriesChange


def entry(
    series: Series, values: Floats, found: Iterable[SeriesChange], chosen: DetectionConfig
) -> LedgerEntry | None:
    """A series that got worse by more than the budget, beside the changes ``found``; None for any other.

    ``values`` is ``values_of`` its points.
    """
    starts = sorted(change.change.index for change in found)
    drifted = drift(values, starts, chosen.drift_points, chosen.drift_budget)
    if drifted is None:
        return None
    lower_is_better = series.key.metric.direction is Direction.LOWER
    worse = drifted.total if lower_is_better else 1 / (1 + drifted.total) - 1
    if worse < chosen.drift_budget:
        return None
    shas = [point.commit for point in series.points]
    steps = (
        LedgerStep(shas[step.index - 1], shas[step.index], step.size, *(shas[i] for i in step.span))
        for step in drifted.steps
    )
    return LedgerEntry(
        series.id,
        series.key,
        shas[drifted.first],
        shas[-1],
        drifted.total,
        drifted.low,
        drifted.high,
        tuple(steps),
        drifted.rest,
    )


def ledger(
    branch: str, entries: Sequence[LedgerEntry], chosen: DetectionConfig, position: Mapping[str, int]
) -> Ledger:
    """The entries of a branch, the worst first, and their commits; ``position`` has them all."""
    worst = sorted(entries, key=lambda one: (-max(one.total, 1 / (1 + one.total) - 1), one.series_id))
    return Ledger(branch, chosen.drift_budget, datetime.now(UTC), tuple(worst), _commits(worst, position))


def _commits(entries: Iterable[LedgerEntry], position: Mapping[str, int]) -> tuple[LedgerCommit, ...]:
    """Where small steps are, those of several series together that may be one: around the largest."""
    steps = sorted((step for entry in entries for step in entry.steps), key=lambda step: -abs(step.size))
    groups: list[list[LedgerStep]] = []
    for step in steps:
        near = (group for group in groups if _one(group[0], step, position))
        group = next(near, None)
        if group is None:
            groups.append([step])
        else:
            group.append(step)
    found = [
        LedgerCommit(group[0].last_before, group[0].first_after, len(group), _mean(group)) for group in groups
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.size) * one.series))


def _one(a: LedgerStep, b: LedgerStep, position: Mapping[str, int]) -> bool:
    together = position[a.earliest] <= position[b.latest] and position[b.earliest] <= position[a.latest]
    return together and (a.size > 0) == (b.size > 0)


def _mean(steps: Sequence[LedgerStep]) -> float:
    return sum(step.size for step in steps) / len(steps)
