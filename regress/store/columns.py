"""Whole commits as columns, for who compares all that they measured; kept in memory while they stay the same.

What series are never changes once they are made, so that only new ones are read; the centres of a commit are
read again when a run adds to them, and noises when an analysis has told them anew. Readers of several threads
share it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from regress.domain import Direction, Measurement, Metric, SeriesKey
from regress.store import centres, examinations
from regress.store.centres import Centres, Mark
from regress.store.database import Database
from regress.store.dictionary import batches
from regress.store.matches import Matches
from regress.store.models import (
    BenchmarkRow,
    CommitRow,
    EnvironmentRow,
    MachineRow,
    MeasurementRow,
    MetricRow,
    ProjectRow,
    SeriesRow,
)
from regress.store.samples import unpack
from regress.store.series import keys_of

COMMITS = 48
"""Commits that stay in memory: 1.2 MB each where 50,000 series are measured."""

ANSWERS = 16
"""Comparisons that stay in memory: 4 MB each where 50,000 series are measured."""

T = TypeVar("T")

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_NOTHING = Centres(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))

PARTS = ("benchmark", "parameters", "metric", "machine", "environment")
"""What makes a series, beside its branch."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What each series is, by ids of dictionary rows: a column for each of PARTS, in the order of ids."""

    series: Ids
    parts: dict[str, Ids]
    benchmarks: dict[int, str]
    metrics: dict[int, Metric]
    machines: dict[int, str]
    environments: dict[int, str]
    _codes: dict[tuple[str, ...], Ids] = field(default_factory=dict)

    def rows(self, series: Ids) -> Ids:
        """The rows in which some series stand."""
        return np.searchsorted(self.series, series)

    def codes(self, *parts: str) -> Ids:
        """A number for each series, the same for those that share these parts."""
        if parts not in self._codes:
            code: Ids = np.zeros(self.series.size, dtype=np.int64)
            for part in parts:  # of the numbers so far there are fewer than 2**31
                _, code = np.unique((code << 32) | self.parts[part], return_inverse=True)
            self._codes[parts] = code
        return self._codes[parts]


@dataclass(frozen=True, slots=True)
class Noises:
    """Own noises of series, by id, as some analysis told them."""

    mark: int
    series: Ids
    values: Floats

    def of(self, series: Ids) -> Floats:
        """Those of some series; NaN where none is told."""
        if not self.series.size:
            return np.full(series.size, np.nan)
        at = np.minimum(np.searchsorted(self.series, series), self.series.size - 1)
        return np.where(self.series[at] == series, self.values[at], np.nan)


class Columns:
    """The columns of one database."""

    def __init__(self, database: Database, matches: Matches) -> None:
        self._db = database
        self._matches = matches
        self._lock = threading.Lock()
        self._catalogue = Catalogue(_ids(()), {part: _ids(()) for part in PARTS}, {}, {}, {}, {})
        self._centres: OrderedDict[str, tuple[Mark, Centres]] = OrderedDict()  # by hash
        self._noises: Noises = Noises(-1, _ids(()), np.empty(0))
        self._answers: OrderedDict[Hashable, tuple[tuple[object, ...], object]] = OrderedDict()

    def centres(self, sha: str) -> Centres:
        """What was measured at a commit (full hash)."""
        return self.all_centres([sha])[0]

    def all_centres(self, shas: Sequence[str]) -> list[Centres]:
        """What was measured at each of some commits; one statement tells which are in memory still."""
        with self._db.read() as session:
            marks = centres.marks(session, shas)
            with self._lock:
                known = {sha: self._centres[sha][1] for sha in shas if self._is_known(sha, marks.get(sha))}
            for sha, mark in marks.items():
                if sha not in known:
                    known[sha] = centres.read(session, mark.commit)
        with self._lock:
            for sha in known:
                self._centres[sha] = marks[sha], known[sha]
                self._centres.move_to_end(sha)
            while len(self._centres) > COMMITS:
                self._centres.popitem(last=False)
        return [known.get(sha, _NOTHING) for sha in shas]

    def _is_known(self, sha: str, mark: Mark | None) -> bool:
        return mark is not None and sha in self._centres and self._centres[sha][0] == mark

    def catalogue(self, least: int = 0) -> Catalogue:
        """All series; at least those up to the id ``least``, which somebody has read of."""
        known = self._catalogue
        if known.series.size and int(known.series[-1]) >= least:
            return known
        with self._lock, self._db.read() as session:
            self._catalogue = _grown(session, self._catalogue)
            return self._catalogue

    def noises(self) -> Noises:
        """The own noise of each series that an analysis has told; the same object while they are the same."""
        with self._db.read() as session:
            mark = session.scalar(select(ProjectRow.examined).where(ProjectRow.id == self._db.project_id))
            if self._noises.mark != mark:
                told = examinations.noises(session)
                values = np.array([noise for _, noise in told])
                self._noises = Noises(int(mark or 0), _ids(id_ for id_, _ in told), values)
            return self._noises

    def remembered(self, question: Hashable, inputs: tuple[object, ...], answer: Callable[[], T]) -> T:
        """The answer to a question, told anew when one of the very objects that it depends on is another."""
        with self._lock:
            known = self._answers.get(question)
        if known is not None and all(one is other for one, other in zip(known[0], inputs, strict=True)):
            return cast("T", known[1])
        found = answer()
        with self._lock:
            self._answers[question] = (inputs, found)
            self._answers.move_to_end(question)
            while len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        return found

    def matching(self, query: str) -> Ids:
        """The series in whose title, metric, machine or environment every word occurs, whatever the case."""
        with self._db.read() as session:
            return _ids(self._matches.of(session, None, query))

    def keys(self, series: Iterable[int]) -> dict[int, SeriesKey]:
        """What makes some series, by id."""
        with self._db.read() as session:
            return keys_of(session, series)

    def exact(self, sha: str, told: dict[int, SeriesKey]) -> dict[int, Measurement]:
        """The measurements of some series at a commit, by the series' id."""
        row = MeasurementRow
        found: dict[int, Measurement] = {}
        with self._db.read() as session:
            commit = session.scalar(select(CommitRow.id).where(CommitRow.sha == sha))
            query = select(row.series_id, row.value, row.low, row.high, row.samples, row.measured_at)
            for batch in batches(told):
                here = query.where(row.series_id.in_(batch), row.commit_id == commit)
                for id_, value, low, high, samples, at in session.execute(here):
                    found[id_] = Measurement(told[id_], sha, value, low, high, unpack(samples), at)
        return found


def _ids(numbers: Iterable[int]) -> Ids:
    return np.fromiter(numbers, dtype=np.int64)


def _grown(session: Session, known: Catalogue) -> Catalogue:
    """The catalogue with the series that have come since."""
    last = int(known.series[-1]) if known.series.size else 0
    table = SeriesRow.__table__.c  # a table, not a class: rows of plain values come in half the time
    wanted = (table.id, *(table[f"{part}_id"] for part in PARTS))
    rows = session.connection().execute(select(*wanted).where(table.id > last).order_by(table.id)).all()
    fresh = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 1 + len(PARTS))
    metrics = session.execute(select(MetricRow.id, MetricRow.name, MetricRow.unit, MetricRow.direction))
    benchmarks = select(BenchmarkRow.id, BenchmarkRow.name)
    newest = max(known.benchmarks, default=0)
    return Catalogue(
        np.concatenate((known.series, fresh[:, 0])),
        {part: np.concatenate((known.parts[part], fresh[:, i + 1])) for i, part in enumerate(PARTS)},
        known.benchmarks | dict(session.execute(benchmarks.where(BenchmarkRow.id > newest)).all()),
        {id_: Metric(name, unit, Direction(way)) for id_, name, unit, way in metrics},
        dict(session.execute(select(MachineRow.id, MachineRow.name)).all()),
        dict(session.execute(select(EnvironmentRow.id, EnvironmentRow.name)).all()),
    )
