"""Translation of whole-memory instructions: size, fill and copy in line, the rest with the runtime's help."""

from __future__ import annotations

from vm.isa.emit import LLVM_TYPES
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any


def _address_type(t: Translator, memory: int) -> str:
    return LLVM_TYPES[t.module.memories[memory].address]


def _memory_size(t: Translator, immediates: tuple[Any, ...]) -> None:
    memory = immediates[0]
    bits = t.module.memories[memory].page_bits
    pages = t.value(f"lshr i64 {t.memory_length(memory)}, {bits}")
    t.push_narrow(pages, _address_type(t, memory))


def _memory_grow(t: Translator, immediates: tuple[Any, ...]) -> None:
    type = _address_type(t, immediates[0])
    t.push(request(t, "memory.grow", immediates, [t.pop_typed()], result=type), type)


def _range(t: Translator, memory: int, start: str, count: str) -> str:
    """A pointer to ``count`` bytes from ``start`` (both i64); traps unless they lie inside."""
    t.outside_if(t.beyond(start, count, t.memory_length(memory)))
    return t.offset_pointer(memory, start)


def _memory_fill(t: Translator, immediates: tuple[Any, ...]) -> None:
    count, byte, start = t.pop_wide(), t.pop(), t.pop_wide()
    pointer = _range(t, immediates[0], start, count)
    byte = t.value(f"trunc i32 {byte} to i8")
    t.effect(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 {byte}, i64 {count}, i1 false)")


def _memory_copy(t: Translator, immediates: tuple[Any, ...]) -> None:
    count, source, start = t.pop_wide(), t.pop_wide(), t.pop_wide()
    source = _range(t, immediates[1], source, count)
    target = _range(t, immediates[0], start, count)
    t.effect(f"call void @llvm.memmove.p0.p0.i64(ptr {target}, ptr {source}, i64 {count}, i1 false)")


def _memory_init(t: Translator, immediates: tuple[Any, ...]) -> None:
    count, source, start = t.pop_typed(), t.pop_typed(), t.pop_typed()
    request(t, "memory.init", immediates, [start, source, count])


def _data_drop(t: Translator, immediates: tuple[Any, ...]) -> None:
    request(t, "data.drop", immediates, [])


HANDLERS: dict[str, Handler] = {
    "memory.size": _memory_size,
    "memory.grow": _memory_grow,
    "memory.fill": _memory_fill,
    "memory.copy": _memory_copy,
    "memory.init": _memory_init,
    "data.drop": _data_drop,
}
"""By instruction name."""
