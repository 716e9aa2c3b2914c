"""The thread that sees to it: looks whether there is anything to do, and starts a round where there is."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from regress.errors import RegressError
from regress.holding import is_here
from regress.service.attend import round as one_round
from regress.service.attend.round import Outcome
from regress.service.examining import settings_of
from regress.service.project import Project
from regress.store import Store

EVERY = 2.0
"""Seconds between two looks at whether anything came."""

THOROUGHLY = 60.0
"""Seconds between two looks at all series: history that came without results moves points, too."""

_LONGEST = 300.0  # seconds between two rounds where something always goes wrong
_END = 1.0  # seconds that a round has to end when it is told to

log = logging.getLogger("regress.attend")


@contextmanager
def attended(project: Project) -> Iterator[None]:
    """While the context lasts, what arrives in the project's store is analysed and told."""
    attendant = Attendant(project)
    thread = threading.Thread(target=attendant.run, name="attend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        attendant.stop()
        thread.join()


class Attendant:
    """Starts rounds while ``run`` runs, one at a time; no error ends it but ``stop``."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._stopped = threading.Event()
        self._settings = settings_of(project.config.detection)
        self._seen: tuple[int, int] | None = None
        self._looked = -THOROUGHLY
        self._held = (0, datetime.min.replace(tzinfo=UTC))
        self._pause = EVERY
        self._faults: list[str] = []

    def stop(self) -> None:
        """End ``run``, and the round that is under way, within a second or two."""
        self._stopped.set()

    def run(self) -> None:
        """Attend to the store until ``stop``."""
        config, pause = self._project.config, 0.0
        while not self._stopped.wait(pause):
            try:
                with Store.open(config.database_url, create=False) as store:
                    while not self._stopped.wait(pause):
                        pause = self._look(store)
            except RegressError as error:
                self._failed([str(error)])
            except Exception:
                log.exception("attending failed; it goes on")
                self._failed([])
            pause = self._pause

    def _look(self, store: Store) -> float:
        """Start a round where there is something to do; how long to wait until the next look, in seconds."""
        if not self._due(store) or is_here(store.holder()):
            return EVERY  # whoever measures on this machine would have an analysis in the results
        began = time.monotonic()
        outcome = self._round()
        if outcome is None:
            return 0.0
        self._settings = outcome.settings or self._settings
        if outcome.held and outcome.until:
            self._held = (outcome.held, outcome.until)
        if outcome.busy or outcome.faults:
            self._seen = None
            self._failed(outcome.faults)
            return self._pause
        self._pause, self._faults = EVERY, []
        return max(EVERY, time.monotonic() - began)  # half of the time at most goes into rounds

    def _failed(self, faults: list[str]) -> None:
        """Say what went wrong, once, and wait longer each time."""
        for fault in faults:
            if fault not in self._faults:
                log.warning("attending: %s", fault)
        self._faults = faults
        self._pause = min(2 * self._pause, _LONGEST)

    def _due(self, store: Store) -> bool:
        """Whether a round has anything to do."""
        newest = next((run.id for run in store.runs(limit=1)), 0)
        seen, now = (newest, store.count_runs()), time.monotonic()
        if seen != self._seen or now - self._looked >= THOROUGHLY:
            if store.unanalysed(self._settings):
                self._seen = None  # looked at again after the round: it may not have come to its end
                return True
            self._seen, self._looked = seen, now
        return self._news(store)

    def _news(self, store: Store) -> bool:
        """Whether there is anything to be told now."""
        now, (held, until) = datetime.now(UTC), self._held
        names = self._project.config.notify.names
        waiting = max((notice.id for notice in store.outbox.waiting() if notice.channel in names), default=0)
        if waiting and (waiting > held or now >= until):
            return True
        return any(store.outbox.due(name, now) for name in names)

    def _round(self) -> Outcome | None:
        """A round in a process of its own; None where it was ended by ``stop``."""
        context = get_context("spawn")
        answer, theirs = context.Pipe(duplex=False)
        given = (self._project.config, self._project.history.root, theirs)
        process = context.Process(target=one_round.main, args=given, name="regress attend", daemon=True)
        with answer:
            with deaf():
                process.start()
            theirs.close()
            try:
                return self._answer(process, answer)
            finally:
                _end(process)

    def _answer(self, process: Any, answer: Connection) -> Outcome | None:
        while not answer.poll(0.2):
            if self._stopped.is_set():
                return None
        try:
            outcome: Outcome = answer.recv()
        except EOFError:
            process.join(_END)
            return Outcome(faults=[f"its process ended with exit status {process.exitcode}"])
        process.join(_END)
        return outcome


@contextmanager
def deaf() -> Iterator[None]:
    """Processes started meanwhile never hear a terminal's Ctrl-C: it is for the server, which ends them."""
    resource_tracker.ensure_running()  # the first process starts it, and it would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: Any) -> None:
    for ask in (process.terminate, process.kill):
        if process.is_alive():
            ask()
            process.join(_END)
    process.close()
