"""GET /benchmarks: names."""

from __future__ import annotations

from fastapi import APIRouter

from web.api.paging import Limit, Offset
from web.api.schema import Page
from web.state import StoreDep

router = APIRouter(tags=["series"])


@router.get("/benchmarks")
def benchmarks(store: StoreDep, offset: Offset = 0, limit: Limit = 100) -> Page[str]:
    """Names of all benchmarks."""
    names = store.benchmarks()
    return Page[str](total=len(names), offset=offset, limit=limit, items=names[offset : offset + limit])
