"""Instructions that compiled code leaves to the runtime: a numbered list, and how code asks for one.

The request travels in an array of words: one for the answer (0: failed), then the instruction's immediates,
then its operands, deepest first. The result, if any, comes back in the word behind the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vm.runtime.instance import Instance
from vm.tiers.llvm.translate import Translator

Helper = Callable[..., int | None]
"""``helper(instance, *immediates, *operands)``; its result is what the instruction pushes."""


def _memory_grow(instance: Instance, memory: int, delta: int) -> int:
    return instance.memories[memory].grow(delta) & 0xFFFF_FFFF


def _table_grow(instance: Instance, table: int, init: int, delta: int) -> int:
    return instance.tables[table].grow(delta, init) & 0xFFFF_FFFF


def _table_fill(instance: Instance, table: int, start: int, value: int, count: int) -> None:
    instance.tables[table].fill(start, value, count)


def _table_copy(
    instance: Instance, target: int, source: int, start: int, source_start: int, count: int
) -> None:
    instance.tables[target].copy(start, instance.tables[source], source_start, count)


HELPERS: dict[str, tuple[Helper, int]] = {
    "memory.grow": (_memory_grow, 2),
    "memory.init": (Instance.memory_init, 5),
    "data.drop": (Instance.data_drop, 1),
    "table.grow": (_table_grow, 3),
    "table.fill": (_table_fill, 4),
    "table.copy": (_table_copy, 5),
    "table.init": (Instance.table_init, 5),
    "elem.drop": (Instance.elem_drop, 1),
}
"""Helpers by instruction name, with the number of words each takes."""

NUMBERED: tuple[tuple[Helper, int], ...] = tuple(HELPERS.values())
"""The same by the number that compiled code uses."""

_NUMBERS = {name: number for number, name in enumerate(HELPERS)}


def request(
    t: Translator,
    name: str,
    immediates: Sequence[Any],
    operands: Sequence[tuple[str, str]],
    *,
    result: bool = False,
) -> str:
    """Emit a request for instruction ``name``; returns the i32 result's SSA name if there is one."""
    words = [str(immediate) for immediate in immediates]
    words += [name if type == "i64" else t.value(f"zext i32 {name} to i64") for name, type in operands]
    t.calls = True
    t.help_slots = max(t.help_slots, 2, 1 + len(words))
    for i, word in enumerate(words, start=1):
        pointer = t.value(f"getelementptr i64, ptr %help, i64 {i}")
        t.effect(f"store i64 {word}, ptr {pointer}")
    t.effect(f"call void @help(ptr %ctx, i32 {_NUMBERS[name]}, ptr %help)")
    if not result:
        return ""
    pointer = t.value("getelementptr i64, ptr %help, i64 1")
    return t.value(f"load i32, ptr {pointer}")
