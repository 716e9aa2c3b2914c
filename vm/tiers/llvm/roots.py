"""Showing the collector what a frame holds: live references go on the root stack before anyone may collect.

That is before every call and every request to the runtime; afterwards they come off. The stack's top is what
it was when the function was entered whenever the function runs itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vm.errors import VMError
from vm.gc.record import ROOT_LIMIT, ROOT_TOP
from vm.isa.emit import TracedType
from vm.memory.native import WORD
from vm.tiers.llvm.text import ENGINE, ROOTS
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.tiers.llvm.translate import Translator


_MOST_STORES = 250_000
"""In one function: its code grows with the references it needs times the calls it makes."""


@contextmanager
def rooted(t: Translator, operands: Sequence[tuple[str, str]] = ()) -> Iterator[None]:
    """Emit, around what is emitted inside, stores of all live references and of these popped operands."""
    count = 0
    for word in _live(t, operands):
        pointer = t.value(f"getelementptr i64, ptr %roots, i64 {count}")
        t.effect(f"store i64 {word}, ptr {pointer}{ROOTS}")
        count += 1
        t.root_stores += 1
        if t.root_stores > _MOST_STORES:
            raise VMError(
                f"function {t.index} needs more references at more calls than code is made for: "
                "use tier reference"
            )
    t.root_slots = max(t.root_slots, count)
    if count:
        top = t.value(f"getelementptr i64, ptr %roots, i64 {count}")
        t.effect(f"store ptr {top}, ptr %root_top{ENGINE}")
    yield
    if count:
        t.effect(f"store ptr %roots, ptr %root_top{ENGINE}")


def _live(t: Translator, operands: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The words, each loaded only when it is asked for, which is when it is stored.

    All of them loaded first would take a stack slot each in code that is not optimised, at every call anew.
    """
    for name in _references(t.stack):
        yield t.held(name, "i64")
    yield from t.live_locals()
    yield from _references(operands)
    for control in t.control:
        if control.kept:
            yield t.value(f"load i64, ptr {control.kept}")


def take_back(t: Translator) -> None:
    """Emit, where an exception was caught, that what the frames it left had on the root stack is gone."""
    t.root_slots = max(t.root_slots, 1)
    t.effect(f"store ptr %roots, ptr %root_top{ENGINE}")


def _references(operands: Sequence[tuple[str, str]]) -> list[str]:
    return [name for name, type in operands if isinstance(type, TracedType) and name.startswith("%")]


def prologue(slots: int) -> list[str]:
    """At a function's start: where its part of the root stack is, and ``%full``, whether there is no room."""
    if not slots:
        return []
    return [
        f"  %root_top = getelementptr i8, ptr %heap, i64 {ROOT_TOP}",
        f"  %roots = load ptr, ptr %root_top{ENGINE}",
        f"  %roots_end = getelementptr i8, ptr %roots, i64 {slots * WORD}",
        f"  %root_limit_field = getelementptr i8, ptr %heap, i64 {ROOT_LIMIT}",
        f"  %root_limit = load ptr, ptr %root_limit_field{ENGINE}",
        "  %full = icmp ugt ptr %roots_end, %root_limit",
    ]
