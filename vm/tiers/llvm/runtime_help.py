"""How compiled code asks for the runtime's help (``vm.native.help``)."""

from __future__ import annotations

from collections.abc import Sequence

from vm.native.help import NUMBERS
from vm.tiers.llvm.roots import rooted
from vm.tiers.llvm.translate import Translator
from vm.typed import Any


def request(
    t: Translator,
    name: str,
    immediates: Sequence[Any],
    operands: Sequence[tuple[str, str]],
    *,
    result: str = "",
    held: Sequence[tuple[str, str]] = (),
) -> str:
    """Emit a request for instruction ``name``; returns the SSA name of its result, of IR type ``result``.

    References in ``held`` are the collector's roots meanwhile, as those are that the code behind needs.
    """
    words = [str(immediate) for immediate in immediates]
    words += [name if type == "i64" else t.value(f"zext i32 {name} to i64") for name, type in operands]
    t.calls = True
    t.help_slots = max(t.help_slots, 2, 1 + len(words))
    for i, word in enumerate(words, start=1):
        pointer = t.value(f"getelementptr i64, ptr %help, i64 {i}")
        t.effect(f"store i64 {word}, ptr {pointer}")
    with rooted(t, (*operands, *held)):
        t.effect(f"call void @help(ptr %ctx, i32 {NUMBERS[name]}, ptr %help)")
    if not result:
        return ""
    pointer = t.value("getelementptr i64, ptr %help, i64 1")
    return t.value(f"load {result}, ptr {pointer}")
