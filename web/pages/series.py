"""One series: its chart, levels and failures."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from regress import words
from regress.domain import Direction
from regress.service import browse
from regress.service.browse import Mark, SeriesFailure, SeriesPage
from web import drawing, format
from web.render import render
from web.state import ConfigDep, First, Id, Last, StoreDep

router = APIRouter()

TABLE_ROWS = 200
"""Newest measurements listed below the chart; the API has all."""


@router.get("/series/{series_id}")
def series(request: Request, store: StoreDep, config: ConfigDep, series_id: Id) -> HTMLResponse:
    """Show a series."""
    page = browse.series_page(store, series_id, newest=TABLE_ROWS, config=config)
    scale = scale_of(page)
    return render(request, "series.html", page=page, scale=scale, chart=chart_data(page, scale))


@router.get("/series/{series_id}/point/{position}")
def point(request: Request, store: StoreDep, series_id: Id, position: Id) -> HTMLResponse:
    """Show one measurement below the chart: what it is, and the raw samples."""
    return render(request, "fragments/point.html", page=browse.point_page(store, series_id, position))


@router.get("/series/{series_id}/line")
def line(
    store: StoreDep,
    series_id: Id,
    start: First = None,
    stop: Last = None,
    limit: Annotated[int, Query(ge=4, le=20_000)] = 2_000,
) -> Response:
    """The points of a chart as its script takes them: little-endian doubles, a column after the other.

    How many there are in range; then positions, times, values, lows, highs of those that are drawn.
    """
    found = browse.line(store, series_id, start, stop, limit)
    columns = np.concatenate(([found.total], found.points.T.ravel()))
    return Response(columns.astype("<f8").tobytes(), media_type="application/octet-stream")


def scale_of(page: SeriesPage) -> words.Scale:
    """One scale for the whole series: that of its newest value."""
    return words.scale_for(page.latest.point.value if page.latest else 1.0, page.key.metric.unit)


def chart_data(page: SeriesPage, scale: words.Scale) -> dict[str, Any]:
    """What chart.js needs beside the points: it fetches the numbers first, and then the commits' texts."""
    return {
        "line": f"/series/{page.id}/line",
        "texts": f"/api/v1/series/{page.id}/points",
        "title": page.key.title,
        "factor": scale.factor,
        "unit": scale.unit,
        "lowerIsBetter": page.key.metric.direction is Direction.LOWER,
        "marks": [_mark(mark) for mark in page.marks],
        "failures": [_failure(row) for row in page.failures],
        "flags": [{"position": f.position, "label": f.label, "tag": f.tag} for f in page.flags],
        "details": f"/series/{page.id}/point/",
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "before": mark.before,
        "after": mark.after,
        "levelBefore": mark.change.before,
        "levelAfter": mark.change.after,
        "label": words.change(mark.change.ratio),
        "tone": drawing.tone(mark.kind),
        "href": f"/event/{mark.event_id}",
    }


def _failure(row: SeriesFailure) -> dict[str, Any]:
    return {
        "position": row.commit.position,
        "label": f"{row.failure.kind} failed at {format.short(row.commit.sha)}",
        "href": f"/commit/{row.commit.sha}",
    }
