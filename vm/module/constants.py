"""Validation of constant expressions: globals' initialisers, offsets and items of segments (spec 3.3.10)."""

from __future__ import annotations

from vm.errors import ValidationError
from vm.isa.matching import matches
from vm.isa.opcodes import Opcode
from vm.isa.types import RefType, ValueType
from vm.module.instructions import read
from vm.module.limits import MAX_CONSTANT_STACK
from vm.module.model import ConstExpr, ModuleData

_CONSTANT = frozenset({"i32.const", "i64.const", "f32.const", "f64.const", "v128.const"})
_ARITHMETIC = frozenset({f"{kind}.{op}" for kind in ("i32", "i64") for op in ("add", "sub", "mul")})


def check_constant(
    module: ModuleData, expression: ConstExpr, wanted: ValueType, globals_in_scope: int
) -> None:
    """Raise ``ValidationError`` unless the expression is constant and gives one ``wanted``.

    It may read immutable globals with an index below ``globals_in_scope``.
    """
    stack: list[ValueType] = []
    at = expression.start
    while True:
        opcode, immediates, next_at = read(module.binary, at)
        if opcode.name == "end":
            break
        _step(module, opcode, immediates, at, stack, globals_in_scope)
        at = next_at
    if len(stack) != 1 or not matches(stack[0], wanted):
        found = " ".join(map(str, stack)) or "nothing"
        raise ValidationError(
            "type mismatch", expression.start, f"expected {wanted}, the expression gives {found}"
        )


def _step(
    module: ModuleData,
    opcode: Opcode,
    immediates: tuple[int, ...] | tuple[RefType],
    at: int,
    stack: list[ValueType],
    globals_in_scope: int,
) -> None:
    """One instruction of a constant expression, on the stack of types."""
    immediate = immediates[0] if immediates else None
    if opcode.name in _ARITHMETIC or opcode.name in _CONSTANT:
        assert opcode.type is not None
        _apply(opcode, at, stack)
    elif opcode.name == "ref.null" and isinstance(immediate, RefType):
        if isinstance(immediate.heap, int) and immediate.heap >= len(module.types):
            raise ValidationError(f"unknown type {immediate.heap}", at, f"there are {len(module.types)}")
        stack.append(module.value_type(immediate))
    elif opcode.name == "ref.func" and isinstance(immediate, int):
        if immediate >= len(module.functions):
            raise ValidationError(f"unknown function {immediate}", at, f"there are {len(module.functions)}")
        stack.append(RefType(module.types[module.functions[immediate]], False))
    elif opcode.name == "global.get" and isinstance(immediate, int):
        stack.append(_global(module, immediate, at, globals_in_scope))
    else:
        raise ValidationError("constant expression required", at, f"{opcode} is not constant")
    if len(stack) > MAX_CONSTANT_STACK:
        raise ValidationError("constant expression required", at, f"more than {MAX_CONSTANT_STACK} operands")


def _apply(opcode: Opcode, at: int, stack: list[ValueType]) -> None:
    assert opcode.type is not None
    for want in reversed(opcode.type.params):
        if not stack or stack.pop() is not want:
            raise ValidationError("type mismatch", at, f"{opcode}: expected {want}")
    stack.extend(opcode.type.results)


def _global(module: ModuleData, index: int, at: int, globals_in_scope: int) -> ValueType:
    if index >= globals_in_scope:
        raise ValidationError(f"unknown global {index}", at, f"{globals_in_scope} can be used here")
    variable = module.globals[index]
    if variable.mutable:
        raise ValidationError("constant expression required", at, f"global {index} is mutable")
    return variable.content
