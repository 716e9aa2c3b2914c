"""All searches for culprits."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from regress.service.browse.bisections import PAGE_SIZE
from web.pages.compare import pages_of
from web.render import render
from web.state import PageNumber, StoreDep

router = APIRouter()


@router.get("/bisections")
def bisections(request: Request, store: StoreDep, page: PageNumber = 1) -> HTMLResponse:
    """Show the searches, newest first."""
    found = browse.bisections_page(store, first=(page - 1) * PAGE_SIZE)
    pages = pages_of(request, page, found.total, PAGE_SIZE)
    return render(request, "bisections.html", page=found, pages=pages)
