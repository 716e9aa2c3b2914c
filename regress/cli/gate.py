"""``regress gate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.cli.options import Branch, Database, Json, Repo, opened

if TYPE_CHECKING:
    from regress.service.gate import GateReport
    from regress.store import Store


def command(
    since: Annotated[
        str,
        typer.Option("--since", metavar="REV", help="Judge commits after this one; else all measured ones."),
    ] = "",
    threshold: Annotated[
        float | None, typer.Option(min=0.0, metavar="PERCENT", help="Smallest size that blocks, in percent.")
    ] = None,
    as_json: Json = False,
    branch: Branch = None,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Exit 1 when commits in the range made something slower by enough; 0 when they may go in.

    Examples:
      regress gate
      regress gate --since main~5 --threshold 10
    """
    from regress.cli.output import print_json
    from regress.service.gate import gate

    with opened(repo, database, branch) as (project, store):
        start = project.history.resolve(since) if since else ""
        share = None if threshold is None else threshold / 100
        report = gate(store, project.config, project.branch, since=start, threshold=share)
        if as_json:
            print_json(_json(report))
        else:
            _print(report, store)
    if not report.passed:
        raise typer.Exit(1)


def _print(report: GateReport, store: Store) -> None:
    from rich.markup import escape

    from regress.cli.output import console, print_events
    from regress.words import count

    out = console()
    span = f"since {report.since[:10]}" if report.since else f"on {escape(report.branch)}"
    if report.passed:
        out.print(f"[green]pass[/]: no regression of {100 * report.threshold:g} % or more {span}")
        return
    found = [count(len(report.blocking), "regression")] if report.blocking else []
    found += [count(len(report.failing), "failing benchmark")] if report.failing else []
    out.print(f"[red]fail[/]: {' and '.join(found)} {span} (limit {100 * report.threshold:g} %)")
    print_events(out, report.blocking, store)
    for failure in report.failing:
        out.print(f"{failure.commit[:10]}  {failure.kind.value}  {failure.benchmark}", markup=False)
    if report.blocking:
        accept = f"regress triage {report.blocking[0].id} expected"
        out.print(f"\nfind the culprit: regress bisect    accept it: {accept}")


def _json(report: GateReport) -> dict[str, Any]:
    from regress.cli.output import event_json

    return {
        "passed": report.passed,
        "branch": report.branch,
        "since": report.since,
        "until": report.until,
        "threshold": report.threshold,
        "blocking": [event_json(event) for event in report.blocking],
        "failing": [
            {"commit": f.commit, "kind": f.kind.value, "benchmark": f.benchmark} for f in report.failing
        ],
    }
