"""Two commits beside each other."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from regress.domain.results import Measurement, SeriesKey


class Verdict(enum.StrEnum):
    """What a comparison of two commits says about one series."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNCLEAR = "can't tell"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One series at two commits. ``ratio`` is b / a with its interval.

    ``resolution`` is what the data can see: "same" means "same within this"; ``more_runs`` says how many
    further runs of each side would settle an unclear verdict (None when it is settled or unknowable).
    """

    series_id: int
    series: SeriesKey
    a: Measurement
    b: Measurement
    verdict: Verdict
    ratio: float
    low: float
    high: float
    resolution: float
    more_runs: int | None = None
