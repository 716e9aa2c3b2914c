"""The runs: what was delivered, from where, and when."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from regress.service.browse.runs import PAGE_SIZE
from web.pages.compare import pages_of
from web.render import render
from web.state import PageNumber, StoreDep, Text

router = APIRouter()


@router.get("/runs")
def runs(request: Request, store: StoreDep, machine: Text = "", page: PageNumber = 1) -> HTMLResponse:
    """Show the runs, newest first, of all machines or of one."""
    found = browse.runs_page(store, machine, first=(page - 1) * PAGE_SIZE)
    pages = pages_of(request, page, found.total, PAGE_SIZE)
    return render(request, "runs.html", page=found, pages=pages)
