"""One round: every branch that holds something new is analysed, and what is due is told."""

from __future__ import annotations

import contextlib
import gc
import os
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from regress.config import Config
from regress.errors import RegressError, StoreLockedError
from regress.runner.history import History
from regress.service.analyse import analyse
from regress.service.examining import settings_of
from regress.service.notify import sending
from regress.service.project import Project
from regress.store import Store

_NICE = 10
"""Pages, and whoever measures here, come first."""


@dataclass
class Outcome:
    """What a round did: the branches it analysed, messages sent, and what went wrong.

    ``settings`` is what examinations are filed under: a Regress that was upgraded meanwhile has others than
    the server that still runs. ``held``: the newest notice that waits on purpose, and ``until`` when;
    ``busy``: who else is at it.
    """

    settings: str = ""
    analysed: list[str] = field(default_factory=list)
    sent: int = 0
    faults: list[str] = field(default_factory=list)
    held: int = 0
    until: datetime | None = None
    busy: str = ""


def main(config: Config, root: Path, answer: Connection) -> None:
    """Be the process of a round, and send its ``Outcome`` to whoever started it."""
    os.nice(_NICE)
    gc.freeze()  # what is imported stays; an analysis makes many objects, and garbage is looked for often
    outcome = Outcome()
    try:
        with Store.open(config.database_url, create=False, tell=config.notify.names) as store:
            attend(Project(config, History(root)), store, outcome)
    except RegressError as error:
        outcome.faults.append(str(error))
    except Exception:
        outcome.faults.append(traceback.format_exc())
    with contextlib.suppress(BrokenPipeError):  # a server that was killed waits no more; all is stored
        answer.send(outcome)


def attend(project: Project, store: Store, outcome: Outcome) -> None:
    """Do what there is to do, and note it in ``outcome``; another's work at it is no error."""
    outcome.settings = settings_of(project.config.detection)
    try:
        with store.attending():
            for branch in store.unanalysed(outcome.settings):
                _analyse(project, store, branch, outcome)
            if project.config.notify.channel:
                _tell(project, store, outcome)
    except StoreLockedError as error:
        outcome.busy = error.holder


def _analyse(project: Project, store: Store, branch: str, outcome: Outcome) -> None:
    """One branch; what goes wrong with it keeps no other from being analysed."""
    try:
        analyse(store, project.config, branch)
    except RegressError as error:
        outcome.faults.append(f"branch {branch}: {error}")
    except Exception:
        outcome.faults.append(f"branch {branch}: {traceback.format_exc()}")
    else:
        outcome.analysed.append(branch)


def _tell(project: Project, store: Store, outcome: Outcome) -> None:
    reports = sending.send(project, store)
    outcome.sent = sum(len(report.sent) for report in reports)
    for report in reports:
        outcome.faults += [
            f"channel {report.name}: {said}" for said in (report.fault, *report.failed) if said
        ]
    ends = [report.until for report in reports if report.until]
    outcome.held = max((notice.id for notice in store.outbox.waiting()), default=0)
    outcome.until = min(ends, default=datetime.now(UTC) + timedelta(hours=1))
