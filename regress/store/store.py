"""The store as everyone sees it: glossary records in, glossary records out, one transaction per change.

Each method opens its own transaction, so one ``Store`` may be shared by threads (a web server's readers
beside a writer). Methods are in ``doors``, by family; rows become records in the file named after them:
``history``, ``deliveries``, ``series``, ``events``, ``bisections``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from regress.domain import Deed
from regress.store import locking
from regress.store.answers import Answers
from regress.store.database import Database
from regress.store.doors.access import Access
from regress.store.doors.analyses import Analyses
from regress.store.doors.deliveries import Deliveries
from regress.store.doors.events import Events
from regress.store.doors.history import History
from regress.store.doors.series import Lines
from regress.store.outbox import Outbox

if TYPE_CHECKING:
    from regress.store.columns import Columns


class Store(History, Deliveries, Lines, Analyses, Events, Access):
    """The results of one project. Open it with ``Store.open``; every method may raise StoreError."""

    @classmethod
    def open(
        cls, url: str, *, create: bool = True, project: str = "default", tell: Collection[str] = ()
    ) -> Store:
        """Open the database at an SQLAlchemy ``url``, creating and migrating it as needed.

        ``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db`` or ``postgresql://user@host/name``.
        With ``create=False`` a missing SQLite file is a StoreError. A file that is no database, a database
        that holds somebody else's tables, or one that a newer Regress wrote, is a StoreError that says so.
        ``tell`` names the channels for which news of events go to the outbox.
        """
        return cls(Database.open(url, create=create, project=project), tell)

    def on_behalf(self, deed: Deed) -> Store:
        """The same store, each of whose writing transactions leaves ``deed`` in the audit log.

        It shares its connections with this one: close this one only.
        """
        return Store(self._db.on_behalf(deed))

    @functools.cached_property
    def answers(self) -> Answers:
        """What was answered since the last commit."""
        return Answers(self._db.version, self._db.own_version)

    @functools.cached_property
    def columns(self) -> Columns:
        """Whole commits as columns."""
        from regress.store.columns import Columns  # numpy, which most commands can do without

        return Columns(self._db, self.matches)

    def moment(self) -> AbstractContextManager[None]:
        """All that this thread reads in the context is of one moment, whatever is stored meanwhile."""
        return self._db.moment()

    @property
    def url(self) -> str:
        """Where the store is, without a password."""
        return self._db.url

    @property
    def full_url(self) -> str:
        """Where the store is, for another process to open it."""
        return self._db.engine.url.render_as_string(hide_password=False)

    @property
    def project(self) -> str:
        """Whose results it holds."""
        return self._db.project

    def close(self) -> None:
        """Give all connections back. The store cannot be used afterwards."""
        if "answers" in self.__dict__:
            self.answers.close()
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lock(
        self, purpose: str, *, wait: bool, on_wait: Callable[[str], None] | None = None
    ) -> AbstractContextManager[None]:
        """Hold the store exclusively, across processes, while the context lasts.

        ``purpose`` is shown to others ("regress run"). When it is taken: with ``wait`` calls ``on_wait`` once
        with a sentence on who holds it and waits; without, raises StoreLockedError. The lock of a process
        that died is free. It keeps two long jobs apart; readers and single deliveries need no lock.
        """
        return locking.lock(self._db, purpose, wait=wait, on_wait=on_wait)

    def sending(self) -> AbstractContextManager[None]:
        """Hold the outbox exclusively while the context lasts; StoreLockedError when somebody else does."""
        return locking.lock(self._db, "regress notify send", wait=False, on_wait=None, job="outbox")

    def attending(self) -> AbstractContextManager[None]:
        """Be the one who analyses what arrives, while the context lasts; StoreLockedError when another is."""
        return locking.lock(self._db, "regress serve", wait=False, on_wait=None, job="attend")

    def holder(self) -> str:
        """Who holds the lock of ``lock``; empty when nobody does."""
        return locking.holder(self._db)

    @property
    def outbox(self) -> Outbox:
        """What is to be told, and how far telling it has come."""
        return Outbox(self._db)
