"""Translation of globals, tables and references: loads and stores in the instance's native records.

Stores that other code can see after a trap are accesses like those to memory (``TextBuilder.access``).
"""

from __future__ import annotations

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.runtime.layout import TABLE_ELEMENTS, TABLE_LENGTH
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.text import ELEMENTS, ENGINE, FIXED, GLOBALS
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any


def _cell(t: Translator, index: int) -> tuple[str, str]:
    """A pointer to a global's cell, and the IR type of its value."""
    type = LLVM_TYPES[t.module.globals[index].content]
    if index < t.module.imported_globals:
        return t.value(f"load ptr, ptr {t.field(t.layout.global_pointer(index))}{FIXED}"), type
    return t.field(t.layout.global_cell(index)), type


def _global_get(t: Translator, immediates: tuple[Any, ...]) -> None:
    pointer, type = _cell(t, immediates[0])
    t.push(t.value(f"load {type}, ptr {pointer}{GLOBALS}"), type)


def _global_set(t: Translator, immediates: tuple[Any, ...]) -> None:
    pointer, type = _cell(t, immediates[0])
    t.effect(f"store {t.access}{type} {t.pop()}, ptr {pointer}{GLOBALS}")


def _record(t: Translator, table: int) -> str:
    return t.value(f"load ptr, ptr {t.field(t.layout.table_pointer(table))}{FIXED}")


def _fixed_length(t: Translator, table: int) -> int | None:
    """How many elements a table has that cannot grow: neither its length nor where its elements are changes.

    C's tables are like that. An imported one has as many, too: no fewer, and no room for more.
    """
    limits = t.module.tables[table].limits
    return limits.minimum if limits.minimum == limits.maximum else None


def _length(t: Translator, table: int) -> str:
    if (fixed := _fixed_length(t, table)) is not None:
        return str(fixed)
    field = t.value(f"getelementptr i8, ptr {_record(t, table)}, i64 {TABLE_LENGTH}")
    return t.value(f"load i64, ptr {field}{ENGINE}")


def _index_type(t: Translator, table: int) -> str:
    return LLVM_TYPES[t.module.tables[table].address]


def element_pointer(t: Translator, table: int, index: str, outside: TrapCode) -> str:
    """A pointer to element ``index`` (i64) of a table; traps with ``outside`` when there is none."""
    t.trap_if(t.value(f"icmp uge i64 {index}, {_length(t, table)}"), outside)
    field = t.value(f"getelementptr i8, ptr {_record(t, table)}, i64 {TABLE_ELEMENTS}")
    changes = ENGINE if _fixed_length(t, table) is None else FIXED
    elements = t.value(f"load ptr, ptr {field}{changes}")
    return t.value(f"getelementptr i64, ptr {elements}, i64 {index}")


def _table_get(t: Translator, immediates: tuple[Any, ...]) -> None:
    pointer = element_pointer(t, immediates[0], t.pop_wide(), TrapCode.TABLE_OUT_OF_BOUNDS)
    t.push(t.value(f"load i64, ptr {pointer}{ELEMENTS}"), LLVM_TYPES[t.module.tables[immediates[0]].element])


def _table_set(t: Translator, immediates: tuple[Any, ...]) -> None:
    value = t.pop()
    pointer = element_pointer(t, immediates[0], t.pop_wide(), TrapCode.TABLE_OUT_OF_BOUNDS)
    t.effect(f"store {t.access}i64 {value}, ptr {pointer}{ELEMENTS}")


def _table_size(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.push_narrow(_length(t, immediates[0]), _index_type(t, immediates[0]))


def _table_grow(t: Translator, immediates: tuple[Any, ...]) -> None:
    delta = t.pop_typed()
    init = t.pop_typed()
    type = _index_type(t, immediates[0])
    t.push(request(t, "table.grow", immediates, [init, delta], result=type), type)


def _table_fill(t: Translator, immediates: tuple[Any, ...]) -> None:
    count, value, start = t.pop_typed(), t.pop_typed(), t.pop_typed()
    request(t, "table.fill", immediates, [start, value, count])


def _table_ranges(name: str) -> Handler:
    """``table.copy`` and ``table.init``: destination, source, count."""

    def handler(t: Translator, immediates: tuple[Any, ...]) -> None:
        count, source, start = t.pop_typed(), t.pop_typed(), t.pop_typed()
        request(t, name, immediates, [start, source, count])

    return handler


def _elem_drop(t: Translator, immediates: tuple[Any, ...]) -> None:
    request(t, "elem.drop", immediates, [])


def _ref_null(t: Translator, _: tuple[Any, ...]) -> None:
    t.push("0", "i64")


def _ref_is_null(t: Translator, _: tuple[Any, ...]) -> None:
    t.push(t.value(f"icmp eq i64 {t.pop()}, 0"), "i1")


def _ref_func(t: Translator, immediates: tuple[Any, ...]) -> None:
    index = immediates[0]
    if index < t.module.imported_functions:
        t.push(t.value(f"load i64, ptr {t.field(t.layout.function_pointer(index))}{FIXED}"), "i64")
    else:
        t.push(t.value(f"ptrtoint ptr {t.field(t.layout.record(index))} to i64"), "i64")


HANDLERS: dict[str, Handler] = {
    "global.get": _global_get,
    "global.set": _global_set,
    "table.get": _table_get,
    "table.set": _table_set,
    "table.size": _table_size,
    "table.grow": _table_grow,
    "table.fill": _table_fill,
    "table.copy": _table_ranges("table.copy"),
    "table.init": _table_ranges("table.init"),
    "elem.drop": _elem_drop,
    "ref.null": _ref_null,
    "ref.is_null": _ref_is_null,
    "ref.func": _ref_func,
}
"""By instruction name."""
