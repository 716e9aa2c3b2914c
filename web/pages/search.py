"""Search by name."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, Part, StoreDep, Text

router = APIRouter()

PALETTE = 8
"""Results of each kind where somebody still types."""


@router.get("/search")
def search(
    request: Request, store: StoreDep, q: Text = "", branch: Branch = None, hx_request: Part = False
) -> HTMLResponse:
    """Show benchmarks and commits that go by this name, or the nearest names; to htmx, nothing else."""
    if not hx_request:
        return render(request, "search.html", page=browse.search_page(store, q, branch))
    page = browse.search_page(store, q, branch, limit=PALETTE)
    return render(request, "fragments/found.html" if q.strip() else "fragments/go.html", page=page)
