"""People, machines' keys, and what they did."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class Role(enum.StrEnum):
    """What somebody may do on the dashboard, each with all that those before it may."""

    VIEWER = "viewer"  # read
    TRIAGER = "triager"  # say what a change is, and note it
    MAINTAINER = "maintainer"  # start what costs machine time
    ADMIN = "admin"  # see who did what

    def may(self, needed: Role) -> bool:
        """Whether this role is enough where ``needed`` is."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did, for the audit log.

    ``how`` tells how we know who it was ("password", "token", "command line", ...), ``target`` what it was
    done to ("event 7"), ``address`` from where; ``refused`` is true for what was not let through.
    """

    who: str
    how: str
    action: str
    target: str = ""
    detail: str = ""
    address: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A deed as the log remembers it."""

    id: int
    at: datetime
    deed: Deed


class Scope(enum.StrEnum):
    """What a token lets its holder do."""

    PUSH = "push"  # deliver results
    READ = "read"  # read pages and the JSON API, where that takes a log-in


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's key to one project. Its secret is shown once, when it is made; a digest is kept."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    made_at: datetime
    made_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it opens anything at a time: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
