"""``regress init``: look at the repository, write ``regress.toml`` with what was found, and say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from regress.config import FILE_NAME, SuiteConfig
from regress.config.writing import write_default
from regress.errors import RunnerError
from regress.runner import find_suites
from regress.runner.history import History


@dataclass(frozen=True, slots=True)
class InitReport:
    """What was written, and what it rests on; ``suites`` is empty when the repository has none yet."""

    path: Path
    branch: str
    commits: int
    suites: tuple[SuiteConfig, ...]


def init(folder: Path) -> InitReport:
    """Write the configuration at the repository's top. ConfigError when there is one already."""
    history = History(folder)
    branch = history.default_branch()
    try:
        suites = find_suites(history.root)
    except RunnerError:
        suites = ()
    path = history.root / FILE_NAME
    write_default(path, suites, name=history.root.name)
    return InitReport(path, branch, len(history.commits(branch)), suites)
