"""Which stencils there are: forms of the instructions whose meanings are functions of one or two operands.

Where operands are, by letter: ``r`` a register, ``m`` a frame slot, ``k`` a constant.

    i32.add rr2, rm2, rk2     the result takes the place of the first operand, which is in a register
    i32.add rr3, rm3, rk3     the result is in another register
    i32.clz r3, m3            one operand
    i32.lt_s if rr, rm, rk    jump when it holds (``unless``: when it does not); ``i32.eqz if r``
    i32.load guard r3         address in a register; ``checked`` is the other mode of memory 0
    i32.store guard rr, rk    address in a register, value
"""

from __future__ import annotations

from collections.abc import Iterator

from vm.isa.emit import Semantics
from vm.isa.opcodes import OPCODES, Immediate, Opcode
from vm.isa.semantics import SEMANTICS
from vm.isa.types import ValType, ValueType
from vm.tiers.baseline.text import FLOATS, StencilText, number

SCALARS = (ValType.I32, ValType.I64, ValType.F32, ValType.F64)
MODES = ("guard", "checked")

SAMPLES = (0x12345679, 0x2345678B)
"""Constants that no instruction selection takes for special ones."""


def covered(opcode: Opcode) -> bool:
    """Whether an instruction has stencils of its own."""
    if opcode.type is None or opcode.name not in SEMANTICS or "atomic" in opcode.name:
        return False
    types = (*opcode.type.params, *opcode.type.results)
    if opcode.immediate not in (Immediate.NONE, Immediate.MEMARG) or len(opcode.type.results) > 1:
        return False
    return len(opcode.type.params) in (1, 2) and all(type in SCALARS for type in types)


def derived() -> Iterator[StencilText]:
    """The stencils that follow from the opcode table and the meanings."""
    for opcode in OPCODES:
        if not covered(opcode):
            continue
        semantics = SEMANTICS[opcode.name]
        assert opcode.type is not None
        if opcode.access:
            for mode in MODES:
                yield from _accesses(opcode, semantics, mode)
        elif len(opcode.type.params) == 1:
            yield from _unary(opcode, semantics)
        else:
            yield from _binary(opcode, semantics)


def _operand(b: StencilText, where: str, place: int, type: ValueType) -> str:
    assert isinstance(type, ValType)
    if where == "r":
        return b.register(place, type)
    return b.in_slot(type, "h0") if where == "m" else b.constant(type)


def _finish(b: StencilText, place: int, type: ValueType, value: str, *, condition: bool) -> StencilText:
    assert isinstance(type, ValType)
    b.give(place, type, value, condition=condition)
    b.go_to("next")
    return b


def _unary(opcode: Opcode, semantics: Semantics) -> Iterator[StencilText]:
    assert opcode.type is not None
    (param,), (result,) = opcode.type.params, opcode.type.results
    for where in "rm":
        b = StencilText(f"{opcode.name} {where}3")
        value = semantics.emit(b, _operand(b, where, 0, param))
        yield _finish(b, 2, result, value, condition=semantics.condition)
    if semantics.condition:
        for sense in ("if", "unless"):
            for where in "rm":
                b = StencilText(f"{opcode.name} {sense} {where}")
                _fork(b, semantics.emit(b, _operand(b, where, 0, param)), sense)
                yield b


def _binary(opcode: Opcode, semantics: Semantics) -> Iterator[StencilText]:
    assert opcode.type is not None
    x_type, y_type = opcode.type.params
    (result,) = opcode.type.results
    samples = (None,) if semantics.condition or y_type in FLOATS else (*SAMPLES, None)
    for where in "rmk":
        for form in "3" if semantics.condition else "23":
            for sample in samples if where == "k" else (None,):
                b = StencilText(f"{opcode.name} r{where}{form}", sample=sample)
                x, y = b.register(0, x_type), _operand(b, where, 1, y_type)  # type: ignore[arg-type]
                value = semantics.emit(b, x, y)
                if sample is not None and b.may_trap:  # that depends on the constant: LLVM would decide it
                    continue
                yield _finish(b, 2 if form == "3" else 0, result, value, condition=semantics.condition)
        for sense in ("if", "unless") if semantics.condition else ():
            b = StencilText(f"{opcode.name} {sense} r{where}")
            x, y = b.register(0, x_type), _operand(b, where, 1, y_type)  # type: ignore[arg-type]
            _fork(b, semantics.emit(b, x, y), sense)
            yield b


def _fork(b: StencilText, condition: str, sense: str) -> None:
    b.fork(condition if sense == "if" else b.value(f"xor i1 {condition}, true"))


def _accesses(opcode: Opcode, semantics: Semantics, mode: str) -> Iterator[StencilText]:
    assert opcode.type is not None
    params, results = opcode.type.params, opcode.type.results
    guarded = mode == "guard"
    if results:
        b = StencilText(f"{opcode.name} {mode} r3", guarded=guarded)
        value = semantics.emit(b, b.register(0, ValType.I32), number("h0"), "")
        yield _finish(b, 2, results[0], value, condition=False)
        return
    value_type = params[1]
    assert isinstance(value_type, ValType)
    for where in "r" if value_type in FLOATS else "rk":
        b = StencilText(f"{opcode.name} {mode} r{where}", guarded=guarded)
        address = b.register(0, ValType.I32)
        if where == "r":
            value = b.register(1, value_type)
        elif value_type is ValType.I32:
            value = "ptrtoint (ptr @w0 to i32)"
        else:
            value = number("h1")
        semantics.emit(b, address, value, number("h0"), "")
        b.go_to("next")
        yield b
