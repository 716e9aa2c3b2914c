"""Pages of long lists: ``offset`` and ``limit``, bounded, the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from web.api.schema import Model, Page

MAX_LIMIT = 500

Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Items to skip.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items to return.")]

M = TypeVar("M", bound=Model)


def page_of(model: type[M], records: Sequence[object], offset: int, limit: int) -> Page[M]:
    """The asked-for stretch of ``records`` as models."""
    items = [model.model_validate(record) for record in records[offset : offset + limit]]
    return Page[M](total=len(records), offset=offset, limit=limit, items=items)
