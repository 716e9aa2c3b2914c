"""What charts ask for: a series without what is not drawn, some of its points, its newest ones.

A chart of 100,000 points shows some 2,000 of them: all are read as two numbers each, and only those that are
drawn as records with bounds and samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from regress.domain import Point, Series, SeriesKey
from regress.errors import UnknownNameError
from regress.store.dictionary import batches
from regress.store.models import BranchCommitRow, CommitRow, MeasurementRow, SeriesRow
from regress.store.samples import unpack
from regress.store.series import keys

Figures = tuple[int, float, float, float | None, float | None]
"""A point in figures: position, time of its commit (seconds since 1970), value, low, high."""


def key(session: Session, series_id: int) -> SeriesKey:
    """See ``Store.series_key``."""
    found = keys(session, SeriesRow.id == series_id)
    if not found:
        raise UnknownNameError("series", str(series_id))
    return found[series_id]


def line(session: Session, series_id: int, start: int | None, stop: int | None) -> list[tuple[int, float]]:
    """See ``Store.line``."""
    place = BranchCommitRow.position
    query = select(place, MeasurementRow.value).select_from(BranchCommitRow)
    query = query.join(MeasurementRow, MeasurementRow.commit_id == BranchCommitRow.commit_id)
    query = query.where(*_of(session, series_id))
    if start is not None:
        query = query.where(place >= start)
    if stop is not None:
        query = query.where(place <= stop)
    return [(position, value) for position, value in session.connection().execute(query.order_by(place))]


def points_at(session: Session, series_id: int, positions: Iterable[int]) -> list[Point]:
    """See ``Store.points_at``."""
    here, found = _of(session, series_id), []
    for batch in batches(positions):
        query = _points().where(*here, BranchCommitRow.position.in_(batch))
        found += [_point(row) for row in session.connection().execute(query)]
    return sorted(found, key=attrgetter("position"))


def figures(session: Session, series_id: int, positions: Iterable[int]) -> list[Figures]:
    """See ``Store.figures``."""
    here, found, row = _of(session, series_id), [], MeasurementRow
    told = select(BranchCommitRow.position, CommitRow.committed_at, row.value, row.low, row.high)
    told = told.select_from(BranchCommitRow).join(row, row.commit_id == BranchCommitRow.commit_id)
    told = told.join(CommitRow, CommitRow.id == row.commit_id)
    for batch in batches(positions):
        query = told.where(*here, BranchCommitRow.position.in_(batch))
        found += [
            (position, at.timestamp() if at else 0.0, value, low, high)
            for position, at, value, low, high in session.connection().execute(query)
        ]
    return sorted(found)


def newest(session: Session, series_id: int, limit: int) -> tuple[Series, int]:
    """See ``Store.newest_points``."""
    named = key(session, series_id)
    total = session.scalar(select(SeriesRow.points).where(SeriesRow.id == series_id)) or 0
    query = _points().where(*_of(session, series_id)).order_by(BranchCommitRow.position.desc()).limit(limit)
    points = [_point(row) for row in session.connection().execute(query)]
    return Series(series_id, named, tuple(reversed(points))), total


def _of(session: Session, series_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The measurements of a series on its branch; both ids as values, so that either index serves."""
    branch = session.scalar(select(SeriesRow.branch_id).where(SeriesRow.id == series_id))
    return MeasurementRow.series_id == series_id, BranchCommitRow.branch_id == branch


def _points() -> Select[*tuple[Any, ...]]:
    row = MeasurementRow
    return (
        select(CommitRow.sha, BranchCommitRow.position, row.value, row.low, row.high, row.samples)
        .select_from(BranchCommitRow)
        .join(row, row.commit_id == BranchCommitRow.commit_id)
        .join(CommitRow, CommitRow.id == row.commit_id)
    )


def _point(row: Row[*tuple[Any, ...]]) -> Point:
    sha, position, value, low, high, samples = row
    return Point(sha, position, value, low, high, unpack(samples))
