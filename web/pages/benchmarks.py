"""All benchmarks and their series."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, StoreDep, Text

router = APIRouter()


@router.get("/benchmarks")
def benchmarks(
    request: Request,
    store: StoreDep,
    branch: Branch = None,
    q: Text = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Show one page of the list, filtered by words."""
    return render(request, "benchmarks.html", page=browse.benchmarks_page(store, branch, q, page))
