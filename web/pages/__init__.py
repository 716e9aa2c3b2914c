"""The pages: one module and one template of the same name each, listed here and nowhere else."""

from __future__ import annotations

from types import MappingProxyType

from fastapi import APIRouter
from fastapi.routing import APIRoute

from web.pages import (
    api,
    audit,
    benchmarks,
    bisect,
    bisection,
    bisections,
    commit,
    commits,
    compare,
    drift,
    embed,
    event,
    events,
    login,
    machines,
    overview,
    run,
    runs,
    search,
    series,
)

PAGES: MappingProxyType[str, APIRouter] = MappingProxyType(
    {
        "overview": overview.router,
        "benchmarks": benchmarks.router,
        "series": series.router,
        "commits": commits.router,
        "commit": commit.router,
        "compare": compare.router,
        "events": events.router,
        "drift": drift.router,
        "event": event.router,
        "bisections": bisections.router,
        "bisection": bisection.router,
        "bisect": bisect.router,
        "machines": machines.router,
        "runs": runs.router,
        "run": run.router,
        "embed": embed.router,
        "search": search.router,
        "audit": audit.router,
        "login": login.router,
        "api": api.router,
    }
)
"""Page name -> its router; the name is also the module's and the template's."""


def plain_paths() -> list[str]:
    """Addresses of the pages that need no parameter: what a mistyped address can have meant."""
    routes = [route for router in PAGES.values() for route in router.routes if isinstance(route, APIRoute)]
    return [route.path for route in routes if "{" not in route.path]
