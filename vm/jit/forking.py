"""Who must know when the process forks: threads and locks do not come along."""

from __future__ import annotations

import os
import weakref

from vm.typed import Protocol


class Forked(Protocol):
    """Something that has a thread or processes."""

    def before_fork(self) -> None:
        """Come to a point where nothing is half done."""

    def in_parent(self) -> None:
        """Go on."""

    def in_child(self) -> None:
        """Begin anew, with what is the parent's left to it."""


_known: weakref.WeakSet[Forked] = weakref.WeakSet()
_forking: list[Forked] = []
"""Those that wait while the process is being forked."""


def tell_of_forks(one: Forked) -> None:
    """Let ``one`` know of every fork, as long as it lives."""
    _known.add(one)


def _before() -> None:
    for one in list(_known):
        one.before_fork()
        _forking.append(one)


def _in_parent() -> None:
    while _forking:
        _forking.pop().in_parent()


def _in_child() -> None:
    while _forking:
        _forking.pop().in_child()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
