"""Two commits side by side; the whole question lives in the address."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from regress.domain import Verdict
from regress.service import browse
from regress.service.browse import CompareFilter, ComparePage
from web import drawing
from web.render import render
from web.state import Revision, StoreDep, Text

router = APIRouter()


@router.get("/compare")
def compare(
    request: Request,
    store: StoreDep,
    a: Revision = "",
    b: Revision = "",
    verdict: Annotated[list[Verdict] | None, Query(max_length=4)] = None,
    q: Text = "",
    metric: Text = "",
) -> HTMLResponse:
    """Show the comparison, or the form alone while a side is missing."""
    start = browse.compare_start(store)
    chosen = CompareFilter(frozenset(verdict or ()), q, metric)
    page = browse.compare_page(store, a, b, chosen) if a.strip() and b.strip() else None
    swap = f"/compare?{urlencode({'a': b, 'b': a})}"
    return render(
        request,
        "compare.html",
        page=page,
        start=start,
        a=a,
        b=b,
        chosen=chosen,
        swap=swap,
        verdicts=list(Verdict),
        common_scale=_common_scale(page),
    )


def _common_scale(page: ComparePage | None) -> dict[str, float]:
    """Metric -> the change at the edge of its drawings, so that rows of one metric compare by eye."""
    return {group.metric.name: drawing.reach(group.rows) for group in page.groups} if page else {}
