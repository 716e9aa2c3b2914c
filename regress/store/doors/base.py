"""What all doors of the store have."""

from __future__ import annotations

from collections.abc import Collection

from regress.store.database import Database


class Door:
    """Some of the store's methods; ``tell`` names the channels for which news of events go to the outbox."""

    def __init__(self, database: Database, tell: Collection[str] = ()) -> None:
        self._db = database
        self._tell = tuple(tell)
