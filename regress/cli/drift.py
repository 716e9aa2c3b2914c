"""``regress drift``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from regress.cli.options import Branch, Database, Json, Repo, opened
from regress.errors import RegressError

if TYPE_CHECKING:
    from regress.domain import Ledger, LedgerEntry


def command(
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """List the series that got slowly worse, by steps each too small to be told, and the commits they are at.

    It is what the latest analysis found; drift_budget in regress.toml says how much is too much.

    Examples:
      regress drift
      regress drift --json
    """
    from regress.cli.output import console, print_json

    with opened(repo, database, branch) as (project, store):
        found = store.ledger(project.branch)
    if found is None:
        raise RegressError(f"{project.branch} was not analysed yet", hint="Run `regress analyse` first.")
    if as_json:
        print_json(_json(found))
    else:
        _print(console(), found)


def _print(out: Any, found: Ledger) -> None:
    from rich.markup import escape

    from regress.words import change, interval, size

    if not found.entries:
        out.print(f"no series drifted by more than {size(found.budget)}")
        return
    out.print(f"[bold]{len(found.entries):,} series[/] beyond {size(found.budget)}")
    for one in found.entries:
        spread = interval(1 + one.low, 1 + one.high)
        title = escape(f"{one.series.title} ({one.series.metric.name}, {one.series.machine})")
        out.print(f"[red]{change(1 + one.total):>9}[/] [dim]{spread}[/]  {title}")
        steps = [f"{change(1 + step.size)} at {step.first_after[:10]}" for step in one.steps]
        out.print(f"{'':>9} {', '.join([*steps, f'{change(1 + one.rest)} at no place'])}")
    if found.commits:
        out.print("\n[bold]commits[/]")
    for row in found.commits[:20]:
        who = f"{row.series:,} series"
        out.print(f"{change(1 + row.size):>9} in {who}  [bold]{row.first_after[:10]}[/]")


def _json(found: Ledger) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "branch": found.branch,
        "budget": found.budget,
        "recorded_at": found.recorded_at,
        "series": [_entry_json(one) for one in found.entries],
        "commits": [asdict(row) for row in found.commits],
    }


def _entry_json(one: LedgerEntry) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "id": one.series_id,
        "benchmark": one.series.title,
        "metric": one.series.metric.name,
        "machine": one.series.machine,
        "environment": one.series.environment,
        "first": one.first,
        "last": one.last,
        "total": one.total,
        "low": one.low,
        "high": one.high,
        "steps": [asdict(step) for step in one.steps],
        "rest": one.rest,
    }
