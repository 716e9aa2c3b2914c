"""The verb *ingest*: result files into the store, each whole or not at all."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from regress import ingest as adapters
from regress.domain import Commit, Delivery, Receipt
from regress.ingest import Context
from regress.measurements import Measurements
from regress.store import Store

Listener = Callable[[int, int, Path], None]
"""Told before each file: how many are done, of how many, and which is next."""

FALLBACK_BRANCH = "main"
"""Where results go that name no branch, in a store that knows none."""

_GROUP = 400_000
"""Measurements that go into one transaction: fewer are slower, more keep other writers waiting."""

_GROUP_FILES = 500
"""Likewise files, which may be small."""

_NO_CONTEXT = Context()


def _silent(_done: int, _total: int, _file: Path) -> None:
    """Nobody listens."""


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
    def failures(self) -> int:
        """Results without a number, which are kept as failures."""
        return sum(receipt.failures for receipt in self.receipts)

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
    context: Context = _NO_CONTEXT,
    history: Sequence[Commit] = (),
    listen: Listener = _silent,
) -> IngestReport:
    """Read result files and folders and store them on ``branch``, each file whole or not at all.

    Files are read one by one and stored some at a time, so that a folder may be of any size. IngestError
    says which file is wrong; those before it are stored, and the same call later goes on: a file that is
    known changes nothing.
    ``branch`` overrules what the files say; without both, the store's default branch is meant. ``context``
    stands in for the commit and machine that a file does not name. ``history`` is the branch's commits, where
    a repository tells them; without, in a store that was never told a history, commits are ordered by the
    times in the files.
    """
    fallback = branch or store.default_branch() or FALLBACK_BRANCH
    if history:
        store.record_commits(fallback, history)
    named = list(paths)
    todo = [(path, file) for path in named for file in adapters.files(path, tool)]
    incoming, fruitful = _Incoming(store), set()
    with _without_cycles():
        try:
            for done, (path, file) in enumerate(todo):
                listen(done, len(todo), file)
                delivery = adapters.read_file(file, tool, context)
                if delivery is not None:
                    incoming.take(on_branch(delivery, fallback, force=branch is not None))
                    fruitful.add(path)
        finally:
            incoming.finish()
    barren = [path for path in named if path not in fruitful]
    if barren:
        raise adapters.nothing_in(barren[0], tool)
    return incoming.report()


@contextmanager
def _without_cycles() -> Iterator[None]:
    """Without Python's search for cycles: records have none, and the search takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Incoming:
    """What an ingest keeps of the deliveries that have gone in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Delivery] = []
        self._size = 0  # measurements and failures that wait
        self._receipts: list[Receipt] = []
        self._commits: dict[str, str] = {}  # the branch of each
        self._times: dict[str, dict[str, datetime]] = {}  # by branch

    def take(self, delivery: Delivery) -> None:
        """Store a delivery, together with some of those after it."""
        self._waiting.append(delivery)
        self._size += len(delivery.measurements) + len(delivery.failures)
        if self._size >= _GROUP or len(self._waiting) >= _GROUP_FILES:
            self._store_waiting()
        told = Measurements.of(delivery.measurements)
        if delivery.branch:
            here = dict.fromkeys(told.commits, delivery.branch)
        else:
            here = {sha: key.branch for sha, key in zip(told.commits, told.series, strict=True)}
        self._commits |= here
        for branch in set(here.values()):
            self._times.setdefault(branch, {}).update(delivery.commit_times)

    def _store_waiting(self) -> None:
        waiting, self._waiting, self._size = self._waiting, [], 0
        if waiting:
            self._receipts += self._store.deliver_all(waiting)
            waiting.clear()
            gc.collect(
                1
            )  # what the database's side left in cycles; the records are gone, so that it is quick

    def finish(self) -> None:
        """Store what waits; place the commits by the times that files tell, where no repository has."""
        self._store_waiting()
        for branch, times in sorted(self._times.items()):
            _order_by_time(self._store, branch, times)

    def report(self) -> IngestReport:
        """What came in."""
        branches = set(self._commits.values())
        known = {name: {commit.sha for commit in self._store.commits(name)} for name in branches}
        unplaced = tuple(sha for sha, name in self._commits.items() if sha not in known[name])
        return IngestReport(tuple(self._receipts), tuple(self._commits), unplaced)


def on_branch(delivery: Delivery, branch: str, *, force: bool) -> Delivery:
    """The delivery with its series on ``branch``: all of them, or those that name none.

    The digest then covers the branch too, so that one file may be ingested for two branches.
    """
    digest = hashlib.sha256(f"{delivery.digest}\0{branch}".encode("utf-8", "replace")).hexdigest()
    if force or not any(key.branch for key in Measurements.of(delivery.measurements).series):
        return replace(delivery, branch=branch, digest=digest)
    measurements = tuple(
        m if m.series.branch else replace(m, series=replace(m.series, branch=branch))
        for m in delivery.measurements
    )
    return replace(delivery, measurements=measurements, digest=digest)


def _order_by_time(store: Store, branch: str, told: Mapping[str, datetime]) -> None:
    """Place commits by their times, unless a repository has told the branch's history."""
    known = store.commits(branch)
    if any(commit.author for commit in known):
        return
    times = {commit.sha: commit.committed_at for commit in known} | dict(told)
    ordered = sorted(times.items(), key=lambda item: (item[1], item[0]))
    store.record_commits(
        branch, [Commit(sha, (), "", at, at, "", position) for position, (sha, at) in enumerate(ordered)]
    )
