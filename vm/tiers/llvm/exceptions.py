"""Translation of the instructions that throw and catch (``vm.native.unwinding`` says how that works)."""

from __future__ import annotations

from collections.abc import Sequence

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import ValueType
from vm.memory.native import WORD
from vm.module.instructions import block_type
from vm.native.unwinding import RECORD_WORDS
from vm.runtime.layout import STATE_PAYLOAD, STATE_REFERENCE, STATE_TAG
from vm.runtime.words import offsets
from vm.tiers.llvm.control import end
from vm.tiers.llvm.roots import rooted, take_back
from vm.tiers.llvm.text import ENGINE, FIXED
from vm.tiers.llvm.translate import Control, Handler, Translator
from vm.typed import Any


def _payload(t: Translator, tag: int) -> Sequence[ValueType]:
    return t.module.tags[tag].definition.func.params


def _state(t: Translator, offset: int) -> str:
    t.calls = True
    return t.value(f"getelementptr i8, ptr %state, i64 {offset}")


def _words(t: Translator, types: Sequence[ValueType]) -> list[str]:
    """Pointers to the words of a payload."""
    if not types:
        return []
    t.moved(len(types))
    base = t.value(f"load ptr, ptr {_state(t, STATE_PAYLOAD)}{ENGINE}")
    places = zip(types, offsets(types), strict=False)
    return [t.value(f"getelementptr i64, ptr {base}, i64 {at}") for _, at in places]


def _tag(t: Translator, tag: int) -> str:
    return t.value(f"load ptr, ptr {t.field(t.layout.tag_pointer(tag))}{FIXED}")


def _throw(t: Translator, immediates: tuple[Any, ...]) -> bool:
    types = _payload(t, immediates[0])
    values = t.pop_many(len(types))
    for type, value, word in zip(types, values, _words(t, types), strict=True):
        if LLVM_TYPES[type] in ("i32", "float"):
            t.effect(f"store i64 0, ptr {word}{ENGINE}")
        t.effect(f"store {LLVM_TYPES[type]} {value}, ptr {word}, align 4{ENGINE}")
    t.effect(f"store ptr {_tag(t, immediates[0])}, ptr {_state(t, STATE_TAG)}{ENGINE}")
    t.effect(f"store i64 0, ptr {_state(t, STATE_REFERENCE)}{ENGINE}")
    return _leave(t)


def _leave(t: Translator) -> bool:
    t.effect("call void @throw(ptr %ctx)")
    t.effect("unreachable")
    return True


def _throw_reference(t: Translator, reference: str) -> bool:
    t.calls = True
    t.effect(f"call void @throw_ref(ptr %ctx, i64 {reference})")
    t.effect("unreachable")
    return True


def _throw_ref(t: Translator, _: tuple[Any, ...]) -> bool:
    reference = t.pop()
    t.trap_if(t.value(f"icmp eq i64 {reference}, 0"), TrapCode.NULL_EXCEPTION)
    return _throw_reference(t, reference)


def _rethrow(t: Translator, immediates: tuple[Any, ...]) -> bool:
    return _throw_reference(t, t.value(f"load i64, ptr {t.control[-1 - immediates[0]].kept}"))


def _protect(t: Translator, control: Control) -> tuple[str, str, str]:
    """Enter a handler; the labels of where exceptions come out and of the block's code, and the record."""
    record, field = _record(t, len(t.tries)), t.handler_field()
    t.effect(f"store ptr {t.value(f'load ptr, ptr {field}{ENGINE}')}, ptr {record}")
    t.effect(f"store ptr {record}, ptr {field}{ENGINE}")
    again = t.value(f"call i32 @catch_point(ptr {record}) #3")
    caught, body = t.label("caught"), t.label("try")
    t.effect(f"br i1 {t.value(f'icmp eq i32 {again}, 0')}, label %{body}, label %{caught}")
    return caught, body, record


def _record(t: Translator, depth: int) -> str:
    """The record of the handlers at a depth of nesting, of which one is in force at a time."""
    if depth == len(t.records):
        t.records.append(t.slot(f"[{RECORD_WORDS} x i{8 * WORD}]"))
    return t.records[depth]


def _enter(t: Translator, control: Control, body: str, record: str) -> None:
    t.block(body)
    t.tries.append(record)
    control.inside = len(t.tries)


def _propagate(t: Translator) -> None:
    t.effect("call void @rethrow(ptr %state)")
    t.effect("unreachable")


def _when(t: Translator, tag: int | None) -> str | None:
    """Go on where the exception is of ``tag`` (None: of any); the label of where it is not, if it can be."""
    if tag is None:
        return None
    found = t.value(f"load ptr, ptr {_state(t, STATE_TAG)}{ENGINE}")
    match, other = t.label("match"), t.label("other")
    same = t.value(f"icmp eq ptr {found}, {_tag(t, tag)}")
    t.effect(f"br i1 {same}, label %{match}, label %{other}")
    t.block(match)
    return other


def _push_payload(t: Translator, tag: int | None) -> None:
    types = () if tag is None else _payload(t, tag)
    for type, word in zip(types, _words(t, types), strict=True):
        t.push(t.value(f"load {LLVM_TYPES[type]}, ptr {word}, align 4{ENGINE}"), LLVM_TYPES[type])


def _reference(t: Translator) -> str:
    t.calls = True
    with rooted(t):
        return t.value("call i64 @package(ptr %ctx)")


def _try_table(t: Translator, immediates: tuple[Any, ...]) -> None:
    block, clauses = immediates
    control = t.open("try_table", block_type(t.module, block))
    caught, body, record = _protect(t, control)
    t.block(caught)
    take_back(t)
    for clause in clauses:
        other = _when(t, clause.tag)
        _to_label(t, clause.tag, clause.with_ref, t.control[-2 - clause.depth])
        if other is None:
            break
        t.block(other)
    else:
        _propagate(t)
    _enter(t, control, body, record)


def _to_label(t: Translator, tag: int | None, with_ref: bool, target: Control) -> None:
    """Branch with what the exception brings; the operands stay as they are for the code that follows."""
    operands = t.stack[:]
    _push_payload(t, tag)
    if with_ref:
        t.push(_reference(t), "i64")
    target.targeted = True
    t.store_carried(target)
    t.leave_tries(target.protected)
    t.effect(f"br label %{target.label}")
    t.stack = operands


def _try(t: Translator, immediates: tuple[Any, ...]) -> None:
    control = t.open("try", block_type(t.module, immediates[0]))
    control.dispatch, body, record = _protect(t, control)
    _enter(t, control, body, record)


def _catch(t: Translator, immediates: tuple[Any, ...]) -> None:
    tag = immediates[0] if immediates else None
    control = t.control[-1]
    t.fall_through(control)
    unprotect(t, control)
    assert control.dispatch is not None
    t.block(control.dispatch)
    take_back(t)
    control.dispatch = _when(t, tag)
    del t.stack[control.height :]
    _push_payload(t, tag)
    control.kept = ""
    if t.protection.rethrows:
        reference, control.kept = _reference(t), t.slot("i64")
        t.effect(f"store i64 {reference}, ptr {control.kept}")


def unprotect(t: Translator, control: Control) -> None:
    """The handler of ``control`` is not in force in the code that follows."""
    del t.tries[control.protected :]
    control.inside = control.protected


def _delegate(t: Translator, immediates: tuple[Any, ...]) -> bool:
    control, target = t.control[-1], t.control[-2 - immediates[0]]
    t.fall_through(control)
    unprotect(t, control)
    assert control.dispatch is not None
    t.block(control.dispatch)
    take_back(t)
    t.leave_tries(target.inside)
    _propagate(t)
    return t.close()


def _end(t: Translator, immediates: tuple[Any, ...]) -> bool:
    """``end``, of any block."""
    control = t.control[-1]
    if control.kind in ("try", "try_table"):
        t.fall_through(control)
        unprotect(t, control)
        if control.dispatch is not None:
            t.block(control.dispatch)
            _propagate(t)
        return t.close()
    return end(t)


HANDLERS: dict[str, Handler] = {
    "throw": _throw,
    "throw_ref": _throw_ref,
    "rethrow": _rethrow,
    "try": _try,
    "try_table": _try_table,
    "catch": _catch,
    "catch_all": _catch,
    "delegate": _delegate,
    "end": _end,
}
"""By instruction name."""
