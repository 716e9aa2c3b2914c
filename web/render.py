"""Templates: one Jinja environment; autoescape is on, undefined names are errors."""

from __future__ import annotations

import hashlib
import json
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from regress import words
from web import distributions, drawing, format, posterior
from web.security.doors import Doors
from web.security.sessions import Visit

HERE = Path(__file__).parent
STATIC = HERE / "static"
CHART_LIBRARY = ("vendor/uplot.js", "vendor/uplot.css")
"""Brought by hatch_build.py; a build without npm lacks them, and pages then fall back to tables."""

CHART_SCRIPTS = tuple(sorted(path.name for path in STATIC.glob("chart*.js")))
"""The modules that ``static/series.js`` is made of."""

HTMX = "vendor/htmx.js"
"""Likewise; without it links and forms load whole pages."""

MENU = (
    ("/", "Overview"),
    ("/events", "Changes"),
    ("/drift", "Drift"),
    ("/bisections", "Bisections"),
    ("/benchmarks", "Benchmarks"),
    ("/commits", "Commits"),
    ("/compare", "Compare"),
    ("/machines", "Machines"),
    ("/runs", "Runs"),
)
"""The pages that every page leads to: address and name."""

THEMES = ("light", "dark")
"""What the cookie ``theme`` (``static/site.js`` sets it) may ask for; else the browser's wish holds."""


def chart_library_present() -> bool:
    """Whether charts can be drawn."""
    return all((STATIC / name).is_file() for name in CHART_LIBRARY)


def htmx_present() -> bool:
    """Whether parts of pages can be exchanged without loading them whole."""
    return (STATIC / HTMX).is_file()


@cache
def static(name: str) -> str:
    """The URL of a static file, with its digest so that a browser may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def script_json(data: Any) -> Markup:
    """Data for a ``<script type="application/json">``: no ``<`` survives to end the element."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    escaped = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(escaped)  # noqa: S704 # escaped on the line above


def queries(parameters: dict[str, Any]) -> str:
    """Parameters as a query string, those without a value left out."""
    return urlencode({name: value for name, value in parameters.items() if value})


def _environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "value": words.value,
        "change": words.change,
        "interval": words.interval,
        "within": words.within,
        "age": format.age,
        "is_old": format.is_old,
        "moment": format.moment,
        "short": format.short,
        "scale": words.scale_for,
        "size": words.size,
        "duration": words.duration,
        "plural": words.count,
        "due": format.due,
        "sure": words.sure,
        "factor": format.factor,
        "tone": drawing.tone,
        "script_json": script_json,
        "queries": queries,
    }
    env.globals |= {
        "static": static,
        "spark": drawing.spark,
        "distributions": distributions.distributions,
        "summary": distributions.summary,
        "posterior": posterior.posterior,
        "effect": drawing.effect,
        "reach": drawing.reach,
        "mean_tone": drawing.mean_tone,
        "charts": chart_library_present,
        "htmx": htmx_present,
        "MENU": MENU,
        "CHART_SCRIPTS": CHART_SCRIPTS,
    }
    return env


TEMPLATES = _environment()


def csrf_token(request: Request) -> str:
    """What a form of this visitor carries as ``csrf``, or a script as the header X-CSRF-Token."""
    doors: Doors = request.app.state.doors
    return doors.sessions.csrf(request.state.visit)


def csrf_field(request: Request) -> Markup:
    """The hidden field of a form that writes."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_token(request))


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page from its template. Templates get records from ``regress.service.browse`` and nothing else."""
    html = TEMPLATES.get_template(template).render(
        path=request.url.path,
        theme=theme if (theme := request.cookies.get("theme")) in THEMES else "",
        site=request.app.state.site,
        visit=getattr(request.state, "visit", Visit()),  # the page about a crash is made outside of the doors
        has_login=request.app.state.doors.has_login,
        csrf_token=partial(csrf_token, request),
        csrf_field=partial(csrf_field, request),
        **context,
    )
    return HTMLResponse(html, status)
