"""``regress analyse``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Branch, Database, Json, Repo, opened


def command(
    detector: Annotated[
        str | None,
        typer.Option("--detector", metavar="NAME", help="Another than the configured one."),
    ] = None,
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Look for changes in everything measured on the branch, and say which stand open.

    Example:
      regress analyse --json
      regress analyse --detector kernel
    """
    from regress.cli.output import changes_json, console, count, print_changes, print_json
    from regress.config import with_settings
    from regress.service.analyse import analyse

    with opened(repo, database, branch) as (project, store):
        chosen = with_settings(project.config.detection, [f"detector={detector}"] if detector else [])
        found = analyse(store, replace(project.config, detection=chosen), project.branch)
        if as_json:
            print_json({"branch": project.branch, "events": changes_json(store, project.branch)})
        else:
            print_changes(console(), store, project.branch)
            if found.brief:
                console().print(
                    f"[dim]{count(len(found.brief), 'change')} came and went before anybody saw it[/]"
                )
