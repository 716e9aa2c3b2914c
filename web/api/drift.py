"""GET /drift: slow drift, in steps too small to be told."""

from __future__ import annotations

from fastapi import APIRouter

from regress.service import browse
from web.api import schema
from web.state import Branch, StoreDep

router = APIRouter(tags=["drift"])


@router.get("/drift")
def drift(store: StoreDep, branch: Branch = None) -> schema.Drift:
    """What the latest analysis found, the worst series first; `ledger` is null before the first."""
    page = browse.drift_page(store, branch)
    ledger = schema.Ledger.model_validate(page.ledger) if page.ledger else None
    return schema.Drift(branch=page.branch, ledger=ledger)
