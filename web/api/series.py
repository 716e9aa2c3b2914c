"""GET /series, /series/{id}, /series/{id}/points: results over history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from regress.service import browse
from regress.service.browse import LocatedPoint
from web.api import convert, schema
from web.api.paging import Limit, Offset, page_of
from web.state import Branch, ConfigDep, First, Id, Last, StoreDep

router = APIRouter(tags=["series"])

Name = Annotated[str | None, Query(max_length=300)]


@router.get("/series")
def list_series(
    store: StoreDep,
    branch: Branch = None,
    benchmark: Name = None,
    machine: Name = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> schema.Page[schema.SeriesItem]:
    """The series (of a branch, a benchmark, a machine), by benchmark and parameters."""
    return page_of(schema.SeriesItem, store.series_list(branch, benchmark, machine), offset, limit)


@router.get("/series/{series_id}")
def one_series(store: StoreDep, config: ConfigDep, series_id: Id) -> schema.SeriesDetail:
    """A series: what it is, where its level shifted, where it failed, what it can see."""
    page = browse.series_page(store, series_id, config=config)
    return schema.SeriesDetail(
        id=page.id,
        key=convert.key(page.key),
        points=page.points,
        changes=[_change(page, mark) for mark in page.marks],
        failures=convert.failures(tuple(row.failure for row in page.failures)),
        sees=convert.sight(page.sight),
    )


def _change(page: browse.SeriesPage, mark: browse.Mark) -> schema.Change:
    return schema.Change(
        series_id=page.id,
        key=convert.key(page.key),
        last_before=mark.last_before,
        first_after=mark.first_after,
        before=mark.change.before,
        after=mark.change.after,
        ratio=mark.change.ratio,
        low=mark.change.low,
        high=mark.change.high,
        p_value=mark.change.p_value,
    )


@router.get("/series/{series_id}/points")
def points(
    store: StoreDep,
    series_id: Id,
    start: First = None,
    stop: Last = None,
    limit: Annotated[int, Query(ge=4, le=20_000, description="At most this many points.")] = 2_000,
) -> schema.Points:
    """Points in range; more than ``limit`` are thinned so that the drawn line stays the same (M4)."""
    total, shown = browse.located_line(store, series_id, start, stop, limit)
    return schema.Points(
        series_id=series_id,
        total=total,
        decimated=len(shown) < total,
        points=[_point(row) for row in shown],
    )


def _point(row: LocatedPoint) -> schema.Point:
    point, commit = row.point, row.commit
    return schema.Point(
        position=point.position,
        commit=point.commit,
        value=point.value,
        low=point.low,
        high=point.high,
        subject=commit.subject,
        author=commit.author,
        committed_at=commit.committed_at,
    )
