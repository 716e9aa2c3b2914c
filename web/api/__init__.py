"""The JSON API under /api/v1: one module a resource, listed here; and /healthz."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from web.api import (
    benchmarks,
    bisections,
    commits,
    compare,
    deliveries,
    drift,
    events,
    health,
    overview,
    search,
    series,
)
from web.api.schema import Problem

RESOURCES = (deliveries, overview, benchmarks, series, commits, compare, drift, events, bisections, search)

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such thing; `near` has close names."},
    414: {"model": Problem, "description": "The address is too long."},
    422: {"model": Problem, "description": "A parameter is missing or out of its range."},
}

router = APIRouter()
for _module in RESOURCES:
    router.include_router(_module.router, prefix="/api/v1", responses=_PROBLEMS)
router.include_router(health.router)
