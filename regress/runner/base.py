"""What a runner is: something that measures one commit with one tool and gives deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from regress.domain import Commit, Delivery, Failure, FailureKind, Measurement
from regress.runner.events import Listener

LOG_CHARACTERS = 6000
"""How much of a log's end goes into a Failure: enough for a traceback, little enough for a page."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What measuring one commit gave. A commit that did not build has one failure of kind BUILD."""

    commit: str
    deliveries: tuple[Delivery, ...]
    seconds: float
    log_path: Path

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """All numbers, of all deliveries."""
        return tuple(one for delivery in self.deliveries for one in delivery.measurements)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All that gave no number."""
        return tuple(one for delivery in self.deliveries for one in delivery.failures)

    @property
    def built(self) -> bool:
        """Whether the commit could be built, in at least one environment."""
        return bool(self.measurements) or not any(f.kind is FailureKind.BUILD for f in self.failures)


class Runner(Protocol):
    """Measures commits with one tool. Implementations stand in ``RUNNERS``."""

    tool: str

    def machine(self) -> str:
        """The name of this host in what the tool delivers."""
        ...

    def one_process(self, place: str = "") -> Runner:
        """The same runner, each benchmark measured in one process a time.

        Runners of two places install side by side, so that two commits in turns are installed once each.
        """
        ...

    def measure(
        self, commit: Commit, *, branch: str, benchmarks: Sequence[str] = (), listen: Listener
    ) -> Outcome:
        """Build ``commit`` and run its benchmarks (only those named, if any).

        What does not build or fails is in the outcome; RunnerError means that the tool itself could not work,
        so that other commits would fare no better. KeyboardInterrupt stops the tool and passes.
        """
        ...


def on_branch(delivery: Delivery, branch: str) -> Delivery:
    """The delivery with its series told which branch they are measured on."""
    measurements = tuple(replace(m, series=replace(m.series, branch=branch)) for m in delivery.measurements)
    return replace(delivery, measurements=measurements)


def log_end(lines: Sequence[str]) -> str:
    """The end of a log, as kept in a Failure."""
    return "\n".join(lines).strip()[-LOG_CHARACTERS:]
