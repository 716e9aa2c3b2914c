"""What vector instructions mean (spec 4.3.5): the scalar meanings, lane by lane, on 128-bit patterns.

A vector is one unsigned Python integer with lane 0 in its lowest bits. Meanings come in families over the
shapes; relaxed instructions mean what the specification's deterministic profile says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from vm.tiers.reference.floats import F32, F64, FloatFormat, float_meanings
from vm.tiers.reference.integers import Meaning, integer_meanings, signed
from vm.tiers.reference.numeric import MEANINGS as SCALAR

_ALL = (1 << 128) - 1
_INTEGERS = {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64}
_FLOATS = {"f32x4": (32, F32), "f64x2": (64, F64)}


def split(vector: int, bits: int) -> list[int]:
    """The lanes of a vector, lane 0 first."""
    mask = (1 << bits) - 1
    return [vector >> at & mask for at in range(0, 128, bits)]


def join(lanes: Sequence[int], bits: int) -> int:
    """A vector from its lanes; what lanes have beyond their bits is cut off."""
    mask = (1 << bits) - 1
    return sum((lane & mask) << bits * i for i, lane in enumerate(lanes))


def _signed_lanes(vector: int, bits: int) -> list[int]:
    return [signed(lane, bits) for lane in split(vector, bits)]


def _read(sign: str, vector: int, bits: int) -> list[int]:
    return _signed_lanes(vector, bits) if sign == "s" else split(vector, bits)


def _lanewise(bits: int, scalar: Meaning) -> Meaning:
    """A scalar meaning on each lane of one, two or three vectors."""

    def meaning(*vectors: int) -> int:
        lanes = zip(*(split(vector, bits) for vector in vectors), strict=True)
        return join([scalar(*operands) for operands in lanes], bits)

    return meaning


def _compared(bits: int, scalar: Meaning) -> Meaning:
    """A comparison on each lane: all ones or all zeros."""
    return _lanewise(bits, lambda a, b: -scalar(a, b))


# integer lanes

_COMPARISONS = ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")


def _integer_family(name: str, bits: int) -> dict[str, Meaning]:
    scalar = {key.partition(".")[2]: meaning for key, meaning in integer_meanings("i", bits).items()}
    found: dict[str, Meaning] = {key: _lanewise(bits, scalar[key]) for key in ("add", "sub")}
    for key in ("shl", "shr_s", "shr_u"):
        found[key] = _shift(bits, scalar[key])
    for key in _COMPARISONS if bits < 64 else [key for key in _COMPARISONS if not key.endswith("_u")]:
        found[key] = _compared(bits, scalar[key])
    found["abs"] = _lanewise(bits, lambda a: abs(signed(a, bits)))
    found["neg"] = _lanewise(bits, lambda a: -a)
    found["all_true"] = lambda a: int(all(split(a, bits)))
    found["bitmask"] = lambda a: sum((lane >> (bits - 1)) << i for i, lane in enumerate(split(a, bits)))
    if bits > 8:
        found["mul"] = _lanewise(bits, scalar["mul"])
    if bits < 64:
        found |= _extrema(bits)
    if bits < 32:
        found |= _saturating(bits)
        found["avgr_u"] = _lanewise(bits, lambda a, b: (a + b + 1) // 2)
    return {f"{name}.{key}": meaning for key, meaning in found.items()}


def _shift(bits: int, scalar: Meaning) -> Meaning:
    """Every lane by the same count, which is taken modulo the lanes' width."""
    return lambda a, count: join([scalar(lane, count) for lane in split(a, bits)], bits)


def _extrema(bits: int) -> dict[str, Meaning]:
    return {
        "min_s": _lanewise(bits, lambda a, b: min(signed(a, bits), signed(b, bits))),
        "max_s": _lanewise(bits, lambda a, b: max(signed(a, bits), signed(b, bits))),
        "min_u": _lanewise(bits, min),
        "max_u": _lanewise(bits, max),
    }


def clamp(value: int, bits: int, sign: str) -> int:
    """The nearest number that ``bits`` bits can hold, signed ("s") or not ("u")."""
    half = 1 << (bits - 1)
    low, high = (-half, half - 1) if sign == "s" else (0, 2 * half - 1)
    return min(max(value, low), high)


def _saturating(bits: int) -> dict[str, Meaning]:
    def meaning(operation: Callable[[int, int], int], sign: str) -> Meaning:
        def apply(a: int, b: int) -> int:
            pairs = zip(_read(sign, a, bits), _read(sign, b, bits), strict=True)
            return join([clamp(operation(x, y), bits, sign) for x, y in pairs], bits)

        return apply

    operations = {"add": int.__add__, "sub": int.__sub__}
    return {f"{key}_sat_{s}": meaning(operation, s) for key, operation in operations.items() for s in "su"}


# integer lanes of two widths


def _half(part: str, lanes: Sequence[int]) -> Sequence[int]:
    middle = len(lanes) // 2
    return lanes[:middle] if part == "low" else lanes[middle:]


def _sums(lanes: Sequence[int]) -> list[int]:
    """Sums of neighbours."""
    return [x + y for x, y in zip(lanes[::2], lanes[1::2], strict=True)]


def _extend(part: str, bits: int, sign: str) -> Meaning:
    return lambda a: join(_half(part, _read(sign, a, bits)), 2 * bits)


def _extended_product(part: str, bits: int, sign: str) -> Meaning:
    def meaning(a: int, b: int) -> int:
        pairs = zip(_half(part, _read(sign, a, bits)), _half(part, _read(sign, b, bits)), strict=True)
        return join([x * y for x, y in pairs], 2 * bits)

    return meaning


def _extended_sum(bits: int, sign: str) -> Meaning:
    return lambda a: join(_sums(_read(sign, a, bits)), 2 * bits)


def _narrow(bits: int, sign: str) -> Meaning:
    """Lanes of both operands, read as signed, clamped to ``bits`` bits."""
    return lambda a, b: join(
        [clamp(lane, bits, sign) for vector in (a, b) for lane in _signed_lanes(vector, 2 * bits)], bits
    )


def _dot(bits: int) -> Meaning:
    def meaning(a: int, b: int) -> int:
        products = [x * y for x, y in zip(_signed_lanes(a, bits), _signed_lanes(b, bits), strict=True)]
        return join(_sums(products), 2 * bits)

    return meaning


def _dot_add(a: int, b: int, c: int) -> int:
    sums = _sums(_signed_lanes(_dot(8)(a, b), 16))
    return join([x + y for x, y in zip(sums, split(c, 32), strict=True)], 32)


def _q15_product(a: int, b: int) -> int:
    return clamp((signed(a, 16) * signed(b, 16) + 0x4000) >> 15, 16, "s")


def _width_family(narrow: str, bits: int, wide: str) -> dict[str, Meaning]:
    found: dict[str, Meaning] = {}
    for sign in "su":
        for part in ("low", "high"):
            found[f"{wide}.extend_{part}_{narrow}_{sign}"] = _extend(part, bits, sign)
            found[f"{wide}.extmul_{part}_{narrow}_{sign}"] = _extended_product(part, bits, sign)
        if bits < 32:
            found[f"{wide}.extadd_pairwise_{narrow}_{sign}"] = _extended_sum(bits, sign)
            found[f"{narrow}.narrow_{wide}_{sign}"] = _narrow(bits, sign)
    return found


# float lanes


def _float_family(name: str, bits: int, form: FloatFormat) -> dict[str, Meaning]:
    scalar = {key.partition(".")[2]: meaning for key, meaning in float_meanings("f", form).items()}
    value = form.value
    found = {key: _lanewise(bits, scalar[key]) for key in scalar if key != "copysign"}
    for key in ("eq", "ne", "lt", "gt", "le", "ge"):
        found[key] = _compared(bits, scalar[key])
    found["pmin"] = _lanewise(bits, lambda a, b: b if value(b) < value(a) else a)
    found["pmax"] = _lanewise(bits, lambda a, b: b if value(a) < value(b) else a)
    found["relaxed_min"], found["relaxed_max"] = found["min"], found["max"]
    found["relaxed_madd"] = _lanewise(bits, lambda a, b, c: _fused(form, value(a), value(b), value(c)))
    found["relaxed_nmadd"] = _lanewise(bits, lambda a, b, c: _fused(form, -value(a), value(b), value(c)))
    return {f"{name}.{key}": meaning for key, meaning in found.items()}


def _fused(form: FloatFormat, x: float, y: float, z: float) -> int:
    """The pattern of x * y + z, rounded once."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return form.pattern(x * y + z)
    if not math.isfinite(z):
        return form.pattern(z)
    exact = Fraction(x) * Fraction(y) + Fraction(z)
    if not exact:
        return form.pattern(math.copysign(0.0, x) * math.copysign(1.0, y) + z if x * y == 0 else 0.0)
    return form.pattern(_rounded(exact) if form is F64 else _rounded_to_odd(exact))


def _rounded(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def _rounded_to_odd(exact: Fraction) -> float:
    """A double that rounds to f32 as ``exact`` does: of its neighbours the one whose last bit is set.

    See Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding
    to odd" (2008). Sums of f32 products are far from a double's own limits.
    """
    nearest = float(exact)
    if nearest == exact or F64.pattern(nearest) & 1:
        return nearest
    return math.nextafter(nearest, math.inf if exact > nearest else -math.inf)


# conversions


def _conversions() -> dict[str, Meaning]:
    found: dict[str, Meaning] = {
        "f32x4.demote_f64x2_zero": _between(64, 32, SCALAR["f32.demote_f64"]),
        "f64x2.promote_low_f32x4": _between(32, 64, SCALAR["f64.promote_f32"]),
    }
    for sign in "su":
        for kind in ("trunc_sat", "relaxed_trunc"):
            found[f"i32x4.{kind}_f32x4_{sign}"] = _between(32, 32, SCALAR[f"i32.trunc_sat_f32_{sign}"])
            found[f"i32x4.{kind}_f64x2_{sign}_zero"] = _between(64, 32, SCALAR[f"i32.trunc_sat_f64_{sign}"])
        found[f"f32x4.convert_i32x4_{sign}"] = _between(32, 32, SCALAR[f"f32.convert_i32_{sign}"])
        found[f"f64x2.convert_low_i32x4_{sign}"] = _between(32, 64, SCALAR[f"f64.convert_i32_{sign}"])
    return found


def _between(source: int, target: int, scalar: Meaning) -> Meaning:
    """Lanes of ``source`` bits, as many as fit, to lanes of ``target`` bits; lanes left over are 0."""
    count = 128 // max(source, target)
    return lambda a: join([scalar(lane) for lane in split(a, source)[:count]], target)


# lanes, and the whole vector; meanings with immediates take them behind the operands


def _swizzle(a: int, indices: int) -> int:
    lanes = split(a, 8)
    return join([lanes[i] if i < 16 else 0 for i in split(indices, 8)], 8)


def _shuffle(a: int, b: int, *indices: int) -> int:
    lanes = split(a, 8) + split(b, 8)
    return join([lanes[i] for i in indices], 8)


def replace(vector: int, bits: int, lane: int, value: int) -> int:
    """``vector`` with another value in one lane."""
    lanes = split(vector, bits)
    lanes[lane] = value
    return join(lanes, bits)


def _lane_family(name: str, bits: int) -> dict[str, Meaning]:
    found: dict[str, Meaning] = {
        "splat": lambda a: join([a] * (128 // bits), bits),
        "replace_lane": lambda a, value, lane: replace(a, bits, lane, value),
    }
    if bits < 32:
        found["extract_lane_s"] = lambda a, lane: _signed_lanes(a, bits)[lane] & 0xFFFF_FFFF
        found["extract_lane_u"] = lambda a, lane: split(a, bits)[lane]
    else:
        found["extract_lane"] = lambda a, lane: split(a, bits)[lane]
    return {f"{name}.{key}": meaning for key, meaning in found.items()}


def _select(a: int, b: int, mask: int) -> int:
    return a & mask | b & ~mask


_WHOLE: dict[str, Meaning] = {
    "v128.not": lambda a: a ^ _ALL,
    "v128.and": lambda a, b: a & b,
    "v128.andnot": lambda a, b: a & ~b,
    "v128.or": lambda a, b: a | b,
    "v128.xor": lambda a, b: a ^ b,
    "v128.bitselect": _select,
    "v128.any_true": lambda a: int(a != 0),
    "i8x16.shuffle": _shuffle,
    "i8x16.swizzle": _swizzle,
    "i8x16.relaxed_swizzle": _swizzle,
    "i8x16.popcnt": _lanewise(8, int.bit_count),
    "i16x8.q15mulr_sat_s": _lanewise(16, _q15_product),
    "i16x8.relaxed_q15mulr_s": _lanewise(16, _q15_product),
    "i32x4.dot_i16x8_s": _dot(16),
    "i16x8.relaxed_dot_i8x16_i7x16_s": _dot(8),
    "i32x4.relaxed_dot_i8x16_i7x16_add_s": _dot_add,
    **{f"{name}.relaxed_laneselect": _select for name in _INTEGERS},
}


def _vector_meanings() -> dict[str, Meaning]:
    found = {**_WHOLE, **_conversions()}
    for name, bits in _INTEGERS.items():
        found |= _integer_family(name, bits) | _lane_family(name, bits)
    for name, (bits, form) in _FLOATS.items():
        found |= _float_family(name, bits, form) | _lane_family(name, bits)
    for narrow, wide in (("i8x16", "i16x8"), ("i16x8", "i32x4"), ("i32x4", "i64x2")):
        found |= _width_family(narrow, _INTEGERS[narrow], wide)
    return found


VECTOR_MEANINGS: dict[str, Meaning] = _vector_meanings()
"""Meanings by the instruction's name; operands in stack order, then immediates."""
