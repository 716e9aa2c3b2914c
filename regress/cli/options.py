"""Options that several commands share, and the project they lead to."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regress.service.project import Project
    from regress.store import Store

Repo = Annotated[Path, typer.Option("--repo", metavar="DIR", help="The git checkout.", show_default="here")]
Database = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="Database URL or SQLite file, instead of the configured one."),
]
Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="Another branch than the watched one."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait while another run measures here, or holds the database.")
]


def open_project(repo: Path, database: str | None, branch: str | None = None) -> Project:
    """The project at ``repo``."""
    from regress.service.project import Project

    return Project.open(repo, database=database, branch=branch)


@contextmanager
def opened(repo: Path, database: str | None, branch: str | None = None) -> Iterator[tuple[Project, Store]]:
    """The project and its store, closed afterwards."""
    project = open_project(repo, database, branch)
    with project.open_store() as store:
        yield project, store
