"""Stencils: where registers stand in instructions; the compiler with more values than registers."""

from __future__ import annotations

import random

import pytest

from tests.vm.engines import call, instance, store
from vm.tiers.baseline import build, forms, stencil, text
from vm.tiers.baseline.encoding import UnknownInstruction, decode
from vm.tiers.baseline.library import library


def test_every_form_is_there() -> None:
    assert {made.name for made in build.all_texts()} == set(library().numbers)


def _moved(code: bytes, flips: list[list[list[tuple[int, int, int]]]], registers: tuple[int, ...]) -> bytes:
    """A stencil's code with its general operands in ``registers``."""
    changed = bytearray(code)
    for register, bits in zip(registers, flips, strict=True):
        for bit, places in enumerate(bits):
            for byte, mask, compiled in places:
                if (register ^ compiled) >> bit & 1:
                    changed[byte] ^= mask
    return bytes(changed)


@pytest.mark.parametrize("registers", [(9, 11, 8), (11, 8, 9)])
def test_registers_are_where_llvm_puts_them(
    registers: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stencil with other numbers in it is what LLVM makes of it in those registers."""
    names = [name for name in forms_of_two() if name in library().numbers]
    mine = {
        name: _moved(library().stencils[library().numbers[name]][1], _flips(name), registers)
        for name in names
    }
    for module in (text, stencil):
        monkeypatch.setattr(module, "OPERANDS", registers)
    texts = [made for made in forms.derived() if made.name in mine]
    made, _ = build.build(texts, lambda done, whole: None)
    theirs = {found.name: found.code for found in made}
    assert {name: code for name, code in mine.items() if theirs[name] != code} == {}


def forms_of_two() -> list[str]:
    """Instructions on integers, in registers."""
    names = (
        "add",
        "sub",
        "and",
        "or",
        "xor",
        "mul",
        "shl",
        "shr_u",
        "rotl",
        "lt_s",
        "ge_u",
        "div_s",
        "rem_u",
    )
    return [f"{type}.{name} rr{form}" for type in ("i32", "i64") for name in names for form in (2, 3)]


def _flips(name: str) -> list[list[list[tuple[int, int, int]]]]:
    flips: list[list[list[tuple[int, int, int]]]] = library().stencils[library().numbers[name]][6]
    return flips


@pytest.mark.parametrize("code", ["62f17c4858c0", "0fa2", "0fb3", "d9c0"])
def test_unknown_instructions_are_refused(code: str) -> None:
    with pytest.raises((UnknownInstruction, IndexError)):
        decode(bytes.fromhex(code), 0)


@pytest.mark.parametrize("type", ["i32", "i64", "f32", "f64"])
@pytest.mark.parametrize("seed", range(3))
def test_more_values_than_registers(type: str, seed: int) -> None:
    """Deep stacks of operands over many locals, with calls and branches in between."""
    rng = random.Random(seed)
    number = "i32.const" if type == "i32" else f"{type}.const"
    operators = ["add", "sub", *(("min", "max") if type[0] == "f" else ("xor", "and", "shl", "mul"))]

    def expression(depth: int) -> str:
        if depth == 0:
            kind = rng.randrange(4)
            if kind == 0:
                return f"({number} {rng.randrange(1, 9)})"
            local = f"(local.get {rng.randrange(24)})"
            return f"(call $same {local})" if kind == 1 else local
        if rng.random() < 0.1:
            test = f"(i32.lt_s (local.get 24) (i32.const {rng.randrange(9)}))"
            arms = f"{expression(depth - 1)} {expression(depth - 1)}"
            return f"(select {arms} {test})"
        if rng.random() < 0.1:
            test = f"(i32.lt_s (local.get 24) (i32.const {rng.randrange(9)}))"
            return (
                f"(if (result {type}) {test} (then {expression(depth - 1)}) (else {expression(depth - 1)}))"
            )
        if rng.random() < 0.2:
            return f"(local.tee {rng.randrange(24)} {expression(depth - 1)})"
        return f"({type}.{rng.choice(operators)} {expression(depth - 1)} {expression(depth - 1)})"

    args = "".join(f"({number} {i + 2})" for i in range(24))
    body = "".join(f"(local.set {rng.randrange(24)} {expression(7)})" for _ in range(4))
    wat = f"""(module
      (func $same (param {type}) (result {type}) (local.get 0))
      (func (export "f") (param i32) (result {type}) (call $f {args} (local.get 0)))
      (func $f (param {f"{type} " * 24} i32) (result {type})
        (loop {body} (local.set 24 (i32.sub (local.get 24) (i32.const 1)))
          (br_if 0 (i32.gt_s (local.get 24) (i32.const 0))))
        {expression(6)}))"""
    results = [call(instance(store(tier), wat), "f", 2) for tier in ("reference", "baseline")]
    assert results[0] == results[1]
