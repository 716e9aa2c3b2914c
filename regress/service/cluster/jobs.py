"""What goes to a worker, and what comes back: plain records, since both sides may be different processes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from regress.config import SuiteConfig
from regress.domain import Commit, Delivery, Machine
from regress.errors import RunnerError
from regress.runner import Outcome

RESOURCE = "machine-"
"""What the name of a worker's resource begins with; what follows is the machine's."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a worker gets the repository: from the first of ``places`` that has ``head``, the suite's commit.

    ``folder`` is where in it the suites count their paths from. ``here``: it is used where it lies, not
    cloned, with this folder for logs.
    """

    places: tuple[str, ...]
    head: str
    folder: str
    here: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A commit to be measured with some suites, on a machine; ``topic`` is where progress is told."""

    source: Source
    suites: tuple[SuiteConfig, ...]
    commit: Commit
    branch: str
    machine: str
    benchmarks: tuple[str, ...] = ()
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as it travels: exceptions with arguments of their own survive no pickling."""

    message: str
    log: str = ""
    hint: str = ""

    def raised_on(self, machine: str) -> RunnerError:
        """The error for who waits for the result."""
        return RunnerError(f"machine {machine}", self.message, log=self.log, hint=self.hint)


@dataclass(frozen=True, slots=True)
class Result:
    """What a job gave: an outcome for each suite, or trouble that other commits would meet too."""

    outcomes: tuple[Outcome, ...] = ()
    trouble: Trouble | None = None

    @property
    def deliveries(self) -> list[Delivery]:
        """All that is to be stored."""
        return [delivery for outcome in self.outcomes for delivery in outcome.deliveries]


def on_machine(outcome: Outcome, name: str) -> Outcome:
    """The outcome filed under a machine's name, whatever the tool calls its host: pools have one name."""
    return replace(outcome, deliveries=tuple(_renamed(delivery, name) for delivery in outcome.deliveries))


def _renamed(delivery: Delivery, name: str) -> Delivery:
    if delivery.machine.name == name:
        return delivery
    return replace(
        delivery,
        # Two hosts that say the same word for word (a build that fails) are two deliveries.
        digest=sha256(f"{delivery.digest}\0{name}".encode()).hexdigest(),
        machine=Machine(name, delivery.machine.facts),
        measurements=tuple(replace(m, series=replace(m.series, machine=name)) for m in delivery.measurements),
        failures=tuple(replace(failure, machine=name) for failure in delivery.failures),
    )


def logs_of(place: Path) -> Path:
    """Where the runners of a clone write."""
    return place / ".regress" / "logs"
