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
    everything: Annotated[
        bool, typer.Option("--all", help="Ask the detector of every series, changed or not.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=256, metavar="N", help="Processes that do it.")
    ] = 1,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers do it: tcp://host:8786.")
    ] = "",
    branch: Branch = None,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Look for changes in everything measured on the branch, and say which stand open.

    Only series that have changed since the last time are looked at anew, and
    what is cut off goes on where it was. Dask workers must reach the database.

    Example:
      regress analyse --json
      regress analyse --detector kernel
      regress analyse --all --jobs 8
      regress analyse --scheduler tcp://10.0.0.1:8786 --db postgresql://host/regress
    """
    from regress.cli.output import changes_json, console, print_changes, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.config import with_settings
    from regress.service.analyse import analyse
    from regress.service.spreading import How
    from regress.words import count

    with opened(repo, database, branch) as (project, store):
        chosen = with_settings(project.config.detection, [f"detector={detector}"] if detector else [])
        config, how = replace(project.config, detection=chosen), How(jobs, scheduler)
        with steps_shown(progress_console()) as listen:
            found = analyse(store, config, project.branch, how, listen, afresh=everything)
        if as_json:
            print_json({"branch": project.branch, "events": changes_json(store, project.branch)})
        else:
            print_changes(console(), store, project.branch)
            if found.brief:
                console().print(
                    f"[dim]{count(len(found.brief), 'change')} came and went before anybody saw it[/]"
                )
