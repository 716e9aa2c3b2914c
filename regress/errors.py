"""Every error the platform raises on purpose, as one tree.

    RegressError                one line for the user: what, where, what to do     hint
    ├── ConfigError             regress.toml (or an option) is wrong               path, where
    ├── IngestError             a result file cannot be read                       path, where
    ├── StoreError              the database cannot be used                        url
    │   └── StoreLockedError    another run holds it                               holder
    ├── CheckoutBusyError       another command measures in this checkout          path, holder
    ├── HistoryError            the repository cannot answer                       path
    │   └── UnknownRevisionError  no such commit, branch or tag                    revision, near
    ├── UnknownNameError        no such benchmark, machine, detector, ...          kind, name, near
    ├── AccessError             the dashboard does not let this visitor do that    unknown
    ├── RunnerError             a tool could not be run                            command, log
    ├── HttpError               a server elsewhere did not do what it was asked    status, body, final, wait
    └── NotifyError             a message did not arrive                           channel, final, wait

``str(error)`` is the line; ``hint`` says what to do. The edges (CLI, HTTP) translate, nobody else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

_LISTED = 30  # names that are listed where one is unknown, at most


class RegressError(Exception):
    """Base of the tree. ``hint`` is one sentence on what to do, or empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class _FileError(RegressError):
    """A file is at fault: ``where`` is a JSON path, a TOML key, or a line or byte offset."""

    def __init__(self, path: Path | str, where: str, message: str, *, hint: str = "") -> None:
        self.path = str(path)
        self.where = where
        super().__init__(f"{path}: {where}: {message}" if where else f"{path}: {message}", hint=hint)


class ConfigError(_FileError):
    """The configuration is wrong; ``where`` is the TOML key or the line."""


class IngestError(_FileError):
    """A result file cannot be read; ``where`` is a JSON path or a line and column."""


class StoreError(RegressError):
    """The database cannot be opened, is corrupt, or is of another version."""

    def __init__(self, url: str, message: str, *, hint: str = "") -> None:
        self.url = url
        super().__init__(f"{url}: {message}", hint=hint)


class StoreLockedError(StoreError):
    """Another process holds the database; ``holder`` says who (process id, command, since when)."""

    def __init__(self, url: str, holder: str) -> None:
        self.holder = holder
        super().__init__(url, f"in use by {holder}", hint="Wait for it to end, or pass --wait.")


class CheckoutBusyError(RegressError):
    """Another process measures with a checkout's tools: one would check out what the other measures."""

    def __init__(self, path: Path | str, holder: str) -> None:
        self.path, self.holder = str(path), holder
        hint = "Wait for it to end, pass --wait, or use another checkout (git worktree add)."
        super().__init__(f"{path}: {holder} measures here", hint=hint)


class HistoryError(RegressError):
    """The git repository cannot answer (not a repository, shallow, unborn branch)."""

    def __init__(self, path: Path | str, message: str, *, hint: str = "") -> None:
        self.path = str(path)
        super().__init__(f"{path}: {message}", hint=hint)


class UnknownRevisionError(HistoryError):
    """No commit, branch or tag of that name; ``near`` holds the closest names that exist."""

    def __init__(self, path: Path | str, revision: str, known: Iterable[str] = ()) -> None:
        self.revision = revision
        self.near = suggest(revision, known)
        super().__init__(path, f"unknown revision {revision!r}", hint=_did_you_mean(self.near))


class UnknownNameError(RegressError):
    """No such thing; ``kind`` is a glossary word ("benchmark"), ``near`` the closest names that exist.

    Where none is close and no hint is given, the hint lists all, if they are few.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), *, hint: str = "") -> None:
        self.kind = kind
        self.name = name
        names = list(known)
        self.near = suggest(name, names)
        meant = _did_you_mean(self.near)
        if not (meant or hint) and 0 < len(names) <= _LISTED:
            meant = f"Choose one of these: {', '.join(names)}."
        super().__init__(f"unknown {kind} {name!r}", hint=" ".join(filter(None, (meant, hint))))


class AccessError(RegressError):
    """The dashboard does not let this visitor do that; ``unknown``: it would have to know who they are."""

    def __init__(self, message: str, *, hint: str = "", unknown: bool = False) -> None:
        self.unknown = unknown
        super().__init__(message, hint=hint)


class RunnerError(RegressError):
    """A tool could not be run, or ended in a way that leaves nothing to use; ``log`` is its last lines."""

    def __init__(self, command: str, message: str, *, log: str = "", hint: str = "") -> None:
        self.command = command
        self.log = log
        super().__init__(f"{command}: {message}", hint=hint)


class HttpError(RegressError):
    """A server elsewhere did not do what it was asked to; ``status`` and ``body`` are its answer's (0: none).

    ``soon``: seconds may mend it, else ``final``: nothing will. ``wait``: seconds that the server asks for.
    """

    def __init__(
        self,
        host: str,
        message: str,
        *,
        status: int = 0,
        body: bytes = b"",
        soon: bool = False,
        final: bool = False,
        wait: float = 0.0,
        hint: str = "",
    ) -> None:
        self.status, self.body = status, body
        self.soon, self.final, self.wait = soon, final, wait
        super().__init__(f"{host}: {message}" if host else message, hint=hint)


class NotifyError(RegressError):
    """A message did not arrive; ``final``: nor will it. ``wait``: seconds that the receiver asks for."""

    def __init__(
        self, channel: str, message: str, *, final: bool = False, wait: float = 0.0, hint: str = ""
    ) -> None:
        self.channel = channel
        self.final = final
        self.wait = wait
        super().__init__(f"{channel}: {message}", hint=hint)


def suggest(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The names in ``known`` closest to ``name`` by edit similarity, best first."""
    return tuple(difflib.get_close_matches(name, list(known), n=limit, cutoff=0.5))


def _did_you_mean(near: tuple[str, ...]) -> str:
    return f"Did you mean {', '.join(map(repr, near))}?" if near else ""
