"""How events stand: how far beyond doubt, and by when somebody has to answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from regress.config import DetectionConfig, EffectConfig, TriageConfig
from regress.domain import ChangePoint, Event, EventKind, SeriesChange, State
from regress.service.browse.standing import due, factor
from tests.web import history as made


def part(before: float, after: float, low: float, high: float) -> SeriesChange:
    """A change of the small series with these levels and bounds."""
    return SeriesChange(1, made.SMALL, "a", "b", ChangePoint(1, before, after, low, high, 1e-9))


def test_a_change_is_measured_by_what_matters_or_by_its_doubt() -> None:
    chosen = DetectionConfig(effect=(EffectConfig(minimum=0.05),))
    assert factor(part(1.0, 1.05**3, 1.15, 1.17), chosen) == pytest.approx(3)
    assert factor(part(1.0, 1 / 1.05**3, 0.86, 0.87), chosen) == pytest.approx(3)  # faster by as much
    assert factor(part(1.0, 1.21, 1.1, 1.331), chosen) == pytest.approx(2)  # half an interval is 10 %
    assert factor(part(0.0, 1.0, 0.0, float("inf")), chosen) == float("inf")


def test_only_open_regressions_are_due() -> None:
    chosen = TriageConfig(answer_days=3, fix_days=0)
    event = Event(1, EventKind.REGRESSION, "a", "b", State.NEW, (part(1.0, 1.2, 1.1, 1.3),), made.NOW)
    assert due(event, chosen) == made.NOW + timedelta(days=3)
    assert due(replace(event, state=State.ACKNOWLEDGED), chosen) is None  # no date is wanted
    assert due(replace(event, state=State.EXPECTED), TriageConfig()) is None
    assert due(replace(event, kind=EventKind.IMPROVEMENT), chosen) is None
