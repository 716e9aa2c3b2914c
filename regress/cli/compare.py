"""``regress compare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.cli.options import Database, Json, Repo, opened
from regress.errors import RegressError

if TYPE_CHECKING:
    from regress.domain import Comparison

_COLOURS = {"slower": "red", "faster": "green", "same": "dim", "can't tell": "yellow"}


def command(
    a: Annotated[str, typer.Argument(metavar="A", help="The commit, branch or tag before.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The one after.")],
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Compare two measured commits, benchmark by benchmark: slower, faster, same, or can't tell.

    Examples:
      regress compare v1.0 main
      regress compare HEAD~1 HEAD --json
    """
    from regress.cli.output import print_json
    from regress.service.compare import compare

    with opened(repo, database) as (project, store):
        first, second = project.history.resolve(a), project.history.resolve(b)
        found = compare(store, first, second, config=project.config)
    if not found:
        hint = f"Measure them: regress run {first[:10]} {second[:10]}"
        raise RegressError(f"nothing was measured at both {a} and {b}", hint=hint)
    if as_json:
        print_json([_json(comparison) for comparison in found])
    else:
        _print(found)


def _print(found: Sequence[Comparison]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from regress.cli.output import console
    from regress.words import change, count, interval, value

    table = Table("benchmark", "A", "B", "change", "interval", "verdict", box=None, padding=(0, 2, 0, 0))
    for one in found:
        unit = one.series.metric.unit
        verdict = one.verdict.value
        said = verdict + (f", {count(one.more_runs, 'more run')} would" if one.more_runs else "")
        table.add_row(
            escape(one.series.title),
            value(one.a.value, unit),
            value(one.b.value, unit),
            change(one.ratio),
            interval(one.low, one.high),
            f"[{_COLOURS[verdict]}]{said}[/]",
        )
    console().print(table)


def _json(one: Comparison) -> dict[str, Any]:
    return {
        "benchmark": one.series.title,
        "metric": one.series.metric.name,
        "unit": one.series.metric.unit,
        "machine": one.series.machine,
        "a": one.a.value,
        "b": one.b.value,
        "ratio": one.ratio,
        "low": one.low,
        "high": one.high,
        "verdict": one.verdict.value,
        "resolution": one.resolution,
        "more_runs": one.more_runs,
    }
