"""The audit log: who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from regress.domain import Role
from regress.service import browse
from web.render import render
from web.security import reads
from web.state import StoreDep

router = APIRouter()

Before = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get("/audit", dependencies=[reads(Role.ADMIN)])
def audit(request: Request, store: StoreDep, before: Before = None) -> HTMLResponse:
    """Show a hundred acts, the newest first."""
    return render(request, "audit.html", page=browse.audit_page(store, before))
