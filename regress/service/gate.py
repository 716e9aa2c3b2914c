"""``regress gate``: may this go in? No, when commits of the range made something slower by enough."""

from __future__ import annotations

from dataclasses import dataclass

from regress.config import Config
from regress.domain import Event, EventKind, Failure, SeriesChange
from regress.errors import UnknownNameError
from regress.service.analyse import analyse
from regress.store import Store


@dataclass(frozen=True, slots=True)
class GateReport:
    """The gate's answer. ``blocking`` are the regressions of at least ``threshold`` in the range, largest
    first; ``failing`` the benchmarks that stopped working, when the configuration counts them.
    """

    branch: str
    since: str
    until: str
    threshold: float
    blocking: tuple[Event, ...]
    failing: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.blocking and not self.failing


def gate(
    store: Store, config: Config, branch: str, *, since: str = "", threshold: float | None = None
) -> GateReport:
    """Judge the measured commits of ``branch`` after the commit ``since`` (a full hash; empty: all).

    ``threshold`` is the smallest relative size that blocks (default: the configuration's). UnknownNameError
    when ``since`` is not on the branch, or nothing was measured.
    """
    threshold = config.gate.minimum_effect if threshold is None else threshold
    analyse(store, config, branch)
    commits = store.commits(branch)
    if not commits:
        raise UnknownNameError("branch", branch, store.branches())
    position = {commit.sha: commit.position for commit in commits}
    if since and since not in position:
        raise UnknownNameError("commit", since[:12], [])
    start = position.get(since, -1)
    events = [
        event
        for event in store.events(branch, EventKind.REGRESSION)
        if event.is_open and position.get(event.first_after, -1) > start and size(event.worst) >= threshold
    ]
    failing = store.failures(latest_only=True) if config.gate.fail_on_failures else []
    return GateReport(
        branch=branch,
        since=since,
        until=commits[-1].sha,
        threshold=threshold,
        blocking=tuple(sorted(events, key=lambda event: -size(event.worst))),
        failing=tuple(f for f in failing if position.get(f.commit, -1) > start),
    )


def size(change: SeriesChange) -> float:
    """A change's relative size: 0.15 for 15 % more, and for 15 % less."""
    return abs(change.change.ratio - 1)
