"""Handlers that follow from the opcode table and the instructions' meanings (``vm.isa.semantics``).

One instruction gets several handlers, by where its operands are. Names and operands:

    i32.add             fields: result, operands...      all operands in slots
    i32.add k           fields: result, operand; word    the last operand is in the instruction
    i32.lt_s if         fields: operands..., distance    jump when it holds (``unless``: when it does not)
    i32.lt_s if k       fields: operand, distance; word
    i32.load guard      fields: result, address; word    the offset; ``checked`` is the other mode of memory 0
    i32.store guard k   fields: address; words           offset and value
    i32.load any        one more field                   where the context has the base: any memory
    i8x16.shuffle       as above, with immediates in fields behind the operands

Distances are bytes from the start of the instruction.
"""

from __future__ import annotations

from collections.abc import Iterator

from vm.isa.emit import LLVM_TYPES, Semantics
from vm.isa.opcodes import OPCODES, Immediate, Opcode
from vm.isa.semantics import SEMANTICS
from vm.isa.types import ValType, ValueType
from vm.tiers.threaded.text import HandlerText, size

MODES = ("guard", "checked", "any")
"""How memory is accessed: memory 0 of 32 bits as the knob ``memory_guard`` says, and any memory."""

_IMMEDIATES = {
    Immediate.NONE: 0,
    Immediate.FENCE: 0,
    Immediate.MEMARG: 0,
    Immediate.LANE: 1,
    Immediate.MEMARG_LANE: 1,
}
"""How many small immediates of these kinds travel in fields."""

_SCALARS = (ValType.I32, ValType.I64, ValType.F32, ValType.F64)


def derivable(opcode: Opcode) -> bool:
    """Whether its handlers are made here."""
    return opcode.type is not None and opcode.name in SEMANTICS and opcode.immediate in _IMMEDIATES


def takes_constant(opcode: Opcode) -> bool:
    """Whether there is a form with the last operand in the instruction."""
    if not derivable(opcode):
        return False
    assert opcode.type is not None
    if len(opcode.type.results) != (0 if opcode.access else 1):
        return False
    return len(opcode.type.params) == 2 and all(type in _SCALARS for type in opcode.type.params)


def handlers() -> Iterator[HandlerText]:
    """All of them."""
    for opcode in OPCODES:
        if not derivable(opcode):
            continue
        semantics = SEMANTICS[opcode.name]
        constants = (False, True) if takes_constant(opcode) else (False,)
        for constant in constants:
            if opcode.access:
                yield from (_access(opcode, semantics, mode, constant) for mode in MODES)
                continue
            yield _plain(opcode, semantics, constant)
            if semantics.condition:
                yield from (_branch(opcode, semantics, sense, constant) for sense in ("if", "unless"))


def _constant(b: HandlerText, type: ValueType, offset: int) -> str:
    """The operand in the instruction's word."""
    return b.load(LLVM_TYPES[type], b.at("%pc", offset))


def _name(*parts: str | bool) -> str:
    return " ".join("k" if part is True else part for part in parts if part)


def _plain(opcode: Opcode, semantics: Semantics, constant: bool) -> HandlerText:
    assert opcode.type is not None
    params, results = opcode.type.params, opcode.type.results
    b = HandlerText(_name(opcode.name, constant))
    in_slots = params[:-1] if constant else params
    fields = 1 + len(in_slots)
    operands = [b.read(1 + i, type) for i, type in enumerate(in_slots)]
    if constant:
        operands.append(_constant(b, params[-1], size(fields)))
    lanes = _IMMEDIATES[opcode.immediate]
    operands += [b.field(fields + i) for i in range(lanes)]
    result = semantics.emit(b, *_narrow(b, operands, lanes))
    _write_results(b, results, result, condition=semantics.condition)
    b.next(size(fields + lanes, int(constant)))
    return b


def _narrow(b: HandlerText, operands: list[str], lanes: int) -> list[str]:
    """Lane numbers as i32, which is how meanings write them."""
    split = len(operands) - lanes
    return operands[:split] + [b.value(f"trunc i64 {lane} to i32") for lane in operands[split:]]


def _write_results(b: HandlerText, results: tuple[ValueType, ...], result: str, *, condition: bool) -> None:
    if not results:
        return
    if len(results) == 1:
        b.write(0, results[0], result, condition=condition)
    else:  # an i128 with the first result in its low half
        b.effect(f"store i128 {result}, ptr {b.slot(0)}, align 8")


def _branch(opcode: Opcode, semantics: Semantics, sense: str, constant: bool) -> HandlerText:
    assert opcode.type is not None
    params = opcode.type.params
    b = HandlerText(_name(opcode.name, sense, constant))
    in_slots = params[:-1] if constant else params
    fields = len(in_slots) + 1
    operands = [b.read(i, type) for i, type in enumerate(in_slots)]
    if constant:
        operands.append(_constant(b, params[-1], size(fields)))
    distance = b.value(f"sext i32 {b.load('i32', b.at('%pc', 8 + 4 * len(in_slots)))} to i64")
    condition = semantics.emit(b, *operands)
    b.length = length = size(fields, int(constant))
    ways = (distance, str(length)) if sense == "if" else (str(length), distance)
    b.effect(f"br i1 {condition}, label %holds, label %fails")
    for label, way in zip(("holds", "fails"), ways, strict=True):
        b.block(label)
        b.go(b.at("%pc", way))
    return b


def _access(opcode: Opcode, semantics: Semantics, mode: str, constant: bool) -> HandlerText:
    b = HandlerText(_name(opcode.name, mode, constant), guarded=mode == "guard")
    type = opcode.at(ValType.I64 if mode == "any" else ValType.I32)
    first = len(type.results)  # the result's field comes first, if there is one
    in_slots = type.params[:-1] if constant else type.params
    lanes = _IMMEDIATES[opcode.immediate]
    place = first + len(in_slots) + lanes
    fields = place + (mode == "any")
    operands = [b.read(first + i, type) for i, type in enumerate(in_slots)]
    if constant:
        operands.append(_constant(b, type.params[-1], size(fields, 1)))
    lane = [b.value(f"trunc i64 {b.field(place - 1)} to i32")] if lanes else []
    memory = b.load("ptr", b.at("%ctx", b.field(place))) if mode == "any" else ""
    result = semantics.emit(b, *operands, b.word(size(fields)), memory, *lane)
    if type.results:
        b.write(0, type.results[0], result)
    b.next(size(fields, 1 + constant))
    return b
