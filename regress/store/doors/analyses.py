"""What analyses read and found out: series in stretches, what the detector said, drift, self-tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from regress.domain import Examination, Ledger, SelfTest, SeriesColumns
from regress.store import examinations, freshness, ledgers, self_tests, stretches
from regress.store.doors.base import Door
from regress.store.examinations import Stretch


class Analyses(Door):
    """What an analysis needs, and what it leaves beside events."""

    def stretches(self, branch: str, size: int) -> list[Stretch]:
        """The measured series of a branch in stretches of ``size``: ids of the first and the last of each."""
        with self._db.read() as session:
            return examinations.stretches(session, self._db.project_id, branch, size)

    def series_of(self, branch: str, stretch: Stretch) -> Iterator[tuple[SeriesColumns, int]]:
        """The series of a stretch, with the edition of each, for who reads many.

        Points have samples only where they have no bounds.
        """
        with self._db.read() as session:
            editions = examinations.editions(session, stretch)  # first: what changes meanwhile is read again
            for told in stretches.read(session, self._db.project_id, branch, stretch):
                yield told, editions[told.id]

    def examinations(self, stretch: Stretch, settings: str) -> dict[int, Examination]:
        """What the detector said under these settings of series of a stretch that have not changed since."""
        with self._db.read() as session:
            return examinations.known(session, stretch, settings)

    def save_examinations(self, settings: str, found: Sequence[Examination]) -> None:
        """Keep what the detector said of some series; pages tell it when the analysis is over."""
        if found:
            with self._db.write(quiet=True) as session:
                examinations.save(session, settings, found)

    def begin_analysis(self, branch: str) -> None:
        """Say that a branch is about to be analysed: until ``save_ledger`` it counts as not analysed."""
        with self._db.write() as session:
            freshness.begin(session, self._db.project_id, branch)

    def unanalysed(self, settings: str) -> list[str]:
        """Branches with measurements that no analysis of these settings has seen, or not to its end."""
        with self._db.read() as session:
            return freshness.unanalysed(session, self._db.project_id, settings)

    def analysed_at(self, branch: str) -> datetime | None:
        """When the newest analysis of a branch ended; None before the first, and while one is under way."""
        with self._db.read() as session:
            return freshness.analysed_at(session, self._db.project_id, branch)

    def save_ledger(self, record: Ledger) -> None:
        """Keep the slow drift of a branch, in place of what was known."""
        with self._db.write() as session:
            ledgers.save(session, self._db.project_id, record)

    def ledger(self, branch: str) -> Ledger | None:
        """The slow drift of a branch, as its newest analysis found it; None before the first."""
        with self._db.read() as session:
            return ledgers.load(session, self._db.project_id, branch)

    def save_self_test(self, record: SelfTest) -> None:
        """Keep the result of a self-test."""
        with self._db.write() as session:
            self_tests.save(session, self._db.project_id, record)

    def latest_self_test(self, branch: str) -> SelfTest | None:
        """The newest self-test of a branch; None where there was none."""
        with self._db.read() as session:
            return self_tests.latest(session, self._db.project_id, branch)
