"""GET /bisections, /bisections/{id}: searches for culprits, finished or not."""

from __future__ import annotations

from fastapi import APIRouter

from regress.service import browse
from web.api import bisection_schema, schema
from web.api.paging import Limit, Offset
from web.state import Id, StoreDep

router = APIRouter(tags=["bisections"])


@router.get("/bisections")
def bisections(
    store: StoreDep, offset: Offset = 0, limit: Limit = 100
) -> schema.Page[bisection_schema.Bisection]:
    """All searches, newest first."""
    page = browse.bisections_page(store, first=offset, limit=limit)
    items = [bisection_schema.bisection(row) for row in page.rows]
    return schema.Page[bisection_schema.Bisection](total=page.total, offset=offset, limit=limit, items=items)


@router.get("/bisections/{bisection_id}")
def bisection(store: StoreDep, bisection_id: Id) -> bisection_schema.BisectionDetail:
    """One search with what it measured and what it knows; ask again while it is `measuring`."""
    return bisection_schema.detail(browse.bisection_page(store, bisection_id))
