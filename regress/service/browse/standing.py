"""How an event stands: how far beyond doubt it is, and by when somebody should have answered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from regress.config import DetectionConfig, TriageConfig
from regress.domain import Event, EventKind, SeriesChange, State
from regress.metrics import rule


@dataclass(frozen=True, slots=True)
class Standing:
    """``factor`` is that of the event's worst change; ``due`` is None where nobody has to answer."""

    factor: float
    due: datetime | None


def factor(part: SeriesChange, chosen: DetectionConfig) -> float:
    """How many times a change is as large as it had to be, to be seen and to matter: 1 is at the edge.

    It had to be larger than half of its own interval (what noise may add) and than the effect that matters,
    all as logarithms. Infinite for a change from or to zero, or beyond an exact nothing.
    """
    change, key = part.change, part.series
    if not 0 < change.ratio < math.inf:
        return math.inf
    effect = chosen.minimum_effect(key.benchmark, key.metric.name, rule(key.metric).minimum_effect)
    bounded = 0 < change.low <= change.high < math.inf
    doubt = math.log(change.high / change.low) / 2 if bounded else math.inf
    needed = max(math.log1p(effect), doubt)
    return abs(math.log(change.ratio)) / needed if needed else math.inf


def due(event: Event, chosen: TriageConfig) -> datetime | None:
    """By when a regression wants an answer (a new one), or to be over (one that is looked into)."""
    if event.kind is not EventKind.REGRESSION or not event.is_open:
        return None
    days = chosen.answer_days if event.state is State.NEW else chosen.fix_days
    return event.first_seen + timedelta(days=days) if days else None


def standing(event: Event, detection: DetectionConfig, triage: TriageConfig) -> Standing:
    """How an event with at least one change stands."""
    return Standing(factor(event.worst, detection), due(event, triage))
