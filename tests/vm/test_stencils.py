"""Stencils: where registers stand in instructions; the compiler with more values than registers."""

from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from tests.vm.engines import call, instance, store
from vm.api import wat2wasm
from vm.module.decoder import decode as read_module
from vm.module.validator import validate_function
from vm.runtime.layout import ContextLayout
from vm.tiers.baseline import build, forms, native, stencil, text
from vm.tiers.baseline.assemble import Assembler
from vm.tiers.baseline.compiler import Compiler, slot_types
from vm.tiers.baseline.encoding import UnknownInstruction, decode
from vm.tiers.baseline.kinds import A_SHIFT, B_SHIFT, D_SHIFT
from vm.tiers.baseline.library import library
from vm.tiers.baseline.room import Room
from vm.tiers.threaded.library import library as threaded
from vm.tiers.threaded.translate import Metering, Translator


def test_every_form_is_there() -> None:
    assert {made.name for made in build.all_texts()} == set(library().numbers)


@pytest.mark.parametrize("registers", [(9, 11, 8), (11, 8, 9)])
def test_registers_are_where_llvm_puts_them(
    registers: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stencil with other numbers in it is what LLVM makes of it in those registers."""
    a, b, d = registers
    places = a << A_SHIFT | b << B_SHIFT | d << D_SHIFT
    known, numbers = Assembler(library()), library().numbers
    mine = {name: known.stencil(numbers[name] | places)[0] for name in forms_of_two() if name in numbers}
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


@pytest.mark.parametrize("code", ["62f17c4858c0", "0fa2", "0fb3", "d9c0"])
def test_unknown_instructions_are_refused(code: str) -> None:
    with pytest.raises((UnknownInstruction, IndexError)):
        decode(bytes.fromhex(code), 0)


@pytest.mark.parametrize("type", ["i32", "i64", "f32", "f64"])
@pytest.mark.parametrize("seed", range(3))
def test_more_values_than_registers(type: str, seed: int) -> None:
    wat = deep(type, seed)
    results = [call(instance(store(tier), wat), "f", 2) for tier in ("reference", "baseline")]
    assert results[0] == results[1]


def deep(type: str, seed: int) -> str:
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
    return f"""(module
      (func $same (param {type}) (result {type}) (local.get 0))
      (func (export "f") (param i32) (result {type}) (call $f {args} (local.get 0)))
      (func $f (param {f"{type} " * 24} i32) (result {type})
        (loop {body} (local.set 24 (i32.sub (local.get 24) (i32.const 1)))
          (br_if 0 (i32.gt_s (local.get 24) (i32.const 0))))
        {expression(6)}))"""


KERNELS = (
    "(func (param i32 i64 f32 f64) (result i64) (local i32 v128) (loop (local.set 1 (i64.add (local.get 1)"
    " (i64.extend_i32_u (i32.load (local.get 0))))) (br_if 0 (local.tee 0 (i32.sub (local.get 0)"
    " (i32.const 4))))) (local.get 1))",
    "(func (param i32 i64 f32 f64) (result i64) (local.set 3 (f64.div (local.get 3) (f64.const 3)))"
    " (i32.store (i32.const 8) (i32.div_s (local.get 0) (i32.rotl (local.get 0) (i32.const 9))))"
    " (block (block (br_table 0 1 (local.get 0))) (return (i64.trunc_f64_s (local.get 3))))"
    " (i64.shl (local.get 1) (i64.const -5)))",
)


def _code(compiler: Compiler, text: str) -> tuple[int, list[int]]:
    """How long a function's code is, and at which words it is entered."""
    module = read_module(wat2wasm(f"(module (memory 1) {text})"))
    validate_function(module, 0)
    translator = Translator(
        module, ContextLayout.of(module), 0, threaded().table("guard"), [], Metering({}, False)
    )
    words = array("Q", translator.run())
    first, types = translator.kept_slots.stop, slot_types(translator.types)
    made = compiler.compile(words, first, types, translator.labels, [])
    return made.end - made.start, [i for i, word in enumerate(words) if made.words.words[i] != word]


@pytest.mark.slow
def test_the_compiler_as_machine_code_does_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As long, entered at the same places, and with the same results."""
    monkeypatch.setenv("WASMVM_CACHE", str(tmp_path))
    expected = [_code(Compiler(library(), Room()), text) for text in KERNELS]
    native.build()
    compiler = native.compiler(library(), Room())
    assert isinstance(compiler, native.NativeCompiler)
    for _ in range(1000):  # more than one piece of memory holds
        assert [_code(compiler, text) for text in KERNELS] == expected
    for type in ("i32", "i64", "f32", "f64"):
        results = [call(instance(store(tier), deep(type, 7)), "f", 2) for tier in ("reference", "baseline")]
        assert results[0] == results[1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counters_lead_from_here_to_compiled_code(seed: int) -> None:
    """The tier that promotes what runs often starts here as well as in threaded code."""
    wat = """(module (func $f (param i32) (result i32) (local i32 f64)
        (loop (local.set 1 (i32.add (local.get 1) (i32.mul (local.get 0) (i32.const 3))))
          (local.set 2 (f64.add (local.get 2) (f64.const 0.5)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.add (local.get 1) (i32.trunc_f64_s (local.get 2))))
      (func (export "f") (param i32) (result i32) (local i32)
        (loop (local.set 1 (i32.xor (local.get 1) (call $f (local.get 0))))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"""
    tiered = instance(store("tiered", tier_start="baseline", tier_seed=seed, tier_waits=True), wat)
    assert call(tiered, "f", 20) == call(instance(store("reference"), wat), "f", 20)


@pytest.mark.parametrize("most", [1, 1 << 17])
def test_big_functions_grow_the_compilers_arrays_or_stay_as_they_are(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vm.tiers.baseline.program.MOST_WORDS", most)
    monkeypatch.setattr("vm.tiers.baseline.compiler._RECORDS_A_WORD", 0)
    locals = " ".join(["i32"] * 20)
    step = "".join(f"(local.set {i} (i32.add (local.get {i}) (local.get {(i + 7) % 21})))" for i in range(21))
    body = f"(block (br_if 0 (i32.eqz (local.get 0))) {step})" * 20
    wat = f'(module (func (export "f") (param i32) (result i32) (local {locals}) {body} (local.get 3)))'
    results = [call(instance(store(tier), wat), "f", 5) for tier in ("reference", "baseline")]
    assert results[0] == results[1]
