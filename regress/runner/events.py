"""What happens while commits are measured, as records: the command line draws them, tests watch them.

A listener is any callable that takes one event. Events are facts; a listener may ignore any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regress.domain import Commit


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user ("waiting for ...")."""

    text: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Commits were chosen: ``todo`` in the order they will be measured; ``skipped`` are known already.

    ``jobs``: in how many parts, where a cluster measures.
    """

    branch: str
    todo: tuple[Commit, ...]
    skipped: tuple[Commit, ...]
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class CommitStarted:
    """A commit's turn: ``index`` of ``total``, from 0."""

    commit: Commit
    index: int
    total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Within a commit: ``fraction`` done in 0..1 (None while unknown, as in a build) and what is going on."""

    commit: str
    fraction: float | None
    text: str


@dataclass(frozen=True, slots=True)
class CommitFinished:
    """A commit's results are stored. ``left`` estimates the seconds that the rest of the run takes.

    ``machine`` tells whose they are where several measure.
    """

    commit: Commit
    measured: int
    failed: int
    built: bool
    seconds: float
    left: float
    machine: str = ""


Event = Note | RunStarted | CommitStarted | Progress | CommitFinished
Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener that does nothing."""
