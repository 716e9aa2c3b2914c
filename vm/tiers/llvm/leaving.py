"""Code that leaves its function in the middle, for the machine to go on (``vm.tiers.llvm.speculation``)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES, TracedType
from vm.isa.opcodes import BY_CODE
from vm.isa.types import FuncType
from vm.memory.native import WORD
from vm.native.walking import SLACK
from vm.runtime.layout import STATE_CONTROL, STATE_FRAMES, STATE_POINTS, STATE_TAIL
from vm.runtime.references import traced
from vm.tiers.llvm.abi import (
    CONVENTION,
    called_by_machine,
    resume_symbol,
    returning,
    signature,
    word_loads,
    words_of,
)
from vm.tiers.llvm.runtime_help import request
from vm.tiers.llvm.text import ENGINE
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any

_MOST_WORDS = 256
"""Of a frame, where code can be left: more would be stored at each such place."""


def can_leave(t: Translator, at: int) -> bool:
    """Whether code can be left in front of the instruction at ``at``: what it expects there has not failed,
    the frame is not too big, and no legacy ``try`` keeps an exception, for which machine and compiled code
    have different places.
    """
    if t.speculation is None or at in t.speculation.avoid or any(control.kept for control in t.control):
        return False
    return t.local_slots[-1] + t.kept_slots + 2 * len(t.stack) <= _MOST_WORDS


def leave_at(t: Translator, at: int, operands: Sequence[tuple[str, str]]) -> None:
    """Emit the end of a block: leave in front of the instruction at ``at``, where these are the operands."""
    assert t.speculation is not None  # somebody has asked can_leave
    stack, t.stack = t.stack, list(operands)
    where = (t.index, at, t.speculation.root, t.speculation.loop)
    needed = t.locals_needed(at)  # in front of the instruction: more than behind it, which is rooted anyway
    held = [(t.local_value(i), LLVM_TYPES[t.local_types[i]]) for i in needed if traced(t.local_types[i])]
    record = request(t, "leave", where, (), result="i64", held=held)
    t.leave_tries(0)
    t.needs_state = True
    end = t.value(f"load ptr, ptr {_state(t, STATE_FRAMES)}{ENGINE}")
    slots = list(_slots(t, needed))
    words = max((slot + words_of(type) for slot, type, _ in slots), default=0)
    control = t.value(f"load ptr, ptr {_state(t, STATE_CONTROL)}{ENGINE}")
    behind = t.value(f"getelementptr i8, ptr {end}, i64 {words * WORD + SLACK}")
    t.trap_if(t.value(f"icmp ugt ptr {behind}, {control}"), TrapCode.STACK_OVERFLOW)
    for slot, type, value in slots:
        _store(t, t.value(f"getelementptr i64, ptr {end}, i64 {slot}"), type, value)
    t.stack = stack
    t.go_on(record)


def _state(t: Translator, offset: int) -> str:
    return t.value(f"getelementptr i8, ptr %state, i64 {offset}")


def _slots(t: Translator, needed: Collection[int]) -> Iterator[tuple[int, str, str]]:
    """What the machine's frame holds: slots, IR types, values. Locals that are not needed are left out, or 0
    where the collector looks.
    """
    places = t.local_slots
    for index, type in enumerate(t.local_types):
        held = LLVM_TYPES[type]
        if index in needed:
            yield places[index], held, t.local_value(index)
        elif isinstance(held, TracedType):
            yield places[index], "i64", "0"
    slot = places[-1]
    for _ in range(t.kept_slots):
        yield slot, "i64", "0"
        slot += 1
    for name, held in t.stack:
        value = t.held(name, held)
        if held == "i1":
            yield slot, "i64", t.value(f"zext i1 {value} to i64")
        else:
            yield slot, held, value
        slot += words_of(held)


def _store(t: Translator, pointer: str, type: str, value: str) -> None:
    """A whole word, or two."""
    if type == "float":
        value, type = t.value(f"bitcast float {value} to i32"), "i32"
    if type == "i32":
        value, type = t.value(f"zext i32 {value} to i64"), "i64"
    t.effect(f"store {type} {value}, ptr {pointer}, align {WORD}")


# what goes on in the place of the function


def resume_ir(type: FuncType) -> str:
    """``resume_T(ctx, record)``: runs the record's code on the frame that lies at the value stack's end.

    Where the machine has called the function that leaves, and nobody is in between, it goes on with the
    record itself, as with that of a tail call (``lend_T`` in ``vm.tiers.llvm.thunks``).
    """
    form, name = signature(FuncType((), type.results)), resume_symbol(type.results)
    loads, values = word_loads(type.results, "%frame", "result")
    lines = [
        f"define {CONVENTION} {form.result} @{name}(ptr %ctx, i64 %record) #0 noinline {{",
        "  %state = load ptr, ptr %ctx",
        f"  %end_field = getelementptr i8, ptr %state, i64 {STATE_FRAMES}",
        f"  %frame = load ptr, ptr %end_field{ENGINE}",
        *called_by_machine(),
        "  br i1 %in_place, label %hand_over, label %run",
        "hand_over:",
        f"  %tail_field = getelementptr i8, ptr %state, i64 {STATE_TAIL}",
        "  store i64 %record, ptr %tail_field",
        "  ret void" if form.result == "void" else f"  ret {form.result} zeroinitializer",
        "run:",
        "  %code_field = inttoptr i64 %record to ptr",
        "  %code = load ptr, ptr %code_field",
        "  call void @interpret(ptr %code, ptr %ctx, ptr %frame)",
        *loads,
        *returning(form, values),
    ]
    return "\n".join([*lines, "}\n"])


# safe points, for tests

_POINTS = frozenset(
    {"if", "br_if", "br_table", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail"}
)
_POINTS |= {"call", "call_indirect", "call_ref", "return_call", "return_call_indirect", "return_call_ref"}
_POINTS |= {"ref.test", "ref.test_null", "ref.cast", "ref.cast_null"}


_TINY = 16
"""Bytes of a body below which there is no point at its start: of such functions tests have thousands."""


def counting_points(handlers: Mapping[int, Handler]) -> dict[int, Handler]:
    """``handlers`` that count safe points, too: starts of functions and loops, and where a guard may be."""
    return {code: _counting(BY_CODE[code].name, handler) for code, handler in handlers.items()}


def _counting(name: str, handler: Handler) -> Handler:
    def translate(t: Translator, immediates: tuple[Any, ...]) -> bool | None:
        if name in _POINTS or (t.here == t.body.start and t.body.end - t.here >= _TINY):
            _point(t, t.here)
        dead = handler(t, immediates)
        if name == "loop":
            _point(t, t.next)
        return dead

    return translate


def _point(t: Translator, at: int) -> None:
    """Leave if this is the last point that may be passed."""
    if not can_leave(t, at):
        return
    t.needs_state = True
    field = _state(t, STATE_POINTS)
    left = t.value(f"sub i64 {t.value(f'load i64, ptr {field}{ENGINE}')}, 1")
    t.effect(f"store i64 {left}, ptr {field}{ENGINE}")
    leave, stay = t.label("leave"), t.label("stay")
    t.effect(f"br i1 {t.value(f'icmp eq i64 {left}, 0')}, label %{leave}, label %{stay}, !prof !4")
    t.block(leave)
    leave_at(t, at, t.stack)
    t.block(stay)
