"""Translation of wait and notify, which the runtime does; other atomic instructions are plain meanings."""

from __future__ import annotations

from vm.isa.opcodes import BY_NAME
from vm.memory.linear import WAITING
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.text import ENGINE
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any

_WIDTH = 4
"""Bytes of the cell that a notification names."""


def _waiting(name: str) -> Handler:
    count = len(BY_NAME[name].type.params)  # type: ignore[union-attr]  # rows of atomics have types

    def handler(t: Translator, immediates: tuple[Any, ...]) -> None:
        operands = [t.pop_typed() for _ in range(count)][::-1]
        t.push(request(t, name, immediates[1:], operands, result="i32"), "i32")

    return handler


def _notify(t: Translator, immediates: tuple[Any, ...]) -> None:
    """Most of the time nobody waits, which the memory itself says; only else the runtime is asked."""
    _, offset, memory = immediates
    count, address = t.pop_typed(), t.pop_typed()
    t.aligned(address[0], offset, _WIDTH, memory)
    cell = t.address(address[0], offset, _WIDTH, memory)
    t.value(f"load volatile i32, ptr {cell}, align {_WIDTH}")  # traps where the memory ends
    if not t.module.memories[memory].shared:
        t.push("0", "i32")
        return
    woken = t.slot("i32")
    t.effect(f"store i32 0, ptr {woken}")
    t.effect("fence seq_cst")  # what was stored before is seen by whoever is not counted yet
    field = t.value(f"getelementptr i8, ptr {t.memory_base(memory)}, i64 {WAITING}")
    waiting = t.value(f"load volatile i64, ptr {field}{ENGINE}")
    ask, done = t.label("ask"), t.label("done")
    t.effect(f"br i1 {t.value(f'icmp eq i64 {waiting}, 0')}, label %{done}, label %{ask}")
    t.block(ask)
    found = request(t, "memory.atomic.notify", immediates[1:], [address, count], result="i32")
    t.effect(f"store i32 {found}, ptr {woken}")
    t.effect(f"br label %{done}")
    t.block(done)
    t.push(t.value(f"load i32, ptr {woken}"), "i32")


HANDLERS: dict[str, Handler] = {
    "memory.atomic.notify": _notify,
    "memory.atomic.wait32": _waiting("memory.atomic.wait32"),
    "memory.atomic.wait64": _waiting("memory.atomic.wait64"),
}
"""By instruction name."""
