"""The machines: what they are, when they last delivered, how noisy they are."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from regress.service import browse
from web.render import render
from web.state import Branch, StoreDep

router = APIRouter()


@router.get("/machines")
def machines(request: Request, store: StoreDep, branch: Branch = None) -> HTMLResponse:
    """Show the machines with their noise over the newest commits of a branch."""
    return render(request, "machines.html", page=browse.machines_page(store, branch))
