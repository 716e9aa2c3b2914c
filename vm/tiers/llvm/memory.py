"""Translation of whole-memory instructions: size, fill and copy in line, the rest with the runtime's help."""

from __future__ import annotations

from typing import Any

from vm.errors import TrapCode
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.translate import Handler, Translator

_PAGE_SHIFT = 16


def _memory_size(t: Translator, _: tuple[Any, ...]) -> None:
    pages = t.value(f"lshr i64 {t.memory_length()}, {_PAGE_SHIFT}")
    t.push(t.value(f"trunc i64 {pages} to i32"), "i32")


def _memory_grow(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.push(request(t, "memory.grow", immediates, [t.pop_typed()], result=True), "i32")


def _range(t: Translator, start: str, count: str, length: str) -> str:
    """A pointer to ``count`` bytes (i64) from ``start`` (i32); traps unless they lie inside."""
    wide = t.value(f"zext i32 {start} to i64")
    end = t.value(f"add nuw nsw i64 {wide}, {count}")
    t.trap_if(t.value(f"icmp ugt i64 {end}, {length}"), TrapCode.MEMORY_OUT_OF_BOUNDS)
    return t.value(f"getelementptr i8, ptr %memory, i64 {wide}")


def _memory_fill(t: Translator, _: tuple[Any, ...]) -> None:
    count, byte, start = t.pop(), t.pop(), t.pop()
    count = t.value(f"zext i32 {count} to i64")
    pointer = _range(t, start, count, t.memory_length())
    byte = t.value(f"trunc i32 {byte} to i8")
    t.effect(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 {byte}, i64 {count}, i1 false)")


def _memory_copy(t: Translator, _: tuple[Any, ...]) -> None:
    count, source, start = t.pop(), t.pop(), t.pop()
    count = t.value(f"zext i32 {count} to i64")
    length = t.memory_length()
    source = _range(t, source, count, length)
    target = _range(t, start, count, length)
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
