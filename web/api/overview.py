"""GET /overview: the state of a branch."""

from __future__ import annotations

from fastapi import APIRouter

from regress.service import browse
from web.api import convert, schema
from web.state import Branch, StoreDep

router = APIRouter(tags=["overview"])


@router.get("/overview")
def overview(store: StoreDep, branch: Branch = None) -> schema.Overview:
    """Latest regressions and improvements, what failed, what is stale."""
    page = browse.overview(store, branch)
    return schema.Overview(
        branch=page.branch,
        branches=list(page.branches),
        series=page.series,
        commit=convert.commit(page.commit),
        last_data=page.last_data,
        open_regressions=page.open_regressions,
        regressions=[convert.event(store.event(row.event.id)) for row in page.regressions],
        improvements=[convert.event(store.event(row.event.id)) for row in page.improvements],
        failed=page.failed,
        failures=convert.failures(page.failures),
        stale=[
            schema.Stale(series=schema.SeriesItem.model_validate(row.summary), behind=row.behind)
            for row in page.stale
        ],
        self_test=schema.SelfTest.model_validate(page.self_test) if page.self_test else None,
    )
