"""Commits, as history tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as history tells it. ``position`` counts first-parent steps from the branch's root."""

    sha: str
    parents: tuple[str, ...]
    author: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    position: int


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a diff touches, and how many lines of it; None where git counts none (a binary file)."""

    path: str
    added: int | None
    removed: int | None
