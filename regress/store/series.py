"""Series out: keys from the dictionary rows, points in the order of their branch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session

from regress.domain import Machine, Measurement, Point, Series, SeriesKey
from regress.errors import UnknownNameError
from regress.store import centres
from regress.store.dictionary import batches, series_key, unpack_pairs
from regress.store.models import (
    BenchmarkRow,
    BranchCommitRow,
    BranchRow,
    CommitRow,
    EnvironmentRow,
    MachineRow,
    MeasurementRow,
    MetricRow,
    ParametersRow,
    SeriesRow,
)
from regress.store.samples import unpack

_KEY = (
    BenchmarkRow.name,
    BenchmarkRow.version,
    ParametersRow.pairs,
    MetricRow.name,
    MetricRow.unit,
    MetricRow.direction,
    MachineRow.name,
    EnvironmentRow.name,
    BranchRow.name,
)


def all_keys() -> Select[*tuple[Any, ...]]:
    """Series ids with all that makes their key, as ``series_key`` takes it."""
    return (
        select(SeriesRow.id, *_KEY)
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .join(BenchmarkRow, BenchmarkRow.id == SeriesRow.benchmark_id)
        .join(ParametersRow, ParametersRow.id == SeriesRow.parameters_id)
        .join(MetricRow, MetricRow.id == SeriesRow.metric_id)
        .join(MachineRow, MachineRow.id == SeriesRow.machine_id)
        .join(EnvironmentRow, EnvironmentRow.id == SeriesRow.environment_id)
    )


def keys(session: Session, *where: Any) -> dict[int, SeriesKey]:
    """The keys of series that match, by id, in the order of lists."""
    ordered = all_keys().where(*where).order_by(SeriesRow.rank, SeriesRow.id)
    return {id_: series_key(*parts) for id_, *parts in session.execute(ordered)}


def keys_of(session: Session, ids: Iterable[int]) -> dict[int, SeriesKey]:
    """The keys of some series, by id."""
    told: dict[int, SeriesKey] = {}
    for batch in batches(ids):
        told |= keys(session, SeriesRow.id.in_(batch))
    return told


def same_place() -> Any:
    return and_(
        BranchCommitRow.branch_id == SeriesRow.branch_id,
        BranchCommitRow.commit_id == MeasurementRow.commit_id,
    )


def all_points() -> Select[*tuple[Any, ...]]:
    """Measurements of series at commits of the series' own branch."""
    return (
        select(
            MeasurementRow.series_id,
            CommitRow.sha,
            BranchCommitRow.position,
            MeasurementRow.value,
            MeasurementRow.low,
            MeasurementRow.high,
            MeasurementRow.samples,
        )
        .join(SeriesRow, SeriesRow.id == MeasurementRow.series_id)
        .join(BranchCommitRow, same_place())
        .join(CommitRow, CommitRow.id == MeasurementRow.commit_id)
    )


def as_point(row: Row[*tuple[Any, ...]]) -> Point:
    _, sha, position, value, low, high, samples, *_ = row
    return Point(sha, position, value, low, high, unpack(samples))


def one_series(session: Session, series_id: int) -> Series:
    """See ``Store.series``."""
    found = keys(session, SeriesRow.id == series_id)
    if not found:
        raise UnknownNameError("series", str(series_id))
    ordered = all_points().where(SeriesRow.id == series_id).order_by(BranchCommitRow.position)
    return Series(series_id, found[series_id], tuple(as_point(row) for row in session.execute(ordered)))


def all_series(session: Session, project_id: int, branch: str) -> Iterator[Series]:
    """See ``Store.all_series``."""
    here = (BranchRow.project_id == project_id, BranchRow.name == branch)
    found = keys(session, *here)
    ordered = (
        all_points()
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .where(*here)
        .order_by(SeriesRow.id, BranchCommitRow.position)
        .execution_options(yield_per=5_000)
    )
    for id_, rows in itertools.groupby(session.execute(ordered), key=lambda row: int(row[0])):
        yield Series(id_, found[id_], tuple(map(as_point, rows)))


_NEAR = 500
"""Ids on each side of a series with its neighbours: tools tell benchmarks in the order in which they ran.
Each is looked up by itself: the table's key begins with the series, and a range reads all its commits."""


def next_start(session: Session, series_id: int) -> tuple[datetime, datetime] | None:
    """See ``Store.next_start``."""
    newest = all_points().where(SeriesRow.id == series_id, BranchCommitRow.position == SeriesRow.newest)
    own = session.execute(
        newest.with_only_columns(
            MeasurementRow.commit_id,
            MeasurementRow.measured_at,
            SeriesRow.machine_id,
            SeriesRow.environment_id,
        )
    ).first()
    if own is None or own.measured_at is None:
        return None
    later = (
        select(MeasurementRow.measured_at)
        .where(MeasurementRow.series_id == SeriesRow.id, MeasurementRow.commit_id == own.commit_id)
        .where(MeasurementRow.measured_at > own.measured_at)
        .scalar_subquery()
    )
    following = (
        select(func.min(later))
        .where(SeriesRow.id.between(series_id - _NEAR, series_id + _NEAR))
        .where(SeriesRow.machine_id == own.machine_id, SeriesRow.environment_id == own.environment_id)
    )
    after = session.scalar(following)
    return None if after is None else (own.measured_at, after)


def values(session: Session, series_ids: Iterable[int]) -> dict[int, list[float]]:
    """See ``Store.values``."""
    rows = _each(session, series_ids, select(MeasurementRow.series_id, MeasurementRow.value))
    return {id_: [value for (value,) in told] for id_, told in rows.items()}


def lines(session: Session, series_ids: Iterable[int]) -> dict[int, list[tuple[str, float]]]:
    """See ``Store.lines``."""
    columns = (MeasurementRow.series_id, CommitRow.sha, MeasurementRow.value)
    query = select(*columns).join(CommitRow, CommitRow.id == MeasurementRow.commit_id)
    return {
        id_: [(sha, value) for sha, value in told] for id_, told in _each(session, series_ids, query).items()
    }


def _each(
    session: Session, series_ids: Iterable[int], query: Select[*tuple[Any, ...]]
) -> dict[int, list[tuple[Any, ...]]]:
    """What a query tells of each measurement of some series, by their ids, in history's order."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    query = query.join(SeriesRow, SeriesRow.id == MeasurementRow.series_id).join(
        BranchCommitRow, same_place()
    )
    for batch in batches(series_ids):
        wanted = query.where(MeasurementRow.series_id.in_(batch))
        ordered = wanted.order_by(MeasurementRow.series_id, BranchCommitRow.position)
        rows = session.connection().execute(ordered).cursor.fetchall()  # past Row objects, which take long
        found |= {id_: [row[1:] for row in own] for id_, own in itertools.groupby(rows, key=itemgetter(0))}
    return found


def measurements_at(session: Session, sha: str) -> list[tuple[int, Measurement]]:
    """See ``Store.measurements_at``."""
    commit = session.scalar(select(CommitRow.id).where(CommitRow.sha == sha))
    if commit is None:
        return []
    row = MeasurementRow
    facts = (row.value, row.low, row.high, row.samples, row.measured_at)
    query = all_keys().join(row, row.series_id == SeriesRow.id).where(row.commit_id == commit)
    found: list[tuple[str, int, Measurement]] = []
    for batch in batches(centres.series(session, commit)):
        here = query.where(row.series_id.in_(batch)).add_columns(*facts, SeriesRow.rank)
        for id_, *parts, value, low, high, samples, at, rank in session.execute(here):
            told = Measurement(series_key(*parts), sha, value, low, high, unpack(samples), at)
            found.append((rank, id_, told))
    return [(id_, told) for _, id_, told in sorted(found, key=itemgetter(0, 1))]


def benchmarks(session: Session) -> list[str]:
    """See ``Store.benchmarks``."""
    return list(session.scalars(select(BenchmarkRow.name).distinct().order_by(BenchmarkRow.name)))


def machines(session: Session) -> list[Machine]:
    """See ``Store.machines``."""
    rows = session.scalars(select(MachineRow).order_by(MachineRow.name))
    return [Machine(row.name, unpack_pairs(row.facts)) for row in rows]
