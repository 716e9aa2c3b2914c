"""``regress run``: choose commits, measure those not yet measured, store each at once, say what changed.

Commits are measured in an order that spreads: the newest, the oldest, then ever finer in between. An early
stop leaves a usable picture, and a machine that drifts during the run does not draw a step into history.
Each commit's results are stored as soon as they are there, so an interrupted run loses one commit at most and
the next one goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from regress.domain import Commit, FailureKind
from regress.errors import RegressError
from regress.runner import Outcome, Runner
from regress.runner.events import CommitFinished, CommitStarted, Listener, RunStarted, ignore
from regress.service.alone import alone
from regress.service.analyse import AnalysisReport, analyse
from regress.service.project import Project
from regress.store import Store

DEFAULT_LAST = 10
"""Commits chosen when nobody says which."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which commits: the ``last`` of the branch, those of ``revisions`` (each a commit or a range), or, with
    ``since_last``, those after the newest measured one.
    """

    last: int | None = None
    revisions: tuple[str, ...] = ()
    since_last: bool = False


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did. ``remaining`` are commits it did not get to; ``analysis`` is None without data.

    ``machines`` are those of a cluster that did it; empty: this one.
    """

    branch: str
    measured: tuple[Commit, ...]
    unbuilt: tuple[Commit, ...]
    skipped: tuple[Commit, ...]
    remaining: tuple[Commit, ...]
    analysis: AnalysisReport | None
    seconds: float
    machines: tuple[str, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before its end."""
        return bool(self.remaining)


def run(
    project: Project,
    store: Store,
    selection: Selection,
    *,
    listen: Listener = ignore,
    again: bool = False,
    wait: bool = False,
) -> RunReport:
    """Measure the selected commits and analyse the branch.

    ``again`` measures known commits anew. Who holds store or checkout is waited for with ``wait``, else it is
    a StoreLockedError or CheckoutBusyError. Ctrl-C ends the run early but in order: the report says what is
    left.
    """
    started = time.monotonic()
    with alone(project, store, "regress run", wait=wait, listen=listen):
        chosen = select_commits(project, store, selection)
        record_history(project, store, chosen)
        known = set() if again else {c.sha for c in chosen if is_known(store, c.sha, project.runners)}
        todo = tuple(spread([commit for commit in chosen if commit.sha not in known]))
        skipped = tuple(commit for commit in chosen if commit.sha in known)
        listen(RunStarted(project.branch, todo, skipped))
        outcomes = _measure_all(project, store, todo, listen)
        analysis = analyse(store, project.config, project.branch) if outcomes or skipped else None
    done = [commit for commit in todo if commit.sha in outcomes]
    return RunReport(
        branch=project.branch,
        measured=tuple(commit for commit in done if outcomes[commit.sha]),
        unbuilt=tuple(commit for commit in done if not outcomes[commit.sha]),
        skipped=skipped,
        remaining=tuple(commit for commit in todo if commit.sha not in outcomes),
        analysis=analysis,
        seconds=time.monotonic() - started,
    )


def select_commits(project: Project, store: Store, selection: Selection) -> list[Commit]:
    """The commits that ``selection`` means, oldest first; RegressError when it means none."""
    history, branch = project.history, project.branch
    if selection.revisions:
        found = {c.sha: c for revision in selection.revisions for c in history.select(revision, branch)}
        chosen = sorted(found.values(), key=lambda commit: commit.position)
    elif selection.since_last:
        newest = max((s.commit.position for s in store.commit_statuses(branch) if s.measured), default=-1)
        chosen = [c for c in history.commits(branch) if c.position > newest]
        if newest < 0:
            chosen = chosen[-DEFAULT_LAST:]
        return chosen
    else:
        chosen = history.commits(branch, last=selection.last or DEFAULT_LAST)
    if not chosen:
        raise RegressError(
            f"no commits in {' '.join(selection.revisions)}", hint="Is the range the right way?"
        )
    return chosen


def record_history(project: Project, store: Store, chosen: Sequence[Commit]) -> None:
    """Tell the store the branch's history from the oldest commit that it needs to know up to the tip."""
    known = store.commits(project.branch)
    first = min((commit.position for commit in (*chosen, *known[:1])), default=0)
    stretch = [commit for commit in project.history.commits(project.branch) if commit.position >= first]
    store.record_commits(project.branch, stretch, default=project.branch == project.watched_branch)


def is_known(store: Store, sha: str, runners: Sequence[Runner]) -> bool:
    """Whether every runner's machine has numbers for a commit, or knows that it does not build."""
    machines = {m.series.machine for _, m in store.measurements_at(sha)}
    machines |= {f.machine for f in store.failures(sha) if f.kind is FailureKind.BUILD}
    return all(runner.machine() in machines for runner in runners)


def spread(commits: Sequence[Commit]) -> Iterator[Commit]:
    """The newest, the oldest, then the middle of the widest gap left, and so on."""
    if not commits:
        return
    yield commits[-1]
    if len(commits) > 1:
        yield commits[0]
    gaps = [(0, len(commits) - 1)]
    while gaps:
        low, high = gaps.pop(0)
        middle = (low + high) // 2
        if low < middle < high:
            yield commits[middle]
            gaps += [(low, middle), (middle, high)]


def measure_and_store(
    store: Store, runners: Sequence[Runner], commit: Commit, branch: str, listen: Listener
) -> list[Outcome]:
    """Measure a commit with every runner and store what they deliver."""
    outcomes = [runner.measure(commit, branch=branch, listen=listen) for runner in runners]
    for outcome in outcomes:
        for delivery in outcome.deliveries:
            store.deliver(delivery)
    return outcomes


def _measure_all(project: Project, store: Store, todo: Sequence[Commit], listen: Listener) -> dict[str, bool]:
    """Whether each measured commit was built. Ends early, without an exception, on Ctrl-C."""
    built: dict[str, bool] = {}
    times: list[float] = []
    with contextlib.suppress(KeyboardInterrupt):
        for index, commit in enumerate(todo):
            listen(CommitStarted(commit, index, len(todo)))
            outcomes = measure_and_store(store, project.runners, commit, project.branch, listen)
            built[commit.sha] = any(outcome.built for outcome in outcomes)
            times.append(sum(outcome.seconds for outcome in outcomes))
            listen(_finished(commit, outcomes, times[-1], left=median(times) * (len(todo) - index - 1)))
    return built


def _finished(commit: Commit, outcomes: Sequence[Outcome], seconds: float, left: float) -> CommitFinished:
    return CommitFinished(
        commit,
        measured=sum(len(outcome.measurements) for outcome in outcomes),
        failed=sum(len(outcome.failures) for outcome in outcomes),
        built=any(outcome.built for outcome in outcomes),
        seconds=seconds,
        left=left,
    )
