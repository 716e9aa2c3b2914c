"""Slow drift, series by series and commit by commit."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, StoreDep

router = APIRouter()


@router.get("/drift")
def drift(request: Request, store: StoreDep, branch: Branch = None) -> HTMLResponse:
    """Show what the latest analysis found."""
    return render(request, "drift.html", page=browse.drift_page(store, branch))
