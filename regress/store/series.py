"""Series out: keys from the dictionary rows, points in the order of their branch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Row, Select, and_, func, select, true
from sqlalchemy.orm import Session, aliased

from regress.domain import Machine, Measurement, Point, Series, SeriesKey, SeriesSummary
from regress.errors import UnknownNameError
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
from regress.store.types import unpack_samples


def _keys() -> Select[*tuple[Any, ...]]:
    """Series ids with all that makes their key."""
    return (
        select(
            SeriesRow.id,
            BranchRow,
            BenchmarkRow,
            ParametersRow.pairs,
            MetricRow,
            MachineRow.name,
            EnvironmentRow.name,
        )
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .join(BenchmarkRow, BenchmarkRow.id == SeriesRow.benchmark_id)
        .join(ParametersRow, ParametersRow.id == SeriesRow.parameters_id)
        .join(MetricRow, MetricRow.id == SeriesRow.metric_id)
        .join(MachineRow, MachineRow.id == SeriesRow.machine_id)
        .join(EnvironmentRow, EnvironmentRow.id == SeriesRow.environment_id)
    )


def keys(session: Session, *where: Any) -> dict[int, SeriesKey]:
    """The keys of series that match, by id, in the order of benchmark, parameters and metric."""
    ordered = (
        _keys()
        .where(*where)
        .order_by(BenchmarkRow.name, SeriesRow.parameters_id, MetricRow.name, BenchmarkRow.id, SeriesRow.id)
    )
    return {id_: series_key(*parts) for id_, *parts in session.execute(ordered)}


def series_list(
    session: Session, project_id: int, branch: str | None, benchmark: str | None, machine: str | None
) -> list[SeriesSummary]:
    """See ``Store.series_list``."""
    wanted = [BranchRow.project_id == project_id]
    for column, value in (
        (BranchRow.name, branch),
        (BenchmarkRow.name, benchmark),
        (MachineRow.name, machine),
    ):
        if value is not None:
            wanted.append(column == value)
    found = keys(session, *wanted)
    latest = _latest(session, branch)
    return [SeriesSummary(id_, key, *latest.get(id_, (0, None, None))) for id_, key in found.items()]


def _latest(session: Session, branch: str | None) -> dict[int, tuple[int, Point, Any]]:
    """Per series: the number of points, the newest point, and when it was measured."""
    counted = (
        select(SeriesRow.id, func.count().label("n"), func.max(BranchCommitRow.position).label("position"))
        .join(MeasurementRow, MeasurementRow.series_id == SeriesRow.id)
        .join(BranchCommitRow, _same_place())
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .where(BranchRow.name == branch if branch is not None else true())
        .group_by(SeriesRow.id)
        .subquery()
    )
    newest = (
        _points()
        .join(counted, and_(counted.c.id == SeriesRow.id, counted.c.position == BranchCommitRow.position))
        .add_columns(counted.c.n, MeasurementRow.measured_at)
    )
    return {row[0]: (row[-2], _point(row), row[-1]) for row in session.execute(newest)}


def _same_place() -> Any:
    return and_(
        BranchCommitRow.branch_id == SeriesRow.branch_id,
        BranchCommitRow.commit_id == MeasurementRow.commit_id,
    )


def _points() -> Select[*tuple[Any, ...]]:
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
        .join(BranchCommitRow, _same_place())
        .join(CommitRow, CommitRow.id == MeasurementRow.commit_id)
    )


def _point(row: Row[*tuple[Any, ...]]) -> Point:
    _, sha, position, value, low, high, samples, *_ = row
    return Point(sha, position, value, low, high, unpack_samples(samples))


def one_series(session: Session, series_id: int) -> Series:
    """See ``Store.series``."""
    found = keys(session, SeriesRow.id == series_id)
    if not found:
        raise UnknownNameError("series", str(series_id))
    ordered = _points().where(SeriesRow.id == series_id).order_by(BranchCommitRow.position)
    return Series(series_id, found[series_id], tuple(_point(row) for row in session.execute(ordered)))


def all_series(session: Session, project_id: int, branch: str) -> Iterator[Series]:
    """See ``Store.all_series``."""
    here = (BranchRow.project_id == project_id, BranchRow.name == branch)
    found = keys(session, *here)
    ordered = (
        _points()
        .join(BranchRow, BranchRow.id == SeriesRow.branch_id)
        .where(*here)
        .order_by(SeriesRow.id, BranchCommitRow.position)
        .execution_options(yield_per=5_000)
    )
    for id_, rows in itertools.groupby(session.execute(ordered), key=lambda row: int(row[0])):
        yield Series(id_, found[id_], tuple(map(_point, rows)))


def values(session: Session, series_ids: Iterable[int]) -> dict[int, list[float]]:
    """See ``Store.values``."""
    found: dict[int, list[float]] = {}
    for batch in batches(series_ids):
        wanted = (
            select(MeasurementRow.series_id, MeasurementRow.value)
            .join(SeriesRow, SeriesRow.id == MeasurementRow.series_id)
            .join(BranchCommitRow, _same_place())
            .where(MeasurementRow.series_id.in_(batch))
            .order_by(MeasurementRow.series_id, BranchCommitRow.position)
        )
        for id_, value in session.execute(wanted):
            found.setdefault(id_, []).append(value)
    return found


def measurements_at(session: Session, sha: str) -> list[tuple[int, Measurement]]:
    """See ``Store.measurements_at``."""
    measured = aliased(MeasurementRow)
    query = (
        _keys()
        .join(measured, measured.series_id == SeriesRow.id)
        .join(CommitRow, CommitRow.id == measured.commit_id)
    )
    query = query.add_columns(measured).where(CommitRow.sha == sha).order_by(BenchmarkRow.name, SeriesRow.id)
    return [
        (
            id_,
            Measurement(
                series_key(*parts),
                sha,
                row.value,
                row.low,
                row.high,
                unpack_samples(row.samples),
                row.measured_at,
            ),
        )
        for id_, *parts, row in session.execute(query)
    ]


def benchmarks(session: Session) -> list[str]:
    """See ``Store.benchmarks``."""
    return list(session.scalars(select(BenchmarkRow.name).distinct().order_by(BenchmarkRow.name)))


def machines(session: Session) -> list[Machine]:
    """See ``Store.machines``."""
    rows = session.scalars(select(MachineRow).order_by(MachineRow.name))
    return [Machine(row.name, unpack_pairs(row.facts)) for row in rows]
