"""``regress analyse``."""

from __future__ import annotations

from pathlib import Path

from regress.cli.options import Branch, Database, Json, Repo, opened


def command(
    branch: Branch = None,
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

    with opened(repo, database, branch) as (project, store):
        analyse(store, project.config, project.branch)
        if as_json:
            print_json({"branch": project.branch, "events": changes_json(store, project.branch)})
        else:
            print_changes(console(), store, project.branch)
