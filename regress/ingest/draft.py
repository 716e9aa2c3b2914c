"""A delivery being put together: what every adapter does with a value, done in one place.

- A number is a measurement; several of one series at one commit are its samples, and their median its value.
- null, and a negative time (a clock that went back), is a failure. Zero is a number like any other.
- NaN and infinities are no result at all.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median, quantiles
from typing import Any

from regress.domain import (
    Delivery,
    Environment,
    Failure,
    FailureKind,
    Machine,
    Measurement,
    Metric,
    SeriesKey,
)
from regress.ingest.reading import Context, Document

Pairs = tuple[tuple[str, str], ...]

NOTCH = 1.58
"""Half the notch of a median in IQR / sqrt(n): McGill, Tukey and Larsen, "Variations of Box Plots", 1978."""

_NO_VALUE = "The tool recorded no value: the benchmark failed or was not run."


class Draft:
    """What one document says so far. The commit, machine and environment hold where a value names no other.

    IngestError where neither the document nor the caller names a commit or machine.
    """

    def __init__(
        self,
        tool: str,
        document: Document,
        context: Context,
        *,
        commit: str = "",
        machine: str = "",
        machine_facts: Pairs = (),
        environment: str = "",
        environment_facts: Pairs = (),
        at: datetime | None = None,
        rows_name_all: bool = False,
    ) -> None:
        self.doc = document
        self.commit = commit or context.commit
        self.machine = machine or context.machine
        self.environment = environment or "default"
        self._at = at
        self._frame = (tool, machine_facts, environment_facts)
        borrowed = [told for own, told in ((commit, context.commit), (machine, context.machine)) if not own]
        self._digest = _mixed(document.digest, borrowed) if borrowed else document.digest
        self._measurements: list[Measurement] = []
        self._failures: list[Failure] = []
        self._repeats: dict[tuple[SeriesKey, str, datetime | None], list[float]] = {}
        self._times: dict[str, datetime] = {}
        if not rows_name_all:
            self.need(self.commit, "commit")
            self.need(self.machine, "machine")

    def need(self, value: str, what: str, where: str = "") -> str:
        """``value``, if it is not empty."""
        if not value:
            raise self.doc.error(where, f"names no {what}", hint=f"Say which with --{what}.")
        return value

    def key(self, benchmark: str, metric: Metric, parameters: Iterable[tuple[str, Any]] = ()) -> SeriesKey:
        """The series of a benchmark on the document's machine and environment."""
        pairs = tuple((str(name), str(value)) for name, value in parameters)
        return SeriesKey(benchmark, pairs, metric, self.machine, self.environment, "")

    def add(
        self,
        key: SeriesKey,
        value: Any,
        where: str,
        *,
        factor: float = 1.0,
        bounds: tuple[Any, Any] = (None, None),
        samples: Sequence[Any] = (),
        commit: str = "",
        at: datetime | None = None,
    ) -> None:
        """One value, with the bounds and samples that its tool tells, each times ``factor``."""
        number = self._number(key, value, where, commit or self.commit)
        if number is None:
            return
        low, high = (self.doc.finite(bound, where) for bound in bounds)
        kept = [sample for each in samples if (sample := self.doc.finite(each, where)) is not None]
        scaled = tuple(sample * factor for sample in kept)
        low, high = (bound if bound is None else bound * factor for bound in (low, high))
        self._keep(key, number * factor, low, high, scaled, commit, at)

    def repeat(
        self,
        key: SeriesKey,
        values: Iterable[Any],
        where: str,
        *,
        factor: float = 1.0,
        commit: str = "",
        at: datetime | None = None,
    ) -> None:
        """Samples of a series; all that are told for it at one commit become one measurement."""
        place = (key, commit or self.commit, at)
        for value in values:
            number = self._number(key, value, where, place[1])
            if number is not None:
                self._repeats.setdefault(place, []).append(number * factor)

    def fail(self, benchmark: str, log: str = "", parameters: Pairs = ()) -> None:
        """A benchmark that gave no number."""
        place = (self.commit, log or _NO_VALUE, self.machine, self.environment)
        self._failures.append(Failure(FailureKind.BENCHMARK, *place, benchmark, parameters))

    def commit_time(self, commit: str, at: datetime | None) -> None:
        """When a commit was made."""
        if at is not None:
            self._times[commit] = at

    def delivery(self) -> Delivery:
        """Everything so far."""
        for (key, commit, at), values in self._repeats.items():
            low, high = notch(values)
            self._keep(key, median(values), low, high, tuple(values) if len(values) > 1 else (), commit, at)
        self._repeats.clear()
        tool, machine_facts, environment_facts = self._frame
        return Delivery(
            source=tool,
            origin=str(self.doc.path),
            digest=self._digest,
            machine=Machine(self.machine or "several", machine_facts),
            environment=Environment(self.environment, environment_facts),
            measurements=tuple(self._measurements),
            failures=tuple(self._failures),
            commit_times=tuple(self._times.items()),
        )

    def _number(self, key: SeriesKey, value: Any, where: str, commit: str) -> float | None:
        """A value that may be kept; what may not is a failure or nothing (see the head of this file)."""
        number = self.doc.finite(value, where)
        if value is None or (number is not None and number < 0 and key.metric.unit == "seconds"):
            log = (
                "" if value is None else f"The tool measured a negative time ({value:g}): a clock went back."
            )
            place = (commit, log or _NO_VALUE, key.machine, key.environment)
            self._failures.append(Failure(FailureKind.BENCHMARK, *place, key.benchmark, key.parameters))
            return None
        return number

    def _keep(
        self,
        key: SeriesKey,
        value: float,
        low: float | None,
        high: float | None,
        samples: tuple[float, ...],
        commit: str,
        at: datetime | None,
    ) -> None:
        if math.isfinite(value):  # a unit's factor may have carried it beyond what a float holds
            told = Measurement(key, commit or self.commit, value, low, high, samples, at or self._at)
            self._measurements.append(told)


def notch(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Bounds of the median of some samples; None for fewer than three."""
    if len(values) < 3:
        return None, None
    first, centre, third = quantiles(values, n=4, method="inclusive")
    half = NOTCH * (third - first) / math.sqrt(len(values))
    return centre - half, centre + half


def _mixed(digest: str, told: Iterable[str]) -> str:
    """A digest of a document and of what the caller told: the same file may be brought for two commits."""
    return hashlib.sha256("\0".join([digest, *told]).encode("utf-8", "replace")).hexdigest()
