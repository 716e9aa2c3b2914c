"""All benchmarks and their series, as a list or as a grid of small charts."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, PageNumber, StoreDep, Text

router = APIRouter()


@router.get("/benchmarks")
def benchmarks(
    request: Request,
    store: StoreDep,
    branch: Branch = None,
    q: Text = "",
    page: PageNumber = 1,
    view: Literal["list", "grid"] = "list",
) -> HTMLResponse:
    """Show one page of the series, filtered by words."""
    found = browse.benchmarks_page(store, branch, q, page)
    return render(request, "benchmarks.html", page=found, view=view)
