"""Translation of calls: direct inside a batch, through function records otherwise.

A record whose code is 0 belongs to a function that is not compiled yet, or a host function without a stub;
the cold path asks ``@compile`` for the code. ``vm.tiers.llvm.abi`` says how a call looks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import DefType, FuncType
from vm.runtime.layout import RECORD_CONTEXT, RECORD_NATIVE, RECORD_TYPE
from vm.tiers.llvm.abi import CONVENTION, Signature, signature
from vm.tiers.llvm.casts import extends
from vm.tiers.llvm.leaving import can_leave, leave_at
from vm.tiers.llvm.profiled import SURE, weights
from vm.tiers.llvm.roots import rooted
from vm.tiers.llvm.state import element_pointer
from vm.tiers.llvm.text import ELEMENTS, ENGINE, FIXED
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any


@dataclass(frozen=True, slots=True)
class _Callee:
    """What is called: SSA names of its code and context, the type it is called as, and the SSA name of its
    record, which travels along where the code is not known (``vm.tiers.llvm.thunks.lend``).
    """

    code: str
    context: str
    type: FuncType
    record: str = ""


def _named(t: Translator, immediates: tuple[Any, ...]) -> _Callee:
    """The function of a ``call``."""
    index = immediates[0]
    type = t.module.function_type(index)
    if index in t.batch:
        return _Callee(f"@f{index}", "%ctx", type)
    if index < t.module.imported_functions:
        record = t.value(f"load ptr, ptr {t.field(t.layout.function_pointer(index))}{FIXED}")
        return _recorded(t, record, type)
    return _recorded(t, t.field(t.layout.record(index)), type, context="%ctx")


def _in_table(t: Translator, immediates: tuple[Any, ...]) -> _Callee:
    """The function of a ``call_indirect``; traps unless there is one of the right type."""
    return _checked(t, _element(t, immediates), t.module.types[immediates[0]])


def _element(t: Translator, immediates: tuple[Any, ...]) -> str:
    """What lies in the table: a record, or null."""
    pointer = element_pointer(t, immediates[1], t.pop_wide(), TrapCode.UNDEFINED_ELEMENT)
    return t.value(f"load ptr, ptr {pointer}{ELEMENTS}")


def _checked(t: Translator, reference: str, wanted: DefType) -> _Callee:
    """The function behind an element of a table; traps unless there is one of the right type."""
    t.trap_if(t.value(f"icmp eq ptr {reference}, null"), TrapCode.UNINITIALIZED_ELEMENT)
    _check_type(t, reference, wanted)
    t.profile.called(t, t.here, reference)
    return _recorded(t, reference, wanted.func)


def _check_type(t: Translator, reference: str, wanted: DefType) -> None:
    """Trap unless the function behind ``reference`` has the type, or one declared below it."""
    field = t.value(f"getelementptr i8, ptr {reference}, i64 {RECORD_TYPE}")
    found = t.value(f"load i64, ptr {field}{FIXED}")
    t.trap_if(t.value(f"xor i1 {extends(t, found, wanted)}, true"), TrapCode.BAD_SIGNATURE)


def _referenced(t: Translator, immediates: tuple[Any, ...]) -> _Callee:
    """The function of a ``call_ref``; traps for null."""
    reference = t.value(f"inttoptr i64 {t.pop()} to ptr")
    return _not_null(t, reference, t.module.signature(immediates[0]))


def _not_null(t: Translator, reference: str, type: FuncType) -> _Callee:
    """The function behind a reference; traps for null."""
    t.trap_if(t.value(f"icmp eq ptr {reference}, null"), TrapCode.NULL_FUNCTION_REFERENCE)
    t.profile.called(t, t.here, reference)
    return _recorded(t, reference, type)


def _recorded(t: Translator, record: str, type: FuncType, context: str | None = None) -> _Callee:
    """What ``record`` describes, compiled first if nobody has; ``context`` where it is known."""
    slot = t.slot("ptr")
    field = t.value(f"getelementptr i8, ptr {record}, i64 {RECORD_NATIVE}")
    code = t.value(f"load ptr, ptr {field}{ENGINE}")
    t.effect(f"store ptr {code}, ptr {slot}")
    missing, ready = t.label("compile"), t.label("ready")
    t.effect(f"br i1 {t.value(f'icmp eq ptr {code}, null')}, label %{missing}, label %{ready}, !prof !4")
    t.block(missing)
    with rooted(t):
        t.effect(f"store ptr {t.value(f'call ptr @compile(ptr %ctx, ptr {record})')}, ptr {slot}")
    t.effect(f"br label %{ready}")
    t.block(ready)
    if context is None:  # read after compiling: a host function gets its context together with its stub
        field = t.value(f"getelementptr i8, ptr {record}, i64 {RECORD_CONTEXT}")
        context = t.value(f"load ptr, ptr {field}{ENGINE}")
    return _Callee(t.value(f"load ptr, ptr {slot}"), context, type, record)


def _started(t: Translator, callee: _Callee) -> tuple[Signature, str]:
    """Pop the arguments and hand over what has no register; gives the call, but for how it is made."""
    t.calls = True
    form = signature(callee.type)
    values = t.pop_many(len(callee.type.params))
    t.pass_words(form.passed_types, [values[i] for i in form.passed])
    record = f"ptr nest {callee.record}, " if callee.record else ""
    arguments = f"{record}ptr {callee.context}{form.arguments(values)}"
    call = f"call {CONVENTION} {form.result} {callee.code}({arguments})"
    return form, call


def _invoke(t: Translator, callee: _Callee) -> None:
    """Call, and push what comes back."""
    form, call = _started(t, callee)
    results = callee.type.results
    with rooted(t):
        returned = t.value(call) if form.result != "void" else ""
        if not returned:
            t.effect(call)
    if not returned:
        values = t.passed_words(results) if form.passes_results else []
    else:
        values = [returned]
        if len(results) > 1:
            values = [t.value(f"extractvalue {form.result} {values[0]}, {i}") for i in range(len(results))]
    for value, type in zip(values, results, strict=True):
        t.push(value, LLVM_TYPES[type])


def _leave_for(t: Translator, callee: _Callee) -> bool:
    """Call in the place of this function's own frame; what comes back goes to its caller."""
    if not t.leaves_by_tail_calls:
        t.leave_tries(0)
        _invoke(t, callee)
        t.leave()
        return True
    form, call = _started(t, callee)
    t.leave_tries(0)
    if form.result == "void":
        t.effect(f"musttail {call}")
        t.effect("ret void")
    else:
        returned = t.value(f"musttail {call}")
        t.effect(f"ret {form.result} {returned}")
    return True


_CALLEES: dict[str, Callable[[Translator, tuple[Any, ...]], _Callee]] = {
    "call": _named,
    "call_indirect": _in_table,
    "call_ref": _referenced,
}
"""How each calling instruction finds its function, when it is a tail call ("return_" in front)."""


def _calling(find: Callable[[Translator, tuple[Any, ...]], _Callee]) -> Handler:
    return lambda t, immediates: _invoke(t, find(t, immediates))


def _leaving(find: Callable[[Translator, tuple[Any, ...]], _Callee]) -> Handler:
    return lambda t, immediates: _leave_for(t, find(t, immediates))


def _call_indirect(t: Translator, immediates: tuple[Any, ...]) -> None:
    wanted, before = t.module.types[immediates[0]], t.stack[:]
    reference = _element(t, immediates)
    _guess(t, reference, wanted, before, lambda: _checked(t, reference, wanted))


def _call_ref(t: Translator, immediates: tuple[Any, ...]) -> None:
    wanted, before = t.module.types[immediates[0]], t.stack[:]
    reference = t.value(f"inttoptr i64 {t.pop()} to ptr")
    _guess(t, reference, wanted, before, lambda: _not_null(t, reference, wanted.func))


def _guess(
    t: Translator,
    reference: str,
    wanted: DefType,
    before: list[tuple[str, str]],
    find: Callable[[], _Callee],
) -> None:
    """Call what ``find`` gives; but where it usually is a function that is compiled with this one, compare,
    and call that directly. Its own record is neither null nor of another type, so nothing else is checked.
    Where it was never any other, code leaves if it is; in front of the instruction, operands are ``before``.
    """
    counted = t.profile.targets(t.here, wanted)
    expected = [guess for guess in counted if _callable(t, guess[0], wanted)]
    if not expected:
        _invoke(t, find())
        return
    type = wanted.func
    arguments = t.pop_many(len(type.params))
    slots = [t.slot(LLVM_TYPES[result]) for result in type.results]
    done = t.label("called")

    def call(callee: Callable[[], _Callee]) -> None:
        for argument, parameter in zip(arguments, type.params, strict=True):
            t.push(argument, LLVM_TYPES[parameter])
        _invoke(t, callee())
        values = t.pop_many(len(type.results))
        for slot, value, result in zip(slots, values, type.results, strict=True):
            t.effect(f"store {LLVM_TYPES[result]} {value}, ptr {slot}")
        t.effect(f"br label %{done}")

    for index, times, others in expected:
        same = t.value(f"icmp eq ptr {reference}, {t.field(t.layout.record(index))}")
        hit, miss = t.label("guessed"), t.label("other")
        t.effect(f"br i1 {same}, label %{hit}, label %{miss}{weights((times, others))}")
        t.block(hit)
        call(functools.partial(_Callee, f"@f{index}", "%ctx", type))
        t.block(miss)
    _, times, others = expected[-1]
    if others == 0 and times >= SURE and len(expected) == len(counted) and can_leave(t, t.here):
        leave_at(t, t.here, before)
    else:
        call(find)
    t.block(done)
    for slot, result in zip(slots, type.results, strict=True):
        t.push(t.value(f"load {LLVM_TYPES[result]}, ptr {slot}"), LLVM_TYPES[result])


def _callable(t: Translator, index: int, wanted: DefType) -> bool:
    """Whether a function can be called directly as one of this type. A profile may name any."""
    return index in t.batch and t.module.types[t.module.functions[index]].extends(wanted)


HANDLERS: dict[str, Handler] = {
    "call": _calling(_named),
    "call_indirect": _call_indirect,
    "call_ref": _call_ref,
    **{f"return_{name}": _leaving(find) for name, find in _CALLEES.items()},
}
"""By instruction name."""
