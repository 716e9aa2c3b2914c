"""Search by name."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, StoreDep, Text

router = APIRouter()


@router.get("/search")
def search(request: Request, store: StoreDep, q: Text = "", branch: Branch = None) -> HTMLResponse:
    """Show benchmarks and commits that go by this name, or the nearest names."""
    return render(request, "search.html", page=browse.search_page(store, q, branch))
