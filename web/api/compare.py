"""GET /compare: two commits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from regress.domain import Verdict
from regress.service import browse
from regress.service.browse import CompareFilter
from web.api import convert, schema
from web.state import Revision, StoreDep, Text

router = APIRouter(tags=["compare"])


@router.get("/compare")
def compare(
    store: StoreDep,
    a: Revision,
    b: Revision,
    verdict: Annotated[list[Verdict] | None, Query(max_length=4)] = None,
    q: Text = "",
    metric: Text = "",
) -> schema.CompareResult:
    """A verdict per series measured at both commits, filtered, and a geometric mean per metric."""
    page = browse.compare_page(store, a, b, CompareFilter(frozenset(verdict or ()), q, metric))
    return schema.CompareResult(
        a=schema.Commit.model_validate(page.a),
        b=schema.Commit.model_validate(page.b),
        counts=page.counts,
        means=[
            schema.GeometricMean(
                metric=schema.Metric.model_validate(group.metric), series=group.total, ratio=group.geomean
            )
            for group in page.groups
        ],
        rows=[convert.compared(row) for group in page.groups for row in group.rows],
    )
