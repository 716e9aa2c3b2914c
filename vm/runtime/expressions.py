"""Constant expressions, one instruction at a time (spec 3.4.9 and 4.5.4)."""

from __future__ import annotations

from collections.abc import Callable

from vm.gc.words import i31
from vm.module.instructions import read
from vm.module.model import ConstExpr
from vm.runtime.instance import Instance
from vm.runtime.objects import Array, Struct
from vm.typed import Any

Operands = list[int]
Immediates = tuple[Any, ...]
Meaning = Callable[[Instance, Operands, Immediates], int]
"""Takes its operands off the stack and gives the result."""

_MASK = {"i32": 0xFFFF_FFFF, "i64": 0xFFFF_FFFF_FFFF_FFFF}


def evaluate(instance: Instance, expression: ConstExpr) -> int:
    """As ``vm.runtime.constants.evaluate``."""
    code, at = instance.module.binary, expression.start
    stack: Operands = []
    while True:
        opcode, immediates, at = read(code, at)
        if opcode.name == "end":
            return stack[-1]
        stack.append(MEANINGS[opcode.name](instance, stack, immediates))


def _integer(kind: str) -> Meaning:
    mask = _MASK[kind]
    return lambda instance, stack, immediates: immediates[0] & mask


def _arithmetic(kind: str, operation: Callable[[int, int], int]) -> Meaning:
    mask = _MASK[kind]

    def meaning(instance: Instance, stack: Operands, immediates: Immediates) -> int:
        right = stack.pop()
        return operation(stack.pop(), right) & mask

    return meaning


def _bits(instance: Instance, stack: Operands, immediates: Immediates) -> int:
    bits: int = immediates[0]
    return bits


def _pop_many(stack: Operands, count: int) -> Operands:
    values = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return values


def _struct_new(instance: Instance, stack: Operands, immediates: Immediates) -> int:
    struct = Struct(instance.module.types[immediates[0]])
    return struct.new(instance.store.heap, _pop_many(stack, len(struct.fields)))


def _struct_new_default(instance: Instance, stack: Operands, immediates: Immediates) -> int:
    return Struct(instance.module.types[immediates[0]]).new_default(instance.store.heap)


def _array(instance: Instance, immediates: Immediates) -> Array:
    return Array(instance.module.types[immediates[0]])


def _array_new(instance: Instance, stack: Operands, immediates: Immediates) -> int:
    return _array(instance, immediates).new(instance.store.heap, *_pop_many(stack, 2))


def _array_new_default(instance: Instance, stack: Operands, immediates: Immediates) -> int:
    return _array(instance, immediates).new_default(instance.store.heap, stack.pop())


def _array_new_fixed(instance: Instance, stack: Operands, immediates: Immediates) -> int:
    return _array(instance, immediates).new_fixed(instance.store.heap, _pop_many(stack, immediates[1]))


def _same(instance: Instance, stack: Operands, immediates: Immediates) -> int:
    """Conversions between hierarchies change no bit."""
    return stack.pop()


MEANINGS: dict[str, Meaning] = {
    **{f"{kind}.const": _integer(kind) for kind in _MASK},
    **{f"{kind}.add": _arithmetic(kind, int.__add__) for kind in _MASK},
    **{f"{kind}.sub": _arithmetic(kind, int.__sub__) for kind in _MASK},
    **{f"{kind}.mul": _arithmetic(kind, int.__mul__) for kind in _MASK},
    **dict.fromkeys(("f32.const", "f64.const", "v128.const"), _bits),
    "global.get": lambda instance, stack, immediates: instance.globals[immediates[0]].value,
    "ref.null": lambda instance, stack, immediates: 0,
    "ref.func": lambda instance, stack, immediates: instance.functions[immediates[0]].record,
    "ref.i31": lambda instance, stack, immediates: i31(stack.pop()),
    "any.convert_extern": _same,
    "extern.convert_any": _same,
    "struct.new": _struct_new,
    "struct.new_default": _struct_new_default,
    "array.new": _array_new,
    "array.new_default": _array_new_default,
    "array.new_fixed": _array_new_fixed,
}
"""What the instructions that a constant expression may use mean (``vm.module.kernel.facts.CONSTANT``)."""
