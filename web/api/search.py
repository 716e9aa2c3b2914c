"""GET /search: by name."""

from __future__ import annotations

from fastapi import APIRouter

from regress.service import browse
from web.api import schema
from web.state import Branch, StoreDep, Text

router = APIRouter(tags=["search"])


@router.get("/search")
def search(store: StoreDep, q: Text = "", branch: Branch = None) -> schema.SearchResult:
    """Series by words of their title, commits by hash or subject."""
    return schema.SearchResult.model_validate(browse.search_page(store, q, branch))
