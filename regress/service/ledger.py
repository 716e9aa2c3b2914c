"""Slow drift of a project: what each series did beside the changes that were told, against a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from regress.config import DetectionConfig
from regress.detect.drift import drift
from regress.detect.noise import Floats, Signal
from regress.domain import (
    Direction,
    Ledger,
    LedgerCommit,
    LedgerEntry,
    LedgerStep,
    SeriesChange,
    SeriesColumns,
    SeriesKey,
)


def entry(
    series: SeriesColumns,
    values: Floats,
    found: Iterable[SeriesChange],
    chosen: DetectionConfig,
    signal: Signal | None = None,
) -> LedgerEntry | None:
    """A series that got worse by more than the budget, beside the changes ``found``; None for any other.

    ``values`` is ``values_of`` it, ``signal`` as in ``drift``.
    """
    starts = sorted(change.change.index for change in found)
    drifted = drift(values, starts, chosen.drift_points, chosen.drift_budget, signal)
    if drifted is None:
        return None
    if _worse(drifted.total, series.key) < chosen.drift_budget:
        return None
    shas = series.commits
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
    worst = sorted(entries, key=lambda one: (-_worse(one.total, one.series), one.series_id))
    return Ledger(branch, chosen.drift_budget, datetime.now(UTC), tuple(worst), _commits(worst, position))


def _commits(entries: Iterable[LedgerEntry], position: Mapping[str, int]) -> tuple[LedgerCommit, ...]:
    """Where small steps are, those of several series together that may be one: around the largest."""
    turned = [(_worse(step.size, entry.series), step) for entry in entries for step in entry.steps]
    groups: list[list[tuple[float, LedgerStep]]] = []
    for worse, step in sorted(turned, key=lambda one: -abs(one[0])):
        near = (
            group
            for group in groups
            if (group[0][0] > 0) == (worse > 0) and _meet(group[0][1], step, position)
        )
        group = next(near, None)
        if group is None:
            groups.append([(worse, step)])
        else:
            group.append((worse, step))
    found = [_commit(group) for group in groups]
    return tuple(sorted(found, key=lambda one: -abs(one.size) * one.series))


def _commit(steps: Sequence[tuple[float, LedgerStep]]) -> LedgerCommit:
    lead = steps[0][1]
    size = sum(worse for worse, _ in steps) / len(steps)
    return LedgerCommit(lead.last_before, lead.first_after, len(steps), size)


def _meet(a: LedgerStep, b: LedgerStep, position: Mapping[str, int]) -> bool:
    return position[a.earliest] <= position[b.latest] and position[b.earliest] <= position[a.latest]


def _worse(change: float, series: SeriesKey) -> float:
    """A relative change so that more is worse: of a rate, that of its inverse."""
    return change if series.metric.direction is Direction.LOWER else 1 / (1 + change) - 1
