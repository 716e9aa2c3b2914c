"""Stencils by hand: moves, globals, selections; entering, calling and returning; leaving to a handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vm.errors import TrapCode
from vm.isa.types import ValType
from vm.native.walking import SLACK
from vm.runtime.layout import (
    CONTEXT_MEMORY,
    CONTROL_ENTRY,
    RECORD_CONTEXT,
    RECORD_TYPE,
    TABLE_ELEMENTS,
    TABLE_LENGTH,
)
from vm.tiers.baseline.registers import CONTEXT, CONTROL, FRAME, MACHINE, MEMORY, PASSED, PINS
from vm.tiers.baseline.text import StencilText, number

Write = Callable[[StencilText], None]

I64, F64, F32 = ValType.I64, ValType.F64, ValType.F32


def _move(source: ValType, target: ValType) -> Write:
    def write(b: StencilText) -> None:
        value = b.register(0, source)
        if source is not target:
            value = b.value(
                f"bitcast {'i64' if source is I64 else 'double'} {value} to "
                f"{'i64' if target is I64 else 'double'}"
            )
        b.give(2, target, value)
        b.go_to("next")

    return write


def _load(type: ValType) -> Write:
    def write(b: StencilText) -> None:
        b.give(2, type, b.in_slot(type, "h0"))
        b.go_to("next")

    return write


def _store(type: ValType, place: Callable[[StencilText], str]) -> Write:
    """Whole words: the upper half of an f32's is 0."""

    def write(b: StencilText) -> None:
        value = b.register(0, type)
        if type is F64:
            b.effect(f"store double {value}, ptr {place(b)}, align 8")
        else:
            if type is F32:
                bits = b.value(f"bitcast float {value} to i32")
                value = b.value(f"zext i32 {bits} to i64")
            b.effect(f"store i64 {value}, ptr {place(b)}, align 8")
        b.go_to("next")

    return write


def _slot(b: StencilText) -> str:
    return b.slot_at("h0")


def _cell(b: StencilText) -> str:
    return b.at("%ctx", number("h0"))


def _imported_cell(b: StencilText) -> str:
    return b.load("ptr", _cell(b))


def _get(type: ValType, place: Callable[[StencilText], str]) -> Write:
    def write(b: StencilText) -> None:
        kind = "i64" if type is I64 else "double"
        b.give(2, type, b.value(f"load {kind}, ptr {place(b)}, align 8"))
        b.go_to("next")

    return write


def _constant(hole: str) -> Write:
    def write(b: StencilText) -> None:
        if hole == "pool":
            b.give(2, F64, b.value("load double, ptr @pool, align 8"))
        elif hole == "q0":
            b.give(2, I64, _word(b))
        else:
            b.give(2, I64, number(hole))
        b.go_to("next")

    return write


def _zero(type: ValType) -> Write:
    def write(b: StencilText) -> None:
        b.give(2, type, "0" if type is I64 else "0.0")
        b.go_to("next")

    return write


def _store_constant(b: StencilText) -> None:
    b.effect(f"store i64 {number('h1')}, ptr {b.slot_at('h0')}, align 8")
    b.go_to("next")


def _select(type: ValType) -> Write:
    """A if the condition, the third operand, else b; in a's place."""

    def write(b: StencilText) -> None:
        kind = "i64" if type is I64 else "double"
        condition = b.value(f"icmp ne i32 {b.value('trunc nuw i64 %g11 to i32')}, 0")
        value = f"select i1 {condition}, {kind} {b.register(0, type)}, {kind} {b.register(1, type)}"
        b.give(0, type, b.value(value))
        b.go_to("next")

    return write


def _enter(b: StencilText) -> None:
    end, limit = b.slot_at("h0"), b.at("%cs", -SLACK)
    b.trap_if(b.value(f"icmp ugt ptr {end}, {limit}"), TrapCode.STACK_OVERFLOW)
    b.go_to("next")


def _jump_machine(b: StencilText, handler: str, pc: str, fr: str, ctx: str, cs: str, mem: str) -> None:
    """To what is not a stencil of this function: only the machine's registers count. ``pc`` is an i64."""
    given = {PASSED[0]: pc, FRAME: fr, CONTEXT: ctx, CONTROL: cs, MEMORY: mem}
    b.go_to(handler, b.arguments(given))


def _word(b: StencilText) -> str:
    """The number that hole ``q0`` is."""
    return b.value('call i64 asm "movabsq $1, $0", "=r,i"(ptr @q0)')


def _go(b: StencilText, record: str, *, own: bool = False) -> None:
    """Call the function of a record; of this instance, if it is our ``own``. Holes: the word to come back to,
    the frame's distance; ``taken`` when there is no code.
    """
    code = b.load("ptr", record)
    b.effect(f"br i1 {b.value(f'icmp eq ptr {code}, null')}, label %missing, label %there, !prof !4")
    b.block("missing")
    b.go_to("taken", b.arguments(MACHINE))
    b.block("there")
    entry = b.at("%cs", -CONTROL_ENTRY)
    b.effect(f"store i64 {_word(b)}, ptr {entry}")
    b.effect(f"store ptr %fr, ptr {b.at(entry, 8)}")
    b.effect(f"store ptr %ctx, ptr {b.at(entry, 16)}")
    pc = b.value(f"ptrtoint ptr {code} to i64")
    context = "%ctx" if own else b.load("ptr", b.at(record, RECORD_CONTEXT))
    memory = "%mem" if own else b.load("ptr", b.at(context, CONTEXT_MEMORY))
    _jump_machine(b, b.load("ptr", code), pc, b.slot_at("h0"), context, entry, memory)


def _call(b: StencilText) -> None:
    _go(b, b.at("%ctx", number("h1")), own=True)


def _call_import(b: StencilText) -> None:
    _go(b, b.load("ptr", b.at("%ctx", number("h1"))))


def _call_ref(b: StencilText) -> None:
    reference = b.value(f"inttoptr i64 {b.register(0, I64)} to ptr")
    b.trap_if(b.value(f"icmp eq ptr {reference}, null"), TrapCode.NULL_FUNCTION_REFERENCE)
    _go(b, reference)


def _call_indirect(b: StencilText) -> None:
    """Further holes: where the table is, the type's number."""
    table = b.load("ptr", b.at("%ctx", number("h1")))
    index = b.register(0, I64)
    beyond = b.value(f"icmp uge i64 {index}, {b.load('i64', b.at(table, TABLE_LENGTH))}")
    b.trap_if(beyond, TrapCode.UNDEFINED_ELEMENT)
    elements = b.load("ptr", b.at(table, TABLE_ELEMENTS))
    reference = b.load("ptr", b.value(f"getelementptr i64, ptr {elements}, i64 {index}"))
    b.trap_if(b.value(f"icmp eq ptr {reference}, null"), TrapCode.UNINITIALIZED_ELEMENT)
    found = b.load("i64", b.at(reference, RECORD_TYPE))
    b.trap_if(b.value(f"icmp ne i64 {found}, {number('h2')}"), TrapCode.BAD_SIGNATURE)
    _go(b, reference)


def _count(b: StencilText) -> None:
    """Hole: where the counter is; ``taken`` when it has run out."""
    counter = b.value(f"inttoptr i64 {_word(b)} to ptr")
    left = b.value(f"sub i64 {b.load('i64', counter)}, 1")
    b.effect(f"store i64 {left}, ptr {counter}")
    b.fork(b.value(f"icmp slt i64 {left}, 1"))


def _table_jump(b: StencilText) -> None:
    """Hole: the last index, which stands for all that are greater."""
    index, last = b.register(0, I64), number("h0")
    chosen = b.value(f"select i1 {b.value(f'icmp ult i64 {index}, {last}')}, i64 {index}, i64 {last}")
    table = b.value('call ptr asm "leaq table(%rip), $0", "=r"()')
    place = b.value(f"getelementptr i64, ptr {table}, i64 {chosen}")
    kept = MACHINE | {register: f"%g{register}" for register in PINS}
    b.go_to(b.load("ptr", place), b.arguments(kept, vectors=True))


def _return(b: StencilText) -> None:
    pc = b.load("i64", "%cs")
    fr = b.load("ptr", b.at("%cs", 8))
    context = b.load("ptr", b.at("%cs", 16))
    memory = b.load("ptr", b.at(context, CONTEXT_MEMORY))
    handler = b.load("ptr", b.value(f"inttoptr i64 {pc} to ptr"))
    _jump_machine(b, handler, pc, fr, context, b.at("%cs", CONTROL_ENTRY), memory)


def _leave(b: StencilText) -> None:
    """To a handler, or what traps: hole ``q0`` is the instruction's word."""
    _jump_machine(b, "@taken", _word(b), "%fr", "%ctx", "%cs", "%mem")


WRITERS: dict[str, Write] = {
    "move ii": _move(I64, I64),
    "move ff": _move(F64, F64),
    "move if": _move(I64, F64),
    "move fi": _move(F64, I64),
    "load i": _load(I64),
    "load f": _load(F64),
    "store i": _store(I64, _slot),
    "store f64": _store(F64, _slot),
    "store f32": _store(F32, _slot),
    "store k": _store_constant,
    "const w": _constant("w0"),
    "const q": _constant("q0"),
    "const f": _constant("pool"),
    "zero i": _zero(I64),
    "zero f": _zero(F64),
    "select i": _select(I64),
    "select f": _select(F64),
    "global.get i": _get(I64, _cell),
    "global.get f": _get(F64, _cell),
    "global.get import i": _get(I64, _imported_cell),
    "global.get import f": _get(F64, _imported_cell),
    "global.set i": _store(I64, _cell),
    "global.set f64": _store(F64, _cell),
    "global.set f32": _store(F32, _cell),
    "global.set import i": _store(I64, _imported_cell),
    "global.set import f64": _store(F64, _imported_cell),
    "global.set import f32": _store(F32, _imported_cell),
    "enter": _enter,
    "count": _count,
    "call": _call,
    "call import": _call_import,
    "call_ref": _call_ref,
    "call_indirect": _call_indirect,
    "table jump": _table_jump,
    "jump": lambda b: b.go_to("taken"),
    "return": _return,
    "handler": _leave,
}
"""How each is written, by name."""


def by_hand() -> Iterator[StencilText]:
    """All of them."""
    for name, write in WRITERS.items():
        b = StencilText(name)
        write(b)
        yield b
