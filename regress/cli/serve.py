"""``regress serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regress.cli.options import Database, Repo, open_project


def command(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; not loopback: takes [access] login.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 picks a free one.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    repo: Repo = Path("."),
    database: Database = None,
) -> None:
    """Serve the dashboard on 127.0.0.1:8000, and look for changes in what arrives there.

    What `regress push` delivers is analysed within seconds, and the channels
    of regress.toml are told; attend = false under [web] leaves both to
    `regress analyse` and `regress notify send`.

    Example:
      regress serve --open
    """
    from regress.cli.serving import serve_dashboard

    project = open_project(repo, database)
    project.open_store().close()  # made when missing, in its proper folder
    serve_dashboard(project, host=host, port=port, open_browser=open_browser)
