"""Lists of series, as pages show them: read from what stands with each series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from regress.domain import Commit, Point, SeriesSummary
from regress.store import history
from regress.store.dictionary import batches, series_key
from regress.store.models import (
    BenchmarkRow,
    BranchCommitRow,
    BranchRow,
    MachineRow,
    MeasurementRow,
    MetricRow,
    SeriesRow,
)
from regress.store.series import all_keys, all_points, as_point

_IDENTITY = ("branch", "parameters", "machine", "environment")  # and the names of benchmark and metric


def series_list(
    session: Session, project_id: int, branch: str | None, benchmark: str | None, machine: str | None
) -> list[SeriesSummary]:
    """See ``Store.series_list``."""
    wanted = [BranchRow.project_id == project_id]
    for row, column, name in (
        (BranchRow, SeriesRow.branch_id, branch),
        (BenchmarkRow, SeriesRow.benchmark_id, benchmark),
        (MachineRow, SeriesRow.machine_id, machine),
    ):
        if name is not None:  # the ids first: a benchmark's series lie together in an index
            wanted.append(column.in_(select(row.id).where(row.name == name)))
    return _summaries(session, all_keys().where(*wanted))


def _summaries(session: Session, chosen: Select[*tuple[Any, ...]]) -> list[SeriesSummary]:
    """What a choice of ``_keys`` says, in the order of lists."""
    ordered = chosen.add_columns(SeriesRow.points).order_by(SeriesRow.rank, SeriesRow.id)
    rows = session.execute(ordered).all()
    latest: dict[int, tuple[Point, Any]] = {}
    for batch in batches(row[0] for row in rows):
        found = session.execute(_newest().where(SeriesRow.id.in_(batch)))
        latest.update((row[0], (as_point(row), row[-1])) for row in found)
    return [
        SeriesSummary(id_, series_key(*parts), points, *latest.get(id_, (None, None)))
        for id_, *parts, points in rows
    ]


def _newest() -> Select[*tuple[Any, ...]]:
    """The newest point of series, and when it was measured."""
    newest = all_points().where(BranchCommitRow.position == SeriesRow.newest)
    return newest.add_columns(MeasurementRow.measured_at)


def page(session: Session, ids: Sequence[int]) -> list[SeriesSummary]:
    """Some series, in the order of lists."""
    return _summaries(session, all_keys().where(SeriesRow.id.in_([*ids])))


def ordered(session: Session, branch_id: int | None, first: int, limit: int) -> Sequence[int]:
    """The ids of a page of all series of a branch, whose id is a value, so that they come sorted."""
    ids = select(SeriesRow.id).where(SeriesRow.branch_id == branch_id)
    return session.scalars(ids.order_by(SeriesRow.rank, SeriesRow.id).offset(first).limit(limit)).all()


def count(session: Session, project_id: int, branch: str | None) -> int:
    """How many series there are (on a branch)."""
    here = BranchRow.project_id == project_id
    branches = select(BranchRow.id).where(here if branch is None else and_(here, BranchRow.name == branch))
    return session.scalar(select(func.count()).where(SeriesRow.branch_id.in_(branches))) or 0


def newest(session: Session, project_id: int, branch: str) -> Commit | None:
    """See ``Store.newest_measured``."""
    tip = _tip(session, history.branch_id(session, project_id, branch))
    return None if tip is None else history.commits(session, project_id, branch, span=(tip, tip))[0]


def _tip(session: Session, branch_id: int | None) -> int | None:
    """The newest position of a branch that is measured."""
    return session.scalar(select(func.max(SeriesRow.newest)).where(SeriesRow.branch_id == branch_id))


def stale(
    session: Session, project_id: int, branch: str, commits: int, limit: int
) -> list[tuple[SeriesSummary, int]]:
    """See ``Store.stale_series``."""
    branch_id = history.branch_id(session, project_id, branch)
    tip = _tip(session, branch_id)
    if tip is None:
        return []
    other, version, metric = aliased(SeriesRow), aliased(BenchmarkRow), aliased(MetricRow)
    same = [getattr(other, f"{name}_id") == getattr(SeriesRow, f"{name}_id") for name in _IDENTITY]
    moved_on = (
        select(other.id)
        .join(version, version.id == other.benchmark_id)
        .join(metric, metric.id == other.metric_id)
        .where(*same, version.name == BenchmarkRow.name, metric.name == MetricRow.name)
        .where(other.newest > SeriesRow.newest)
        .exists()
    )
    chosen = (
        select(SeriesRow.id, SeriesRow.newest)
        .join(BenchmarkRow, BenchmarkRow.id == SeriesRow.benchmark_id)
        .join(MetricRow, MetricRow.id == SeriesRow.metric_id)
        .where(SeriesRow.branch_id == branch_id, SeriesRow.newest <= tip - commits, ~moved_on)
        .order_by(SeriesRow.newest, SeriesRow.rank, SeriesRow.id)
        .limit(limit)
    )
    places = dict(session.execute(chosen).all())
    rows = {row.id: row for row in _summaries(session, all_keys().where(SeriesRow.id.in_(places)))}
    return [(rows[id_], tip - place) for id_, place in places.items() if place is not None]
