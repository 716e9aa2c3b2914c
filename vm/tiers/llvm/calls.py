"""Translation of calls: direct inside a batch, through function records otherwise.

A record whose code is 0 belongs to a function that is not compiled yet, or a host function without a stub;
the cold path asks ``@compile`` for the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import DefType, FuncType
from vm.runtime.layout import RECORD_CONTEXT, RECORD_TYPE
from vm.tiers.llvm.roots import rooted
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.state import element_pointer
from vm.tiers.llvm.text import ELEMENTS, ENGINE, FIXED, result_type
from vm.tiers.llvm.translate import Handler, Translator


def _call(t: Translator, immediates: tuple[Any, ...]) -> None:
    index = immediates[0]
    type = t.module.function_type(index)
    t.calls = True
    if index in t.batch:
        _invoke(t, f"@f{index}", "%ctx", type, _arguments(t, type))
    elif index < t.module.imported_functions:
        record = t.value(f"load ptr, ptr {t.field(t.layout.function_pointer(index))}{FIXED}")
        _call_record(t, record, type)
    else:
        _call_record(t, t.field(t.layout.record(index)), type, context="%ctx")


def _call_indirect(t: Translator, immediates: tuple[Any, ...]) -> None:
    type_index, table = immediates
    wanted = t.module.types[type_index]
    t.calls = True
    pointer = element_pointer(t, table, t.pop_wide(), TrapCode.UNDEFINED_ELEMENT)
    reference = t.value(f"load ptr, ptr {pointer}{ELEMENTS}")
    t.trap_if(t.value(f"icmp eq ptr {reference}, null"), TrapCode.UNINITIALIZED_ELEMENT)
    _check_type(t, reference, wanted, type_index)
    _call_record(t, reference, wanted.func)


def _check_type(t: Translator, reference: str, wanted: DefType, type_index: int) -> None:
    """Trap unless the function behind ``reference`` has the type; the runtime is asked about subtypes."""
    field = t.value(f"getelementptr i8, ptr {reference}, i64 {RECORD_TYPE}")
    found = t.value(f"load i64, ptr {field}{FIXED}")
    differs = t.value(f"icmp ne i64 {found}, {wanted.id}")
    if wanted.final:
        t.trap_if(differs, TrapCode.BAD_SIGNATURE)
        return
    ask, following = t.label("subtype"), t.label("next")
    t.effect(f"br i1 {differs}, label %{ask}, label %{following}")
    t.block(ask)
    word = t.value(f"ptrtoint ptr {reference} to i64")
    extends = request(t, "function extends", (type_index,), [(word, "i64")], result="i32")
    t.trap_if(t.value(f"icmp eq i32 {extends}, 0"), TrapCode.BAD_SIGNATURE)
    t.effect(f"br label %{following}")
    t.block(following)


def _call_ref(t: Translator, immediates: tuple[Any, ...]) -> None:
    word = t.pop()
    t.calls = True
    t.trap_if(t.value(f"icmp eq i64 {word}, 0"), TrapCode.NULL_FUNCTION_REFERENCE)
    _call_record(t, t.value(f"inttoptr i64 {word} to ptr"), t.module.signature(immediates[0]))


def _arguments(t: Translator, type: FuncType) -> list[tuple[str, str]]:
    values = t.pop_many(len(type.params))
    return [(value, LLVM_TYPES[kind]) for value, kind in zip(values, type.params, strict=True)]


def _call_record(t: Translator, record: str, type: FuncType, context: str | None = None) -> None:
    """Call what ``record`` describes, compiling it first if nobody has; ``context`` where it is known."""
    arguments = _arguments(t, type)
    slot = t.slot("ptr")
    code = t.value(f"load ptr, ptr {record}{ENGINE}")
    t.effect(f"store ptr {code}, ptr {slot}")
    missing, ready = t.label("compile"), t.label("ready")
    t.effect(f"br i1 {t.value(f'icmp eq ptr {code}, null')}, label %{missing}, label %{ready}, !prof !4")
    t.block(missing)
    with rooted(t, arguments):
        t.effect(f"store ptr {t.value(f'call ptr @compile(ptr %ctx, ptr {record})')}, ptr {slot}")
    t.effect(f"br label %{ready}")
    t.block(ready)
    if context is None:  # read after compiling: a host function gets its context together with its stub
        field = t.value(f"getelementptr i8, ptr {record}, i64 {RECORD_CONTEXT}")
        context = t.value(f"load ptr, ptr {field}{ENGINE}")
    _invoke(t, t.value(f"load ptr, ptr {slot}"), context, type, arguments)


def _invoke(
    t: Translator, code: str, context: str, type: FuncType, arguments: Sequence[tuple[str, str]]
) -> None:
    result = result_type(type)
    listed = "".join(f", {kind} {value}" for value, kind in arguments)
    call = f"call fastcc {result} {code}(ptr {context}{listed})"
    with rooted(t):
        returned = t.value(call) if type.results else ""
        if not returned:
            t.effect(call)
    if not returned:
        return
    if len(type.results) == 1:
        t.push(returned, result)
        return
    for i, part in enumerate(type.results):
        t.push(t.value(f"extractvalue {result} {returned}, {i}"), LLVM_TYPES[part])


HANDLERS: dict[str, Handler] = {"call": _call, "call_indirect": _call_indirect, "call_ref": _call_ref}
"""By instruction name."""
