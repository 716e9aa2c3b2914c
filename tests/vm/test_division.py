"""Division by constants: a tier that prepares code for any constant must still look at this one."""

from __future__ import annotations

import pytest

from tests.vm.engines import call, instance, store
from vm.errors import Trap, TrapCode
from vm.tiers import TIERS

DIVISORS = (0, 1, -1, 2, 77, -(1 << 31), (1 << 31) - 1)
DIVIDENDS = (0, 5, -7, -(1 << 31), (1 << 31) - 1)


def function(type: str, name: str, divisor: int) -> str:
    return f"""(func (export "{name} {divisor}") (param {type}) (result {type})
      ({type}.{name} (local.get 0) ({type}.const {divisor})))"""


def expected(name: str, x: int, y: int, bits: int) -> int | TrapCode:
    """What Python's integers say, as a bit pattern."""
    mask = (1 << bits) - 1
    if y == 0:
        return TrapCode.INTEGER_DIVISION_BY_ZERO
    if name.endswith("_u"):
        quotient, rest = divmod(x & mask, y & mask)
        return quotient if name == "div_u" else rest
    quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
    if name == "rem_s":
        return (x - quotient * y) & mask
    return quotient & mask if quotient < 1 << (bits - 1) else TrapCode.INTEGER_OVERFLOW


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("bits", [32, 64])
def test_every_division_by_a_constant(tier: str, bits: int) -> None:
    names = ("div_s", "div_u", "rem_s", "rem_u")
    functions = [function(f"i{bits}", name, divisor) for name in names for divisor in DIVISORS]
    made = instance(store(tier), f"(module {''.join(functions)})")
    for name in names:
        for divisor in DIVISORS:
            for dividend in DIVIDENDS:
                found: int | TrapCode | None
                try:
                    (found,) = call(made, f"{name} {divisor}", dividend & ((1 << bits) - 1))
                except Trap as trap:
                    found = trap.trap_code
                assert found == expected(name, dividend, divisor, bits), (name, dividend, divisor)
