"""What the verbs work on: a checkout with its configuration, history, store and runners, opened as needed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from regress.config import Config, StoreConfig, SuiteConfig, load
from regress.errors import CheckoutBusyError, UnknownNameError
from regress.holding import OnWait, held, holder
from regress.runner import Runner, find_suites, make_runner
from regress.runner.history import History
from regress.store import Store

STATE_FOLDER = ".regress"
"""Where logs (and by default the database) lie, inside the repository; it tells git to ignore it."""


@dataclass(frozen=True)
class Project:
    """A repository under watch. Nothing is created before it is needed."""

    config: Config
    history: History
    chosen_branch: str = ""

    @classmethod
    def open(cls, path: Path, *, database: str | None = None, branch: str | None = None) -> Project:
        """The project whose checkout holds ``path``; ``database`` and ``branch`` overrule the configuration.

        HistoryError outside a repository, ConfigError for a wrong regress.toml.
        """
        history = History(path)
        config = load(path)
        if config.path is None:  # no file: paths count from the repository's top, not from where we stand
            config = Config(root=history.root)
        if database:
            config = _with_database(config, database)
        return cls(config, history, branch or "")

    @property
    def state(self) -> Path:
        """The folder for logs and work trees, made when missing."""
        folder = self.history.root / STATE_FOLDER
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return folder

    @cached_property
    def branch(self) -> str:
        """The branch at work: the chosen one, else the watched one."""
        return self.chosen_branch or self.watched_branch

    @cached_property
    def watched_branch(self) -> str:
        """The branch under watch: the configured one, else the repository's default."""
        return self.config.project.branch or self.history.default_branch()

    @cached_property
    def suites(self) -> tuple[SuiteConfig, ...]:
        """The configured suites, else what the repository holds. RunnerError when there are none."""
        return self.config.suite or find_suites(self.history.root)

    @cached_property
    def runners(self) -> tuple[Runner, ...]:
        """A runner for each suite."""
        root = self.config.root if self.config.suite else self.history.root
        return tuple(make_runner(root, suite, self.state / "logs") for suite in self.suites)

    def runner_of(self, machine: str) -> Runner:
        """The first runner that measures on ``machine``; UnknownNameError when this host is another."""
        for runner in self.runners:
            if runner.machine() == machine:
                return runner
        raise UnknownNameError("machine", machine, [runner.machine() for runner in self.runners])

    def measuring(
        self, purpose: str, *, wait: bool = False, on_wait: OnWait = None
    ) -> AbstractContextManager[None]:
        """Be the one who measures here while the context lasts: the runners' work trees and environments are
        one set. ``wait`` for who does now, else CheckoutBusyError.
        """
        return held(
            self._tools,
            purpose,
            wait=wait,
            on_wait=on_wait,
            busy=lambda holder: CheckoutBusyError(self.history.root, holder),
        )

    def measured_by(self) -> str:
        """Who measures here now; empty when nobody does."""
        return holder(self._tools)

    @property
    def _tools(self) -> Path:
        return self.state / "measuring"

    def open_store(self) -> Store:
        """The store, created when missing; the caller closes it."""
        if self.config.database_url.startswith("sqlite:") and self.config.store == StoreConfig():
            _ = self.state  # the default database lies in the state folder, which tells git to look away
        return Store.open(self.config.database_url, tell=self.config.notify.names)


def _with_database(config: Config, database: str) -> Config:
    url = database if "://" in database else f"sqlite:///{Path(database).absolute()}"
    return replace(config, store=replace(config.store, url=url))
