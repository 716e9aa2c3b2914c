"""Arithmetic quiets NaNs (spec 4.3.3), whatever the compiler learns about the other operand."""

from __future__ import annotations

import pytest

from tests.vm.engines import call, instance, store
from vm.tiers import TIERS

TYPES = {
    "f32": (0x7FA0_0000, 0x0040_0000, "i32", 0x3F80_0000),
    "f64": (0x7FF4 << 48, 1 << 51, "i64", 0x3FF0 << 48),
}
"""Type: a signalling NaN, the bit that makes it quiet, the integer of its width, and 1's bits."""

OPERATIONS = {
    "x * 1": ("mul", "1", False),
    "1 * x": ("mul", "1", True),
    "x * -1": ("mul", "-1", False),
    "x / 1": ("div", "1", False),
    "x / -1": ("div", "-1", False),
    "x + -0": ("add", "-0", False),
    "-0 + x": ("add", "-0", True),
    "x - 0": ("sub", "0", False),
    "-0 - x": ("sub", "-0", True),
}
"""What is neutral, or only changes a sign: operation, constant, whether the constant comes first."""

ROADS = {
    "at once": "{k}",
    "through a local": "(local.set $l {k}) (local.get $l)",
    "through a block": "(block (result {t}) {k})",
    "through a loop's local": "(local.set $l {k}) (loop (br_if 0 (i32.eqz (local.tee $n (i32.const 7)))))"
    " (local.get $l)",
    "through a choice": "(select {k} {k} (local.get $n))",
    "through memory": "({t}.store (i32.const 8) {k}) ({t}.load (i32.const 8))",
    "through a global": "(global.set $g {k}) (global.get $g)",
    "through a call": "(call $id {k})",
    "through bits": "({t}.reinterpret_{i} ({i}.reinterpret_{t} {k}))",
    "through a local of bits": "(local.set $b ({i}.reinterpret_{t} {k}))"
    " ({t}.reinterpret_{i} (local.get $b))",
}
"""How the constant gets to the operation."""


def _text(type: str) -> str:
    integer = TYPES[type][2]
    functions = []
    for name, (operation, constant, first) in OPERATIONS.items():
        for road, pattern in ROADS.items():
            operand = pattern.format(k=f"({type}.const {constant})", t=type, i=integer)
            # Folded operands cannot hold statements, so both ways write the operands out in order.
            x = "(local.get $x)"
            body = f"{operand} {x}" if first else f"{x} {operand}"
            functions.append(
                f'(func (export "{name} {road}") (param $x {type}) (result {type})'
                f" (local $l {type}) (local $n i32) (local $b {integer}) {body} {type}.{operation})"
            )
    functions.append(
        f'(func (export "x - a local\'s zero") (param $x {type}) (result {type}) (local $l {type})'
        f" (local.get $x) (local.get $l) {type}.sub)"
    )
    return (
        f"(module (memory 1) (global $g (mut {type}) ({type}.const 5))"
        f" (func $id (param {type}) (result {type}) (local.get 0)) {' '.join(functions)})"
    )


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize(
    ("tier", "knobs"),
    [
        (tier, knobs)
        for tier in TIERS
        for knobs in (
            [
                {"opt_level": level, "memory_guard": guard}
                for level in range(4)
                for guard in ("guard", "checked")
            ]
            if tier == "llvm"
            else [{}]
        )
    ],
)
def test_an_operation_that_changes_nothing_still_quiets(
    type: str, tier: str, knobs: dict[str, object]
) -> None:
    signalling, quiet, _, _ = TYPES[type]
    made = instance(store(tier, **knobs), _text(type))
    loud = [name for name in made.exports() if not call(made, name, signalling)[0] & quiet]
    assert loud == []
