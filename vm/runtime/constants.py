"""Constant expressions: initialisers of globals, element and data segments (spec 3.4.9 and 4.5.4)."""

from __future__ import annotations

from collections.abc import Callable

from vm.module.instructions import read
from vm.module.model import ConstExpr
from vm.runtime.instance import Instance

_MASK = {"i32": 0xFFFF_FFFF, "i64": 0xFFFF_FFFF_FFFF_FFFF}

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "add": int.__add__,
    "sub": int.__sub__,
    "mul": int.__mul__,
}


def evaluate(instance: Instance, expression: ConstExpr) -> int:
    """The bit pattern that a validated constant expression gives in ``instance``.

    Globals it reads, and functions it refers to, must exist in the instance's lists already.
    """
    code, at = instance.module.binary, expression.start
    stack: list[int] = []
    while at < expression.end:
        opcode, immediates, at = read(code, at)
        match opcode.name.split("."):
            case ["end"]:
                break
            case ["global", "get"]:
                stack.append(instance.globals[immediates[0]].value)
            case ["ref", "null"]:
                stack.append(0)
            case ["ref", "func"]:
                stack.append(instance.functions[immediates[0]].record)
            case ["i32" | "i64" as kind, "const"]:
                stack.append(immediates[0] & _MASK[kind])
            case ["f32" | "f64" | "v128", "const"]:
                stack.append(immediates[0])
            case ["i32" | "i64" as kind, operation]:
                right = stack.pop()
                stack.append(_ARITHMETIC[operation](stack.pop(), right) & _MASK[kind])
    return stack[-1]
