"""The values of constant expressions, nearly all of them numbers (the rest: ``vm.runtime.expressions``)."""

from __future__ import annotations

from vm.module.model import ConstExpr
from vm.module.value_types import read_number
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.runtime.instance import Instance


def evaluate(instance: Instance, expression: ConstExpr) -> int:
    """The bit pattern that a validated constant expression gives in ``instance``.

    Globals it reads, and functions it refers to, must exist in the instance's lists already.
    """
    number = read_number(instance.module.binary, expression.start)
    if number is not None:
        return number[0] & 0xFFFF_FFFF
    from vm.runtime import expressions  # with the opcode table

    return expressions.evaluate(instance, expression)
