"""Exceptions on their way through the machine's frames: who catches them, and where the machine goes on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from vm.memory.native import WORD, peek, poke
from vm.records import Record, field
from vm.runtime.exceptions import Exn
from vm.runtime.layout import CONTEXT_INSTANCE, CONTROL_ENTRY, STATE_CONTROL
from vm.runtime.store import Store
from vm.runtime.words import to_words


class Clause(Record, frozen=True):
    """Catches exceptions of ``tag`` (index; None: of any): their values, and a reference to the exception if
    ``with_ref``, go to the slots from ``base`` on, and the code goes on at word ``entry``. Slot ``kept`` gets
    a reference, too, for a ``rethrow``.
    """

    tag: int | None
    with_ref: bool
    base: int
    entry: int
    kept: int | None = None


class Guard(Record, eq=False):
    """What catches exceptions thrown by a function's words ``start`` to ``end`` (exclusive): the first clause
    that fits, else ``outer`` (None: the caller).
    """

    start: int
    outer: Guard | None
    end: int = 0
    clauses: list[Clause] = field(default_factory=list)


Covering = Callable[[Store, int], tuple[int, Guard | None]]
"""For an address in code that was left: where its function's code begins, and the innermost guard there."""


def catch(store: Store, thrown: Exn, covering: Covering) -> bool:
    """Look for who catches, from the newest entry of the control stack to where the machine was entered.

    If somebody does, the exception's values are put in place and the newest entry says where to go on.
    """
    at = store.state.words[STATE_CONTROL // WORD]
    while frame := peek(at + WORD):
        code, guard = covering(store, peek(at))
        instance = store.instances[peek(peek(at + 2 * WORD) + CONTEXT_INSTANCE)]
        while guard is not None:
            for clause in guard.clauses:
                if clause.tag is None or instance.tags[clause.tag] is thrown.origin:
                    _enter(store, thrown, clause, frame)
                    poke(at, code + WORD * clause.entry)
                    store.state.words[STATE_CONTROL // WORD] = at
                    return True
            guard = guard.outer
        at += CONTROL_ENTRY
    return False


def _enter(store: Store, thrown: Exn, clause: Clause, frame: int) -> None:
    words: list[ctypes.c_uint64 | int] = []
    if clause.tag is not None:
        words += to_words(thrown.origin.signature.params, thrown.bits)
    if clause.with_ref:
        words.append(store.extern_handle(thrown))
    (ctypes.c_uint64 * len(words)).from_address(frame + WORD * clause.base)[:] = words
    if clause.kept is not None:
        poke(frame + WORD * clause.kept, store.extern_handle(thrown))
