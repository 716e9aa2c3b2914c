"""What people decide about events."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from regress.domain.events import State


class TriageAct(enum.StrEnum):
    """What a person did with an event."""

    STATE = "state"
    ASSIGNED = "assigned"
    FIXED_BY = "fixed by"
    MOVED = "moved"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class TriageStep:
    """One thing that a person did with an event; ``text`` is what was said: the state, the name, the note."""

    at: datetime
    who: str
    act: TriageAct
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides about an event; None leaves a thing as it is, and "" takes a name away.

    ``fixed_by`` is a commit's hash, ``place`` the commits (last before, first after) around the change.
    """

    state: State | None = None
    assignee: str | None = None
    fixed_by: str | None = None
    place: tuple[str, str] | None = None
    note: str = ""
