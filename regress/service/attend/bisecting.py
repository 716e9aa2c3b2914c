"""The thread of a server that does the searches that pages asked for, one at a time, each in a process.

What is asked for stands in the store (``Searches.wanted``), as does each measurement: a server that was ended
or killed goes on where it was when it starts again. Whoever takes a search back ends its process; so does
the end of the server, however it came.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from regress.config import Config
from regress.errors import CheckoutBusyError, RegressError, RunnerError, StoreLockedError
from regress.runner.history import History
from regress.service.attend.attendant import deaf
from regress.service.bisect import resume
from regress.service.cluster.turn import is_free, turn_if_free
from regress.service.project import Project
from regress.store import Store

EVERY = 1.0
"""Seconds between two looks at what is asked for."""

STILL = 0.25
"""Seconds between two looks at whether what goes on is still wanted."""

BUSY = "busy"  # what a process says whose machine or store somebody else holds
_GRACE = 15.0  # seconds that a search has to stop its tool
_LOG_LINES = 40

log = logging.getLogger("regress.bisecting")


class Bisector:
    """Does what is asked for while ``run`` runs; no error ends it but ``stop``."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._stopped = threading.Event()
        self.machines: tuple[str, ...] = ()
        """The names under which this host measures: none until ``run`` has asked its tools."""

    def stop(self) -> None:
        """End ``run``, and the search that is under way, as soon as its tool has stopped."""
        self._stopped.set()

    def run(self) -> None:
        """Do searches until ``stop``."""
        if not self._knows_machines():
            return
        while not self._stopped.is_set():
            try:
                with Store.open(self._project.config.database_url, create=False) as store:
                    while not self._stopped.wait(EVERY):
                        self._look(store)
            except RegressError as error:
                log.warning("bisecting: %s", error)
            except Exception:
                log.exception("bisecting failed; it goes on")
            self._stopped.wait(EVERY)

    def _knows_machines(self) -> bool:
        """Ask the tools for this host's names; where they fail, what is asked for fails too."""
        try:
            self.machines = tuple(dict.fromkeys(one.machine() for one in self._project.runners))
        except Exception as error:
            why = f"this server cannot measure: {error or type(error).__name__}"
            log.warning("no bisections from pages: %s", why, exc_info=not isinstance(error, RegressError))
            self._refuse(why)
            return False
        return True

    def _refuse(self, why: str) -> None:
        """Do nothing of what is asked for."""
        try:
            with Store.open(self._project.config.database_url, create=False) as store:
                for number in store.searches.wanted():
                    store.searches.drop(number, why)
        except RegressError as error:
            log.warning("bisecting: %s", error)

    def _look(self, store: Store) -> None:
        """Do the oldest search that is asked for, if there is one."""
        wanted = store.searches.wanted()
        # Who measures is not to be disturbed, not even by a process that only finds that out.
        if not wanted or store.holder() or self._project.measured_by() or not is_free():
            return
        number = wanted[0]
        try:
            fault = self._search(store, number)
        except OSError as error:
            fault = f"its process could not be started: {error}"
        if fault and fault != BUSY:
            log.warning("bisection %d: %s", number, fault)
            store.searches.drop(number, fault)

    def _search(self, store: Store, number: int) -> str:
        """A search in a process of its own; what went wrong, empty too where somebody ended it."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        given = (self._project.config, self._project.history.root, number, theirs)
        process = context.Process(target=main, args=given, name=f"regress bisect {number}", daemon=True)
        with ours:
            with deaf():
                process.start()
            theirs.close()
            try:
                return self._answer(store, number, process, ours)
            finally:
                _end(process)

    def _answer(self, store: Store, number: int, process: Any, answer: Connection) -> str:
        while not answer.poll(STILL):
            if self._stopped.is_set() or number not in store.searches.wanted():
                return ""
        try:
            told: str = answer.recv()
        except EOFError:
            process.join(_GRACE)
            return f"its process ended with exit status {process.exitcode}"
        return told


@contextmanager
def bisecting(bisector: Bisector | None) -> Iterator[None]:
    """While the context lasts, it does what is asked for; nothing happens without one."""
    if bisector is None:
        yield
        return
    thread = threading.Thread(target=bisector.run, name="bisect", daemon=True)
    thread.start()
    try:
        yield
    finally:
        bisector.stop()
        thread.join()


def main(config: Config, root: Path, number: int, answer: Connection) -> None:
    """Be the process of a search; send what went wrong, or nothing, to who started it."""
    os.setsid()  # the terminal's Ctrl-C is for the server, which ends us
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_watch, args=(answer,), daemon=True).start()
    try:
        answer.send(_searched(config, root, number))
    except KeyboardInterrupt:  # nobody wants it any more; what was measured is kept
        return


def _searched(config: Config, root: Path, number: int) -> str:
    """Go on with a search to its end; what kept it from that."""
    try:
        with turn_if_free() as free, Store.open(config.database_url, create=False) as store:
            if not free:
                return BUSY
            resume(Project(config, History(root)), store, number)
    except (StoreLockedError, CheckoutBusyError):
        return BUSY
    except RunnerError as error:
        return "\n".join([str(error), error.hint, *error.log.splitlines()[-_LOG_LINES:]])
    except RegressError as error:
        return f"{error}\n{error.hint}".strip()
    except Exception as error:  # our own mistake: the page says so, the server's log where
        log.exception("bisection %d", number)
        return f"an error of regress itself, {type(error).__name__}: {error}"
    return ""


def _watch(server: Connection) -> None:
    """End this process as by Ctrl-C when the server is gone: it says nothing, but hears its end."""
    try:
        server.recv()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)


def _end(process: Any) -> None:
    if process.is_alive():
        process.terminate()
        process.join(_GRACE)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
