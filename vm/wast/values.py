"""Constants of the suite's scripts: arguments as bit patterns, expected results as patterns to match."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vm.isa.types import Heap, RefType
from vm.runtime.casts import tester
from vm.runtime.store import Store
from vm.wast.script import Node


@dataclass(frozen=True)
class _Format:
    """An IEEE 754 binary format: bits of the whole, of the fraction, and the exponent's bias."""

    width: int
    fraction: int
    bias: int

    @property
    def infinity(self) -> int:
        return (2 * self.bias + 1) << self.fraction

    @property
    def sign(self) -> int:
        return 1 << (self.width - 1)

    @property
    def quiet(self) -> int:
        """The bit that makes a NaN quiet; alone it is the canonical NaN's payload."""
        return 1 << (self.fraction - 1)


_FLOATS = {"f32": _Format(32, 23, 127), "f64": _Format(64, 52, 1023)}
_HEX = re.compile(r"0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?$")


_REFERENCES = {f"ref.{heap}": RefType(heap, False) for heap in Heap}
"""Patterns such as ``(ref.struct)``: any reference of that type but null."""


class HostReference:
    """What ``(ref.extern N)`` and ``(ref.host N)`` stand for: one object per number and store."""

    def __init__(self, number: int) -> None:
        self.number = number


class References:
    """The host references of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: dict[int, HostReference] = {}

    def bits(self, number: int) -> int:
        """The externref value of ``(ref.extern number)``."""
        return self.store.extern_handle(self._known.setdefault(number, HostReference(number)))


def argument(node: Node, references: References) -> int:
    """The bit pattern of a constant such as ``(i32.const -1)``."""
    kind, *operands = node.items
    match kind:
        case "i8.const" | "i16.const" | "i32.const" | "i64.const":
            return _integer(str(operands[0])) & ((1 << int(str(kind)[1:].partition(".")[0])) - 1)
        case "f32.const" | "f64.const":
            return float_bits(str(operands[0]), str(kind)[:3])
        case "v128.const":
            return _vector([argument(lane, references) for lane in _lanes(operands)])
        case "ref.null":
            return 0
        case "ref.extern" | "ref.host":
            return references.bits(_integer(str(operands[0])))
    raise ValueError(f"no such constant here: {kind!r}")


def matches(node: Node, bits: int, references: References) -> bool:
    """Whether a result is as expected; NaN classes and `any reference` are patterns."""
    kind, *operands = node.items
    operand = str(operands[0]) if operands and isinstance(operands[0], str) else ""
    if kind == "either":
        return any(matches(choice, bits, references) for choice in operands if isinstance(choice, Node))
    if kind in ("f32.const", "f64.const") and operand.startswith("nan:") and "0x" not in operand:
        return _is_nan(bits, _FLOATS[str(kind)[:3]], canonical=operand == "nan:canonical")
    if kind in _REFERENCES and not operands:
        return tester(references.store, _REFERENCES[str(kind)])(bits)
    if kind == "v128.const":
        lanes = _lanes(operands)
        width = 128 // len(lanes)
        found = (bits >> width * i & (1 << width) - 1 for i in range(len(lanes)))
        return all(matches(lane, part, references) for lane, part in zip(lanes, found, strict=True))
    return bits == argument(node, references)


def _lanes(operands: Sequence[object]) -> list[Node]:
    """The lanes of ``(v128.const i32x4 1 2 3 4)``, each as the constant it would be alone."""
    shape, *lanes = map(str, operands)
    kind = shape.partition("x")[0]
    return [Node([f"{kind}.const", lane], 0, 0, 0) for lane in lanes]


def _vector(lanes: Sequence[int]) -> int:
    width = 128 // len(lanes)
    return sum(lane << width * i for i, lane in enumerate(lanes))


def float_bits(text: str, kind: str) -> int:
    """The bit pattern of a float literal of the text format, correctly rounded (ties to even)."""
    form = _FLOATS[kind]
    text = text.replace("_", "").lower()
    sign = form.sign if text.startswith("-") else 0
    text = text.lstrip("+-")
    if text == "inf":
        return sign | form.infinity
    if text.startswith("nan"):
        return sign | form.infinity | (int(text[4:], 16) if ":" in text else form.quiet)
    return sign | _round(_fraction(text), form)


def _is_nan(bits: int, form: _Format, canonical: bool) -> bool:
    magnitude = bits & ~form.sign
    if canonical:
        return magnitude == form.infinity | form.quiet
    return magnitude & (form.infinity | form.quiet) == form.infinity | form.quiet


def _integer(text: str) -> int:
    return int(text.replace("_", ""), 0) if "x" in text else int(text.replace("_", ""))


def _fraction(text: str) -> Fraction:
    match = _HEX.match(text)
    if match is None:
        return Fraction(text.rstrip(".") if text.endswith(".") else text.replace(".e", "e"))
    whole, fraction, exponent = match.groups()
    return Fraction(int(whole + fraction or "0", 16)) * Fraction(2) ** (
        int(exponent or 0) - 4 * len(fraction)
    )


def _round(value: Fraction, form: _Format) -> int:
    if value == 0:
        return 0
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    if value < Fraction(2) ** exponent:
        exponent -= 1
    exponent = max(exponent, 1 - form.bias)
    digits = round(value / Fraction(2) ** (exponent - form.fraction))  # round() ties to even
    # a subnormal has no implicit bit and exponent field 0; a carry runs into the exponent by itself
    return digits + ((exponent + form.bias - 1) << form.fraction)
