"""GET /compare: two commits."""

from __future__ import annotations

from fastapi import APIRouter

from regress.service import browse
from web.api import convert, schema
from web.api.paging import Limit, Offset
from web.pages.compare import Asked
from web.state import ConfigDep, Revision, StoreDep

router = APIRouter(tags=["compare"])


@router.get("/compare")
def compare(
    store: StoreDep,
    config: ConfigDep,
    chosen: Asked,
    a: Revision,
    b: Revision,
    offset: Offset = 0,
    limit: Limit = 100,
) -> schema.CompareResult:
    """A verdict per series measured at both commits, filtered, and a geometric mean per group."""
    page = browse.compare_page(store, a, b, chosen, first=offset, limit=limit, config=config)
    return schema.CompareResult(
        a=schema.Commit.model_validate(page.a),
        b=schema.Commit.model_validate(page.b),
        counts=page.counts,
        means=[
            schema.GeometricMean(
                metric=schema.Metric.model_validate(group.metric),
                name=group.name,
                series=group.total,
                ratio=group.geomean,
            )
            for group in page.groups
        ],
        passed=page.passed,
        rows=[convert.compared(row.comparison) for group in page.groups for row in group.rows],
    )
