"""``regress ingest``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Branch, Database, Json, Repo, opened


def command(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR", help="Result files or folders of them.")],
    tool: Annotated[str | None, typer.Option(help="What wrote them; else the files tell.")] = None,
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Store results that another tool wrote: asv result trees, pytest-benchmark JSON.

    Each file is stored whole or not at all; a file that is known changes nothing.

    Examples:
      regress ingest .asv/results
      regress ingest benchmark.json --branch main
    """
    from rich.markup import escape

    from regress.cli.output import console, count, joined, print_json
    from regress.service.ingest import ingest

    with opened(repo, database, branch) as (project, store):
        placed = project.branch
        report = ingest(store, paths, branch=placed, tool=tool, history=project.history.commits(placed))
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    out = console()
    known = f", {report.duplicates} of them known" if report.duplicates else ""
    out.print(f"{count(len(report.receipts), 'file')}{known}: {count(len(report.commits), 'commit')}")
    out.print(f"{report.new} new results, {report.updated} updated, {report.unchanged} unchanged")
    if report.unplaced:
        missing = joined(sha[:10] for sha in report.unplaced)
        out.print(f"[yellow]not on branch {escape(placed)}[/], so not shown: {missing}")
