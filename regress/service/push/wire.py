"""What goes over the wire: a delivery and the history around it, as JSON with a checked shape.

The models are the format: the client writes with them, the server reads with them, the API's document shows
them. A field that is not here is refused, so that a newer client learns that the server is older.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from regress.domain import (
    Commit,
    Delivery,
    Direction,
    Environment,
    Failure,
    FailureKind,
    Machine,
    Metric,
    SeriesKey,
)
from regress.measurements import Measurements

MOST_COMMITS = 20_000
"""Commits of history in one delivery; more come with the next."""

MOST_RESULTS = 1_000_000
"""Measurements of one delivery; the largest files of real suites have some 30,000."""

_SECOND_YEAR = datetime(2, 1, 1, tzinfo=UTC)  # in another zone, year 1 may be before all years
_LAST_YEAR = datetime(9998, 1, 1, tzinfo=UTC)

Text = Annotated[str, Field(max_length=10_000)]
Name = Annotated[str, Field(min_length=1, max_length=1_000)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{4,64}$", description="A commit's hash.")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[AwareDatetime, Ge(_SECOND_YEAR), Le(_LAST_YEAR)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Pair = tuple[Annotated[str, Field(max_length=1_000)], Text]
Pairs = Annotated[tuple[Pair, ...], Field(max_length=1_000)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True, strict=True)


class WireCommit(_Wire):
    """A commit of the branch's history."""

    sha: Sha
    parents: Annotated[tuple[Sha, ...], Field(max_length=100)] = ()
    author: Text
    authored_at: Time
    committed_at: Time
    subject: Text


class WireHistory(_Wire):
    """A stretch of the branch's first-parent history, oldest first; ``first`` is how many came before.

    Of a commit that stands twice, the first place counts.
    """

    first: Annotated[int, Field(ge=0, le=2**30)] = 0
    commits: Annotated[tuple[WireCommit, ...], Field(max_length=MOST_COMMITS)] = ()


class WirePlace(_Wire):
    """A machine or environment, with its facts as the tool told them."""

    name: Name
    facts: Pairs = ()


class WireMetric(_Wire):
    """What is measured."""

    name: Name
    unit: Annotated[str, Field(max_length=100)]
    direction: Direction


class WireMeasurement(_Wire):
    """A result at a commit."""

    commit: Sha
    value: Number
    low: Number | None = None
    high: Number | None = None
    samples: Annotated[tuple[Number, ...], Field(max_length=100_000)] = ()
    measured_at: Time | None = None


class WireSeries(_Wire):
    """One benchmark with parameters and metric, on one machine and environment, and what it measured."""

    benchmark: Name
    parameters: Pairs = ()
    metric: WireMetric
    machine: Name
    environment: Name
    version: Annotated[str, Field(max_length=1_000)] = ""
    measurements: Annotated[tuple[WireMeasurement, ...], Field(max_length=MOST_RESULTS)] = ()


class WireFailure(_Wire):
    """What gave no number."""

    kind: FailureKind
    commit: Sha
    log: Annotated[str, Field(max_length=1_000_000)]
    machine: Name
    environment: Name
    benchmark: Annotated[str, Field(max_length=1_000)] = ""
    parameters: Pairs = ()


class Pushed(_Wire):
    """A delivery. Its digest names the content: what is known under it already changes nothing."""

    format: Literal[1] = 1
    digest: Digest
    source: Annotated[str, Field(max_length=1_000, description="The tool that measured.")]
    origin: Annotated[str, Field(max_length=10_000, description="The file, or job, that it is from.")]
    branch: Name
    machine: WirePlace
    environment: WirePlace
    history: WireHistory = WireHistory()
    commit_times: Annotated[tuple[tuple[Sha, Time], ...], Field(max_length=MOST_COMMITS)] = ()
    series: Annotated[tuple[WireSeries, ...], Field(max_length=MOST_RESULTS)] = ()
    failures: Annotated[tuple[WireFailure, ...], Field(max_length=10_000)] = ()


def pushed(delivery: Delivery, history: Sequence[Commit] = ()) -> Pushed:
    """A delivery on one branch, and a stretch of that branch's history, as they go over the wire.

    pydantic's ValidationError (a ValueError) where the delivery holds what the format does not take.
    """
    told: dict[SeriesKey, list[WireMeasurement]] = {}
    for m in delivery.measurements:
        told.setdefault(m.series, []).append(WireMeasurement.model_validate(m))
    return Pushed(
        digest=delivery.digest if _is_digest(delivery.digest) else _digest(delivery.digest),
        source=delivery.source,
        origin=delivery.origin,
        branch=delivery.branch,
        machine=WirePlace.model_validate(delivery.machine),
        environment=WirePlace.model_validate(delivery.environment),
        history=WireHistory(
            first=history[0].position if history else 0,
            commits=tuple(WireCommit.model_validate(commit) for commit in history),
        ),
        commit_times=delivery.commit_times,
        series=tuple(_wired(key, tuple(measurements)) for key, measurements in told.items()),
        failures=tuple(WireFailure.model_validate(failure) for failure in delivery.failures),
    )


def _wired(key: SeriesKey, measurements: tuple[WireMeasurement, ...]) -> WireSeries:
    return WireSeries(
        benchmark=key.benchmark,
        parameters=key.parameters,
        metric=WireMetric.model_validate(key.metric),
        machine=key.machine,
        environment=key.environment,
        version=key.version,
        measurements=measurements,
    )


def delivery_of(told: Pushed) -> Delivery:
    """The delivery that came over the wire."""
    measurements = Measurements()
    for series in told.series:
        key = _key(series, told.branch)
        for m in series.measurements:
            measurements.add(key, m.commit, m.value, m.low, m.high, m.samples, m.measured_at)
    return Delivery(
        source=told.source,
        origin=told.origin,
        digest=told.digest,
        machine=Machine(told.machine.name, told.machine.facts),
        environment=Environment(told.environment.name, told.environment.facts),
        measurements=measurements,
        failures=tuple(Failure(**dict(failure)) for failure in told.failures),
        commit_times=told.commit_times,
        branch=told.branch,
    )


def history_of(told: Pushed) -> list[Commit]:
    """The stretch of history that came with it."""
    placed = {commit.sha: (place, commit) for place, commit in reversed([*enumerate(told.history.commits)])}
    first = told.history.first
    return [
        Commit(position=first + place, **dict(commit))
        for place, commit in sorted(placed.values(), key=_place)
    ]


def _place(placed: tuple[int, WireCommit]) -> int:
    return placed[0]


def _key(series: WireSeries, branch: str) -> SeriesKey:
    metric = Metric(series.metric.name, series.metric.unit, series.metric.direction)
    where = (series.machine, series.environment, branch, series.version)
    return SeriesKey(series.benchmark, series.parameters, metric, *where)


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
