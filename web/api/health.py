"""GET /healthz: for load balancers and scripts that wait for the server."""

from __future__ import annotations

from fastapi import APIRouter

from web.api.schema import Health
from web.state import StoreDep

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz(store: StoreDep) -> Health:
    """The server answers and its store can be read."""
    runs = store.runs(1)
    return Health(status="ok", series=store.count_series(), last_data=runs[0].delivered_at if runs else None)
