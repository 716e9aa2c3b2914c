"""``regress ingest``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Json, Repo, opened


def command(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE|DIR...", help="Result files or folders of them.")
    ],
    tool: Annotated[str | None, typer.Option(help="What wrote them; else the files tell.")] = None,
    branch: Annotated[
        str | None, typer.Option(help="The branch they belong to; else the watched one.")
    ] = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Store results that another tool wrote: asv result trees, pytest-benchmark JSON.

    Each file is stored whole or not at all; a file that is known changes nothing.

    Examples:  regress ingest .asv/results    |    regress ingest benchmark.json
    """
    from regress.cli.output import console, count, print_json
    from regress.service.ingest import ingest
    from regress.service.run import record_history

    with opened(repo, database) as (project, store):
        placed = branch or project.branch
        report = ingest(store, paths, branch=placed, tool=tool)
        measured = set(report.commits)
        chosen = [c for c in project.history.commits(placed) if c.sha in measured]
        record_history(project, store, chosen)
    if as_json:
        print_json(dataclasses.asdict(report))
        return
    console().print(count(len(report.receipts), "delivery"))
