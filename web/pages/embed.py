"""A chart of one series for a frame on another page; the only page that other sites may show."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.pages.series import chart_data, scale_of
from web.render import render
from web.state import ConfigDep, Id, StoreDep

router = APIRouter()


@router.get("/embed/series/{series_id}")
def embed(request: Request, store: StoreDep, config: ConfigDep, series_id: Id) -> HTMLResponse:
    """Show the chart alone."""
    page = browse.series_page(store, series_id, newest=1, config=config)
    return render(request, "embed.html", page=page, chart=chart_data(page, scale_of(page)))
