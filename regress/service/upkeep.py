"""The verbs *db check*, *backup*, *migrate*, *copy* and *prune*: a project's database looked after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from regress.config import FILE_NAME, RetentionConfig
from regress.errors import ConfigError
from regress.service.project import Project
from regress.store import Store, upkeep
from regress.store.retention import Pruned
from regress.store.upkeep import Copied, Fault, Health, Listener, Migrated

__all__ = [
    "Copied",
    "Fault",
    "Health",
    "Listener",
    "Migrated",
    "Pruned",
    "backup",
    "check",
    "copy",
    "migrate",
    "prune",
]


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


def prune(store: Store, rule: RetentionConfig, now: datetime, *, dry_run: bool) -> Pruned:
    """Forget old raw samples by the rule in ``[retention]``; ConfigError where it keeps all."""
    if not rule.raw_days:
        hint = "Set retention.raw_days in regress.toml, or pass --days."
        raise ConfigError(FILE_NAME, "retention.raw_days", "all raw samples are kept", hint=hint)
    return store.prune(now - timedelta(days=rule.raw_days), rule.around, dry_run=dry_run)


def copy(project: Project, target: str, listen: Listener) -> Copied:
    """Everything of the project's database into an empty one: a URL, or the name of a SQLite file."""
    url = target if "://" in target else f"sqlite:///{Path(target).absolute()}"
    return upkeep.copy(project.config.database_url, url, listen)


def _place(project: Project, purpose: str) -> Path:
    return project.state / f"{purpose}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
