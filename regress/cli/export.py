"""``regress export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Json, Repo, open_project


def command(
    folder: Annotated[Path, typer.Argument(help="Where the site goes; an older one is replaced.")],
    most: Annotated[int, typer.Option(min=10, help="Pages at most; links to others become text.")] = 20_000,
    as_json: Json = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Write the dashboard as plain files, for GitHub Pages or to be opened from a folder.

    The site is made beside the folder and then takes its place; files that have not changed stay as they are.

    Examples:
      regress export site/
      regress export site/ --most 500
    """
    from regress.cli.output import console, print_json, progress_console
    from regress.cli.progress import steps_shown
    from regress.store import Store
    from web.export import export

    project = open_project(repo, database)
    Store.open(project.config.database_url, create=False).close()  # none is an error, not an empty site
    with steps_shown(progress_console()) as listen:
        done = export(
            project.config, folder, most=most, listen=lambda done, known: listen("export", done, known)
        )
    if as_json:
        told = {"folder": str(done.folder), "files": done.files, "changed": done.changed}
        print_json(told | {"left_out": done.left_out})
    else:
        console().print(f"{done.files:,} files in {done.folder}, {done.changed:,} of them new or changed")
