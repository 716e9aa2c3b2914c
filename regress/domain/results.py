"""What was measured, and what gave no number: from a delivery to its place in the store."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


class Direction(enum.StrEnum):
    """Which way is better."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured. ``unit`` is what is stored ("seconds", "bytes", "1"); pages scale it for reading."""

    name: str
    unit: str
    direction: Direction = Direction.LOWER


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware and operating system a result depends on; ``facts`` as the tool reported them."""

    name: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """Interpreter and dependency versions a result depends on."""

    name: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What makes a series one series. ``parameters`` are (name, value) pairs in the benchmark's order.

    ``version`` is asv's hash of the benchmark's code (empty elsewhere): another version, another series.
    """

    benchmark: str
    parameters: tuple[tuple[str, str], ...]
    metric: Metric
    machine: str
    environment: str
    branch: str
    version: str = ""

    @property
    def title(self) -> str:
        """How people are shown it: ``benchmark(name=value, ...)``."""
        inner = ", ".join(f"{name}={value}" for name, value in self.parameters)
        return f"{self.benchmark}({inner})" if inner else self.benchmark

    def is_called(self, name: str) -> bool:
        """Whether somebody who says ``name`` means this series: its benchmark's name, or its own title."""
        return name in (self.benchmark, self.title)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One series' result at one commit. ``low`` and ``high`` bound the centre; ``samples`` may be empty."""

    series: SeriesKey
    commit: str
    value: float
    low: float | None = None
    high: float | None = None
    samples: tuple[float, ...] = ()
    measured_at: datetime | None = None


class FailureKind(enum.StrEnum):
    """What failed: the commit's build, or one benchmark at it."""

    BUILD = "build"
    BENCHMARK = "benchmark"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that gave no number. ``benchmark`` is empty for a build; ``log`` is the end of the output."""

    kind: FailureKind
    commit: str
    log: str
    machine: str
    environment: str
    benchmark: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one result file (or one run of a tool) says: stored in one transaction, or not at all.

    ``digest`` identifies the content, so that the same delivery twice changes nothing. ``commit_times``
    says when the measured commits were made, as far as the file tells (it orders them without a repository).
    ``branch`` is the branch of all its series, whatever their keys say (empty: where they say).
    """

    source: str
    origin: str
    digest: str
    machine: Machine
    environment: Environment
    measurements: Sequence[Measurement] = ()
    failures: tuple[Failure, ...] = ()
    delivered_at: datetime | None = None
    commit_times: tuple[tuple[str, datetime], ...] = ()
    branch: str = ""
