"""The verbs *db check*, *backup*, *migrate* and *copy*: a project's database looked after."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from regress.service.project import Project
from regress.store import upkeep
from regress.store.upkeep import Copied, Fault, Health, Listener, Migrated

__all__ = ["Copied", "Fault", "Health", "Listener", "Migrated", "backup", "check", "copy", "migrate"]


def check(project: Project, listen: Listener) -> Health:
    """Everything that is wrong with the project's database; nothing is changed."""
    return upkeep.check(project.config.database_url, listen)


def backup(project: Project, to: Path | None, listen: Listener) -> Path:
    """The project's database in a SQLite file: ``to``, else one in the state folder, named by the time."""
    return upkeep.backup(project.config.database_url, to or _place(project, "backup"), listen)


def migrate(project: Project, to: Path | None, *, keep: bool, listen: Listener) -> Migrated:
    """Bring the project's database to the newest schema; ``keep``: after a backup."""
    place = (to or _place(project, "before-migrate")) if keep else None
    return upkeep.migrate(project.config.database_url, place, listen)


def copy(project: Project, target: str, listen: Listener) -> Copied:
    """Everything of the project's database into an empty one: a URL, or the name of a SQLite file."""
    url = target if "://" in target else f"sqlite:///{Path(target).absolute()}"
    return upkeep.copy(project.config.database_url, url, listen)


def _place(project: Project, purpose: str) -> Path:
    return project.state / f"{purpose}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
