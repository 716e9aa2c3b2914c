"""Which function translates which instruction: one table, from the opcode table and its meanings."""

from __future__ import annotations

from vm.isa.emit import LLVM_TYPES
from vm.isa.opcodes import BY_NAME, OPCODES, Immediate, Opcode
from vm.isa.semantics import SEMANTICS, constant
from vm.isa.types import ValType
from vm.tiers.llvm import (
    arrays,
    atomics,
    calls,
    casts,
    control,
    exceptions,
    memory,
    objects,
    references,
    state,
)
from vm.tiers.llvm.translate import Handler, Translator
from vm.typed import Any


def numeric(opcode: Opcode) -> Handler:
    """The handler of an instruction whose meaning is in ``SEMANTICS`` and whose type is fixed."""
    assert opcode.type is not None
    semantics, count = SEMANTICS[opcode.name], len(opcode.type.params)
    emit = semantics.emit
    results = [LLVM_TYPES[type] for type in opcode.type.results]
    type = "i1" if semantics.condition else (results[0] if results else "")

    def unary(t: Translator, _: tuple[Any, ...]) -> None:
        t.push(emit(t, t.pop()), type)

    def binary(t: Translator, _: tuple[Any, ...]) -> None:
        y = t.pop()
        t.push(emit(t, t.pop(), y), type)

    def load(t: Translator, immediates: tuple[Any, ...]) -> None:
        t.push(emit(t, t.pop(), immediates[1], immediates[2]), type)

    def store(t: Translator, immediates: tuple[Any, ...]) -> None:
        value = t.pop()
        emit(t, t.pop(), value, immediates[1], immediates[2])

    def general(t: Translator, immediates: tuple[Any, ...]) -> None:
        result = emit(t, *t.pop_many(count), *immediates[skipped:])
        if type:
            t.push(result, type)

    def wide(t: Translator, _: tuple[Any, ...]) -> None:
        both = emit(t, *t.pop_many(count))
        t.push(t.value(f"trunc i128 {both} to i64"), "i64")
        high = t.value(f"lshr i128 {both}, 64")
        t.push(t.value(f"trunc i128 {high} to i64"), "i64")

    if len(results) > 1:
        return wide
    if opcode.immediate is Immediate.MEMARG and not opcode.is_atomic:
        return store if opcode.is_store else load
    skipped = 1 if opcode.access else 0  # the alignment, which is only a hint
    if opcode.immediate is not Immediate.NONE or count > 2:
        return general
    return unary if count == 1 else binary


def _constant(type: ValType) -> Handler:
    held = LLVM_TYPES[type]
    if type in (ValType.F32, ValType.F64):
        return lambda t, immediates: t.push(t.hidden(held, constant(type, immediates[0])), held)
    return lambda t, immediates: t.push(constant(type, immediates[0]), held)


_PLAIN: dict[str, Handler] = {
    "nop": Translator.nop_op,
    "drop": Translator.drop_op,
    "select": Translator.select_op,
    "select_t": Translator.select_op,
    "local.get": Translator.local_get_op,
    "local.set": Translator.local_set_op,
    "local.tee": Translator.local_tee_op,
    "i32.const": _constant(ValType.I32),
    "i64.const": _constant(ValType.I64),
    "f32.const": _constant(ValType.F32),
    "f64.const": _constant(ValType.F64),
    "v128.const": _constant(ValType.V128),
}

HANDLERS: dict[int, Handler] = {
    opcode.code: numeric(opcode) for opcode in OPCODES if opcode.name in SEMANTICS
}
"""Handlers by opcode number."""

for _table in (
    _PLAIN,
    control.HANDLERS,
    calls.HANDLERS,
    memory.HANDLERS,
    atomics.HANDLERS,
    state.HANDLERS,
    references.HANDLERS,
    objects.HANDLERS,
    arrays.HANDLERS,
    casts.HANDLERS,
    exceptions.HANDLERS,
):
    HANDLERS |= {BY_NAME[name].code: handler for name, handler in _table.items()}
