"""Results going in, and what is remembered of how they came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from regress.domain import Commit, Delivery, FactChange, Failure, Machine, Receipt, Run, RunDetail
from regress.store import deliveries, facts, failures, receiving, retention, runs, series
from regress.store.doors.base import Door
from regress.store.retention import Pruned


class Deliveries(Door):
    """Deliveries, failures, machines, and what runs told of machines."""

    def deliver(self, delivery: Delivery) -> Receipt:
        """Store a delivery in one transaction, or nothing of it.

        A digest that is known changes nothing (``duplicate``). A measurement of a (series, commit) that is
        known replaces it, unless the stored one was measured later: the newest ``measured_at`` wins, none
        counts as oldest, and of two equal times the later delivery. A measurement also clears the failures
        of its benchmark and of the build at that commit, machine and environment. Commits that no branch
        has yet are remembered; their points appear once ``record_commits`` places them.
        """
        return self.deliver_all([delivery])[0]

    def deliver_all(self, delivered: Sequence[Delivery]) -> list[Receipt]:
        """Store deliveries, each as ``deliver`` would and in their order, but all in one transaction.

        It takes a fraction of the time where many are at hand; what is told of one before holds for the next.
        """
        with self._db.write() as session:
            return deliveries.deliver(session, self._db.project_id, delivered)

    def receive(self, delivery: Delivery, commits: Sequence[Commit] = ()) -> tuple[Receipt, tuple[str, ...]]:
        """Store a delivery from elsewhere and the stretch of its branch's history that came with it, in one
        transaction; what it did, and the measured commits that are not on the branch.

        Without history, on a branch whose history was never told, commits are placed by the times it tells.
        """
        with self._db.write() as session:
            return receiving.receive(session, self._db.project_id, delivery, commits)

    def prune(self, before: datetime, around: int, *, dry_run: bool = False) -> Pruned:
        """Forget the raw samples of measurements made before a time; their values and bounds stay.

        Kept are those at most ``around`` commits from where a change point may be, those of measurements
        without bounds, and those at commits that are on no branch. ``dry_run`` only says how many would go.
        """
        with self._db.write() as session:
            return retention.prune(session, self._db.project_id, before, around, dry_run=dry_run)

    def runs(self, limit: int | None = None, *, first: int = 0, machine: str = "") -> list[Run]:
        """The deliveries (of a machine), newest first, from the ``first`` on."""
        with self._db.read() as session:
            return runs.runs(session, limit, first, machine)

    def count_runs(self, machine: str = "") -> int:
        """How many deliveries there are (of a machine)."""
        with self._db.read() as session:
            return runs.count(session, machine)

    def run(self, run_id: int) -> RunDetail:
        """One delivery with its facts, commits and failures. UnknownNameError (kind "run") if none is it."""
        with self._db.read() as session:
            return runs.run(session, self._db.project_id, run_id)

    def machine_deliveries(self) -> list[tuple[str, int, datetime]]:
        """Each machine that delivered: its name, how often, and when it last did; that one first."""
        with self._db.read() as session:
            return deliveries.by_machine(session)

    def failures(self, sha: str | None = None, *, latest_only: bool = False) -> list[Failure]:
        """What gave no number (at one commit), newest first.

        ``latest_only``: only what failed at the newest commit that was tried on its branch.
        """
        with self._db.read() as session:
            return failures.failures(session, self._db.project_id, sha, latest_only=latest_only)

    def machines(self) -> list[Machine]:
        """All machines, by name."""
        with self._db.read() as session:
            return series.machines(session)

    def fact_changes(self, branch: str) -> list[FactChange]:
        """Where what runs on a branch told of their machine and environment changed, oldest first."""
        with self._db.read() as session:
            return facts.changes(session, self._db.project_id, branch)

    def fact_differences(self, series_id: int, before: str, after: str) -> tuple[tuple[str, str, str], ...]:
        """What the runs that measured a series at two commits told differently: (name, before, after) each.

        Empty where they agree, and where one of them told nothing.
        """
        with self._db.read() as session:
            return facts.between(session, series_id, before, after)

    def series_fact_changes(self, series_id: int) -> list[tuple[int, tuple[tuple[str, str, str], ...]]]:
        """Where the runs that measured a series began to tell something else of machine and environment.

        The position of the first commit of each stretch, and (name, before, after) of what differs.
        """
        with self._db.read() as session:
            return facts.along(session, series_id)
