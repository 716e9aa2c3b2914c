"""``regress analyse``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Json, Repo, opened


def command(
    branch: Annotated[str | None, typer.Option(help="The branch; else the watched one.")] = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Look for changes in everything measured on the branch, and say which stand open.

    Example:
      regress analyse --json
    """
    from regress.cli.output import changes_json, console, print_changes, print_json
    from regress.service.analyse import analyse

    with opened(repo, database) as (project, store):
        name = branch or project.branch
        analyse(store, project.config, name)
        if as_json:
            print_json({"branch": name, "events": changes_json(store, name)})
        else:
            print_changes(console(), store, name)
