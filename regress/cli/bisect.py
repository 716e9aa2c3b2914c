"""``regress bisect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regress.cli.options import Branch, Database, Json, Repo, Wait, opened

if TYPE_CHECKING:
    from regress.domain import Bisection
    from regress.runner.history import History


def command(
    benchmark: Annotated[
        str, typer.Option("--benchmark", "-b", metavar="NAME", help="What to search by; else what fell most.")
    ] = "",
    good: Annotated[str, typer.Option(metavar="REV", help="A commit that was still fast.")] = "",
    bad: Annotated[str, typer.Option(metavar="REV", help="A commit that was slow already.")] = "",
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="How sure is sure enough.")] = 0.95,
    budget: Annotated[int, typer.Option(min=2, help="The most measurements of a commit to spend.")] = 60,
    wait: Wait = False,
    as_json: Json = False,
    branch: Branch = None,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Find the commit that made something slower, and verify it against its parent.

    Without options it takes the latest open regression. Measurements that
    exist are used; commits that do not build are skipped.

    Examples:
      regress bisect
      regress bisect -b bench.time_parse --good v1.0 --bad main
    """
    from regress.cli.output import print_json, progress_console
    from regress.cli.progress import shown
    from regress.service.bisect import bisect

    with opened(repo, database, branch) as (project, store), shown(progress_console()) as listen:
        found = bisect(
            project,
            store,
            benchmark=benchmark,
            good=good,
            bad=bad,
            confidence=confidence,
            budget=budget,
            listen=listen,
            wait=wait,
        )
    if as_json:
        print_json(_json(found))
    else:
        _print(found, project.history)


def _print(found: Bisection, history: History) -> None:
    from rich.markup import escape

    from regress.cli.output import console, count, duration, interval, percent

    out = console()
    spent = f"{count(found.runs, 'run')}, {duration((found.finished_at - found.started_at).total_seconds())}"
    if found.skipped:
        out.print(f"skipped, as they do not build: {', '.join(sha[:10] for sha in found.skipped)}")
    if not found.first:
        out.print(f"no change found between {found.good[:10]} and {found.bad[:10]} ({spent})")
        return
    role = "culprit" if found.verified else "suspect"
    for commit in history.select(f"{found.first}^..{found.last}", found.series.branch):
        out.print(f"[bold]{role} {commit.sha[:10]}[/]  {escape(commit.subject)}  ({escape(commit.author)})")
    size = f"{percent(found.ratio)} {interval(found.low, found.high)}"
    verdict = "verified against its parent" if found.verified else "[yellow]not confirmed by re-measuring[/]"
    out.print(f"{escape(found.series.title)}: {size}, {verdict}")
    out.print(f"confidence {100 * found.confidence:.1f} %, {spent}")


def _json(found: Bisection) -> dict[str, Any]:
    return {
        "benchmark": found.series.title,
        "metric": found.series.metric.name,
        "good": found.good,
        "bad": found.bad,
        "culprit": found.culprit,
        "first": found.first,
        "last": found.last,
        "confidence": found.confidence,
        "ratio": found.ratio,
        "low": found.low,
        "high": found.high,
        "verified": found.verified,
        "runs": found.runs,
        "skipped": list(found.skipped),
        "started_at": found.started_at,
        "finished_at": found.finished_at,
    }
