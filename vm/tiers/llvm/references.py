"""Translation of instructions on references of any kind: tests for null, and branches on them."""

from __future__ import annotations

from vm.errors import TrapCode
from vm.tiers.llvm.control import branch_if
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any


def _as_non_null(t: Translator, _: tuple[Any, ...]) -> None:
    word, type = t.pop_typed()
    t.trap_if(t.value(f"icmp eq i64 {word}, 0"), TrapCode.NULL_REFERENCE)
    t.push(word, type)


def _br_on_null(t: Translator, immediates: tuple[Any, ...]) -> None:
    before = t.stack[:]
    word, type = t.pop_typed()
    branch_if(t, t.value(f"icmp eq i64 {word}, 0"), immediates[0], before)
    t.push(word, type)


def _br_on_non_null(t: Translator, immediates: tuple[Any, ...]) -> None:
    branch_if(t, t.value(f"icmp ne i64 {t.peek()}, 0"), immediates[0], t.stack[:])
    t.pop()


HANDLERS: dict[str, Handler] = {
    "ref.as_non_null": _as_non_null,
    "br_on_null": _br_on_null,
    "br_on_non_null": _br_on_non_null,
}
"""By instruction name."""
