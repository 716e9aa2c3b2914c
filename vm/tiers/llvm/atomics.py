"""Translation of wait and notify, which the runtime does; other atomic instructions are plain meanings."""

from __future__ import annotations

from typing import Any

from vm.isa.opcodes import BY_NAME
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.translate import Handler, Translator


def _waiting(name: str) -> Handler:
    count = len(BY_NAME[name].type.params)  # type: ignore[union-attr]  # rows of atomics have types

    def handler(t: Translator, immediates: tuple[Any, ...]) -> None:
        operands = [t.pop_typed() for _ in range(count)][::-1]
        t.push(request(t, name, immediates[1:], operands, result="i32"), "i32")

    return handler


HANDLERS: dict[str, Handler] = {
    name: _waiting(name) for name in ("memory.atomic.notify", "memory.atomic.wait32", "memory.atomic.wait64")
}
"""By instruction name."""
