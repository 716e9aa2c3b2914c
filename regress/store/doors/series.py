"""Series: lists of them, and their points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from regress.domain import Commit, Measurement, Point, Series, SeriesKey, SeriesSummary
from regress.store import drawn, ends, history, lists, series
from regress.store.doors.base import Door
from regress.store.drawn import Figures
from regress.store.matches import Matches


class Lines(Door):
    """Series, with more or less of their points."""

    @cached_property
    def matches(self) -> Matches:
        """Which series filters mean."""
        return Matches(self._db.project_id)

    def series_list(
        self, branch: str | None = None, benchmark: str | None = None, machine: str | None = None
    ) -> list[SeriesSummary]:
        """The series (of a branch, of an exact benchmark name, on a machine), by benchmark and parameters."""
        with self._db.read() as session:
            return lists.series_list(session, self._db.project_id, branch, benchmark, machine)

    def find_series(
        self, branch: str, query: str = "", *, first: int = 0, limit: int = 50
    ) -> list[SeriesSummary]:
        """Some of the series of a branch in whose title, metric, machine or environment every word occurs.

        By benchmark, then by parameters (numbers by size, before words); whatever the case.
        """
        with self._db.read() as session:
            if query.split():
                ids = self.matches.of(session, branch, query)[first : first + limit]
            else:
                ids = lists.ordered(
                    session, history.branch_id(session, self._db.project_id, branch), first, limit
                )
            return lists.page(session, ids)

    def count_series(self, branch: str | None = None, query: str = "") -> int:
        """How many series there are (on a branch, that ``find_series`` would find)."""
        with self._db.read() as session:
            if query.split():
                return len(self.matches.of(session, branch, query))
            return lists.count(session, self._db.project_id, branch)

    def newest_measured(self, branch: str) -> Commit | None:
        """The newest commit of a branch that has a measurement."""
        with self._db.read() as session:
            return lists.newest(session, self._db.project_id, branch)

    def stale_series(self, branch: str, commits: int, limit: int) -> list[tuple[SeriesSummary, int]]:
        """Series that have missed the newest ``commits`` commits of a branch, and how many, longest first.

        An older version of a benchmark that has moved on is not stale.
        """
        with self._db.read() as session:
            return lists.stale(session, self._db.project_id, branch, commits, limit)

    def benchmarks(self) -> list[str]:
        """Names of all benchmarks."""
        with self._db.read() as session:
            return series.benchmarks(session)

    def lines(self, series_ids: Iterable[int]) -> dict[int, list[tuple[str, float]]]:
        """Commit and value of each point of some series, in history's order: in one read."""
        with self._db.read() as session:
            return series.lines(session, series_ids)

    def ends(self, marks: Mapping[int, str | None], many: int) -> dict[int, list[tuple[str, float]]]:
        """Commit and value of the newest ``many`` points of some series, in history's order.

        Where a series has a mark (a commit), the ``many`` points before it and as many from it on.
        """
        with self._db.read() as session:
            return ends.ends(session, marks, many)

    def series(self, series_id: int) -> Series:
        """One series with its points in history's order; UnknownNameError (kind "series") if none is it."""
        with self._db.read() as session:
            return series.one_series(session, series_id)

    def series_key(self, series_id: int) -> SeriesKey:
        """What makes a series; UnknownNameError (kind "series") if none is it."""
        with self._db.read() as session:
            return drawn.key(session, series_id)

    def line(
        self, series_id: int, start: int | None = None, stop: int | None = None
    ) -> list[tuple[int, float]]:
        """Position and value of each point of a series (from ``start`` to ``stop``), in history's order."""
        with self._db.read() as session:
            return drawn.line(session, series_id, start, stop)

    def points_at(self, series_id: int, positions: Iterable[int]) -> list[Point]:
        """The points of a series at some positions, in history's order."""
        with self._db.read() as session:
            return drawn.points_at(session, series_id, positions)

    def figures(self, series_id: int, positions: Iterable[int]) -> list[Figures]:
        """The points of a series at some positions, in figures only: position, when, value, low, high."""
        with self._db.read() as session:
            return drawn.figures(session, series_id, positions)

    def newest_points(self, series_id: int, limit: int) -> tuple[Series, int]:
        """A series with its newest points only, and how many it has; UnknownNameError if none is it."""
        with self._db.read() as session:
            return drawn.newest(session, series_id, limit)

    def all_series(self, branch: str) -> Iterator[Series]:
        """Every series of a branch with its points, one at a time in memory."""
        with self._db.read() as session:
            yield from series.all_series(session, self._db.project_id, branch)

    def next_start(self, series_id: int) -> tuple[datetime, datetime] | None:
        """When the newest measurement of a series began, and the next one; None where times do not tell."""
        with self._db.read() as session:
            return series.next_start(session, series_id)

    def values(self, series_ids: Iterable[int]) -> dict[int, list[float]]:
        """The values of some series in history's order, without all else that a point has: in one read."""
        with self._db.read() as session:
            return series.values(session, series_ids)

    def measurements_at(self, sha: str) -> list[tuple[int, Measurement]]:
        """What was measured at a commit (full hash), with the series' ids."""
        with self._db.read() as session:
            return series.measurements_at(session, sha)
