"""The verb *ingest*: result files into the store, each whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from regress import ingest as adapters
from regress.domain import Commit, Delivery, Receipt
from regress.store import Store

FALLBACK_BRANCH = "main"
"""Where results go that name no branch, in a store that knows none."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What came in. ``unplaced`` are measured commits that are not on the branch they were measured for:
    their points appear once the history is told (``Store.record_commits``).
    """

    receipts: tuple[Receipt, ...]
    commits: tuple[str, ...]
    unplaced: tuple[str, ...]

    @property
    def new(self) -> int:
        """Measurements that were not there."""
        return sum(receipt.new for receipt in self.receipts)

    @property
    def updated(self) -> int:
        """Measurements that replaced older ones."""
        return sum(receipt.updated for receipt in self.receipts)

    @property
    def unchanged(self) -> int:
        """Measurements that were there, or are older than what is."""
        return sum(receipt.unchanged for receipt in self.receipts)

    @property
    def duplicates(self) -> int:
        """Deliveries that were known."""
        return sum(receipt.duplicate for receipt in self.receipts)


def ingest(
    store: Store,
    paths: Iterable[Path],
    *,
    branch: str | None = None,
    tool: str | None = None,
    history: Sequence[Commit] = (),
) -> IngestReport:
    """Read result files and folders and store them on ``branch``.

    All files are read before the first is stored: IngestError means that nothing was. ``branch`` overrules
    what the files say; without both, the store's default branch is meant. ``history`` is the branch's
    commits, where a repository tells them; without, in a store that was never told a history, commits are
    ordered by the times in the files.
    """
    fallback = branch or store.default_branch() or FALLBACK_BRANCH
    read = [delivery for path in paths for delivery in adapters.read(path, tool)]
    placed = [on_branch(delivery, fallback, force=branch is not None) for delivery in read]
    receipts = tuple(store.deliver(delivery) for delivery in placed)
    if history:
        store.record_commits(fallback, history)
    for name in sorted({m.series.branch for delivery in placed for m in delivery.measurements}):
        _order_by_time(
            store, name, [d for d in placed if any(m.series.branch == name for m in d.measurements)]
        )
    commits = {m.commit: m.series.branch for delivery in placed for m in delivery.measurements}
    known = {name: {commit.sha for commit in store.commits(name)} for name in set(commits.values())}
    unplaced = tuple(sha for sha, name in commits.items() if sha not in known[name])
    return IngestReport(receipts, tuple(commits), unplaced)


def on_branch(delivery: Delivery, branch: str, *, force: bool) -> Delivery:
    """The delivery with its series on ``branch``: all of them, or those that name none.

    The digest then covers the branch too, so that one file may be ingested for two branches.
    """
    measurements = tuple(
        replace(m, series=replace(m.series, branch=branch)) if force or not m.series.branch else m
        for m in delivery.measurements
    )
    digest = hashlib.sha256(f"{delivery.digest}\0{branch}".encode("utf-8", "replace")).hexdigest()
    return replace(delivery, measurements=measurements, digest=digest)


def _order_by_time(store: Store, branch: str, deliveries: Sequence[Delivery]) -> None:
    """Place commits by the times that their files tell, unless a repository has told the branch's history."""
    known = store.commits(branch)
    if any(commit.author for commit in known):
        return
    times = {commit.sha: commit.committed_at for commit in known}
    times |= {sha: at for delivery in deliveries for sha, at in delivery.commit_times}
    ordered = sorted(times.items(), key=lambda item: (item[1], item[0]))
    store.record_commits(
        branch, [Commit(sha, (), "", at, at, "", position) for position, (sha, at) in enumerate(ordered)]
    )
