"""What integer instructions mean (spec 4.3.2), on unsigned Python integers of the right width."""

from __future__ import annotations

from collections.abc import Callable

from vm.errors import Trap, TrapCode

Meaning = Callable[..., int]
"""Operands in stack order to a result, all as bit patterns; raises ``Trap`` where the result is undefined."""


def signed(value: int, bits: int) -> int:
    """The two's complement reading of a bit pattern."""
    return value - (1 << bits) if value >> (bits - 1) else value


def integer_meanings(prefix: str, bits: int) -> dict[str, Meaning]:
    """All instructions that work on integers of one width: ``prefix`` is "i32" or "i64"."""
    meanings = {
        **_arithmetic(bits),
        **_division(bits),
        **_bitwise(bits),
        **_counting(bits),
        **_comparisons(bits),
        **_extensions(bits),
    }
    return {f"{prefix}.{name}": meaning for name, meaning in meanings.items()}


def _arithmetic(bits: int) -> dict[str, Meaning]:
    mask = (1 << bits) - 1
    return {
        "add": lambda a, b: (a + b) & mask,
        "sub": lambda a, b: (a - b) & mask,
        "mul": lambda a, b: (a * b) & mask,
    }


def _division(bits: int) -> dict[str, Meaning]:
    """Division rounds towards zero, and a remainder has the dividend's sign; Python's do neither."""
    mask = (1 << bits) - 1
    limit = 1 << (bits - 1)

    def div_s(a: int, b: int) -> int:
        _check_divisor(b)
        x, y = signed(a, bits), signed(b, bits)
        quotient = abs(x) // abs(y)
        if (x < 0) != (y < 0):
            quotient = -quotient
        if quotient == limit:
            raise Trap(TrapCode.INTEGER_OVERFLOW)
        return quotient & mask

    def div_u(a: int, b: int) -> int:
        _check_divisor(b)
        return a // b

    def rem_s(a: int, b: int) -> int:
        _check_divisor(b)
        x = signed(a, bits)
        remainder = abs(x) % abs(signed(b, bits))
        return (-remainder if x < 0 else remainder) & mask

    def rem_u(a: int, b: int) -> int:
        _check_divisor(b)
        return a % b

    return {"div_s": div_s, "div_u": div_u, "rem_s": rem_s, "rem_u": rem_u}


def _check_divisor(divisor: int) -> None:
    if divisor == 0:
        raise Trap(TrapCode.INTEGER_DIVISION_BY_ZERO)


def _bitwise(bits: int) -> dict[str, Meaning]:
    """Shift and rotation counts are taken modulo the width."""
    mask = (1 << bits) - 1

    def rotl(a: int, b: int) -> int:
        count = b % bits
        return (a << count | a >> (bits - count)) & mask

    return {
        "and": lambda a, b: a & b,
        "or": lambda a, b: a | b,
        "xor": lambda a, b: a ^ b,
        "shl": lambda a, b: (a << (b % bits)) & mask,
        "shr_u": lambda a, b: a >> (b % bits),
        "shr_s": lambda a, b: (signed(a, bits) >> (b % bits)) & mask,
        "rotl": rotl,
        "rotr": lambda a, b: rotl(a, bits - b % bits),
    }


def _counting(bits: int) -> dict[str, Meaning]:
    return {
        "clz": lambda a: bits - a.bit_length(),
        "ctz": lambda a: (a & -a).bit_length() - 1 if a else bits,
        "popcnt": lambda a: a.bit_count(),
    }


def _comparisons(bits: int) -> dict[str, Meaning]:
    return {
        "eqz": lambda a: int(a == 0),
        "eq": lambda a, b: int(a == b),
        "ne": lambda a, b: int(a != b),
        "lt_u": lambda a, b: int(a < b),
        "gt_u": lambda a, b: int(a > b),
        "le_u": lambda a, b: int(a <= b),
        "ge_u": lambda a, b: int(a >= b),
        "lt_s": lambda a, b: int(signed(a, bits) < signed(b, bits)),
        "gt_s": lambda a, b: int(signed(a, bits) > signed(b, bits)),
        "le_s": lambda a, b: int(signed(a, bits) <= signed(b, bits)),
        "ge_s": lambda a, b: int(signed(a, bits) >= signed(b, bits)),
    }


def _extensions(bits: int) -> dict[str, Meaning]:
    def extend(width: int) -> Meaning:
        low, mask = (1 << width) - 1, (1 << bits) - 1
        return lambda a: signed(a & low, width) & mask

    return {f"extend{width}_s": extend(width) for width in (8, 16, 32) if width < bits}
