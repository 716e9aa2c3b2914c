"""Two commits side by side; the whole question lives in the address."""

from __future__ import annotations

import csv
import io
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from regress import words
from regress.domain import Verdict
from regress.service import browse
from regress.service.browse import CompareFilter, ComparePage, Grouping
from regress.service.browse.compare import PAGE_SIZE
from web import drawing, format
from web.render import render
from web.state import ConfigDep, PageNumber, Revision, StoreDep, Text

router = APIRouter()

MOST_IN_MARKDOWN = 500
"""Rows of a table that somebody pastes into a discussion."""

Groupings = Annotated[Grouping, Query(description="What means are taken over, beside the metric.")]


async def asked(
    verdict: Annotated[list[Verdict] | None, Query(max_length=4)] = None,
    q: Text = "",
    metric: Text = "",
    least: Annotated[float, Query(ge=0, le=1_000_000, description="Smallest change, in per cent.")] = 0,
    group: Groupings = "metric",
    machine_a: Text = "",
    machine_b: Text = "",
    environment_a: Text = "",
    environment_b: Text = "",
) -> CompareFilter:
    """The filter that an address asks for."""
    return CompareFilter(
        frozenset(verdict or ()),
        q,
        metric,
        least / 100,
        group,
        (machine_a, machine_b),
        (environment_a, environment_b),
    )


Asked = Annotated[CompareFilter, Depends(asked)]
"""The filter of a comparison, from the address."""


@router.get("/compare")
def compare(
    request: Request,
    store: StoreDep,
    config: ConfigDep,
    chosen: Asked,
    a: Revision = "",
    b: Revision = "",
    page: PageNumber = 1,
) -> HTMLResponse:
    """Show the comparison, or the form alone while a side is missing."""
    start = browse.compare_start(store, config.root if config else None)
    found = None
    if a.strip() and b.strip():
        first = (page - 1) * PAGE_SIZE
        found = browse.compare_page(store, a, b, chosen, first=first, config=config)
    return render(
        request,
        "compare.html",
        page=found,
        start=start,
        a=a,
        b=b,
        chosen=chosen,
        swap=_swap(a, b, chosen),
        query=request.url.query,
        pages=pages_of(request, page, found.passed if found else 0, PAGE_SIZE),
        verdicts=list(Verdict),
        common_scale=_common_scale(found),
    )


@router.get("/compare.csv")
def as_csv(store: StoreDep, config: ConfigDep, chosen: Asked, a: Revision, b: Revision) -> Response:
    """What passes the filter, as CSV with exact numbers."""
    page = browse.compare_page(store, a, b, chosen, limit=None, config=config)
    return Response(table_csv(page), media_type="text/csv; charset=utf-8")


@router.get("/compare.md")
def as_markdown(store: StoreDep, config: ConfigDep, chosen: Asked, a: Revision, b: Revision) -> Response:
    """What passes the filter, as Markdown for a discussion."""
    page = browse.compare_page(store, a, b, chosen, limit=MOST_IN_MARKDOWN, config=config)
    return Response(table_markdown(page), media_type="text/markdown; charset=utf-8")


_COLUMNS = (
    *("series", "machine", "environment", "metric", "unit", "base", "with"),
    *("ratio", "low", "high", "verdict", "threshold", "factor", "more_runs"),
)


def table_csv(page: ComparePage) -> str:
    """The rows of a comparison; a text that a spreadsheet would take for a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for group in page.groups:
        for row in group.rows:
            c, key = row.comparison, row.comparison.series
            names = (key.title, key.machine, key.environment, key.metric.name, key.metric.unit)
            numbers = (c.a.value, c.b.value, c.ratio, c.low, c.high)
            told = (c.verdict.value, row.threshold, row.factor, "" if c.more_runs is None else c.more_runs)
            writer.writerow([*map(_no_formula, names), *numbers, *told])
    return out.getvalue()


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def table_markdown(page: ComparePage) -> str:
    """The same as a heading, means, and a table a group."""
    counts = ", ".join(f"{page.counts[verdict]:,} {verdict.value}" for verdict in Verdict)
    lines = [f"### {format.short(page.a.sha)} → {format.short(page.b.sha)}", "", f"{counts}."]
    for group in page.groups:
        mean = f": geometric mean {words.change(group.geomean)}" if group.geomean is not None else ""
        name = " · ".join(map(_cell, filter(None, (group.metric.name, group.name))))
        lines += ["", f"**{name}**, {words.count(group.total, 'series', 'series')}{mean}", ""]
        lines += ["| series | base | with | change | | verdict |", "|---|--:|--:|--:|---|---|"]
        for row in group.rows:
            c, unit = row.comparison, group.metric.unit
            where = f"{c.series.title} ({c.series.machine}, {c.series.environment})"
            cells = (
                _cell(where),
                _cell(words.value(c.a.value, unit)),
                _cell(words.value(c.b.value, unit)),
                words.change(c.ratio),
                words.interval(c.low, c.high),
                "~" if c.verdict is Verdict.UNCLEAR else c.verdict.value,
            )
            lines.append(f"| {' | '.join(cells)} |")
    if page.shown < page.passed:
        lines += ["", f"{page.passed - page.shown:,} more rows are left out."]
    return "\n".join(lines) + "\n"


_MARKUP = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~"} | {"\n": " ", "\r": " "})


def _cell(text: str) -> str:
    """A name from a repository as plain text of a Markdown table."""
    return text.translate(_MARKUP).replace("@", "@\u200b")


def pages_of(request: Request, page: int, total: int, size: int) -> dict[str, str | int]:
    """The queries of the pages before and after this one ("" where there is none), and how many there are."""
    count = max(1, -(-total // size))

    def at(number: int) -> str:
        return str(request.url.include_query_params(page=number).query) if 1 <= number <= count else ""

    return {"page": page, "count": count, "before": at(page - 1), "after": at(page + 1)}


def _swap(a: str, b: str, chosen: CompareFilter) -> str:
    sides = {"a": b, "b": a}
    for name, (of_a, of_b) in (("machine", chosen.machines), ("environment", chosen.environments)):
        sides |= {f"{name}_a": of_b, f"{name}_b": of_a}
    return f"/compare?{urlencode({name: text for name, text in sides.items() if text})}"


def _common_scale(page: ComparePage | None) -> dict[str, float]:
    """Metric -> the change at the edge of its drawings, so that rows of one metric compare by eye."""
    if page is None:
        return {}
    rows: dict[str, list[browse.CompareRow]] = {}
    for group in page.groups:
        rows.setdefault(group.metric.name, []).extend(group.rows)
    return {name: drawing.reach(row.comparison for row in told) for name, told in rows.items()}
