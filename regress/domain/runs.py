"""Deliveries as the store remembers them, and how a commit stands after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from regress.domain.commits import Commit
from regress.domain.results import Failure


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a delivery did to the store. ``unchanged`` counts what was there, or is older than what is."""

    run_id: int
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    failures: int = 0
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One delivery as the store remembers it."""

    id: int
    source: str
    origin: str
    digest: str
    machine: str
    environment: str
    delivered_at: datetime
    new: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run with what it told of its machine and environment, and what is of it in the store.

    ``measured`` are hashes of commits, with how many series it brought something new of; ``failures`` are
    those that nothing has made good since.
    """

    run: Run
    facts: tuple[tuple[str, str], ...]
    measured: tuple[tuple[str, int], ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """How a commit stands: measured series, and what failed at it."""

    commit: Commit
    measured: int = 0
    failures: tuple[Failure, ...] = ()
