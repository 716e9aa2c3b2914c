"""What only the threaded tier has: how operands travel, its stacks, steps, the code that is made once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.vm.engines import call, instance, module, store
from vm.errors import Trap, TrapCode
from vm.isa.types import FuncType, ValType
from vm.module.decoder import decode
from vm.runtime.instantiate import instantiate
from vm.runtime.layout import ContextLayout
from vm.runtime.store import Store
from vm.text import wat2wasm
from vm.tiers.threaded.library import library
from vm.tiers.threaded.translate import Metering, Translator

I32, V128 = ValType.I32, ValType.V128


def names(text: str) -> list[str]:
    """The handlers of the first function of a module, in order."""
    data = module(text)
    table = library().table("guard")
    code = Translator(data, ContextLayout.of(data), 0, table, [], Metering({}, False)).run()
    known = {address: name for name, address in library().handlers.items()}
    return [known[word] for word in code if word in known]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # operands that are in a local, or in the instruction, cost nothing
        ("(i32.add (local.get 0) (local.get 1))", ["i32.add", "return"]),
        ("(i32.add (local.get 0) (i32.const 1))", ["i32.add k", "return"]),
        ("(i32.sub (i32.const 1) (local.get 0))", ["const", "i32.sub", "return"]),
        # what is computed goes straight to the local that is set
        ("(local.set 0 (i32.mul (local.get 0) (local.get 1))) (local.get 0)", ["i32.mul", "return one"]),
        ("(local.tee 0 (i32.mul (local.get 0) (local.get 1)))", ["i32.mul", "return one"]),
        # but not before those who still want the old value have it
        (
            "(local.get 0) (local.set 0 (i32.mul (local.get 0) (local.get 1)))",
            ["i32.mul", "copy", "copy", "return one"],
        ),
        # a comparison becomes part of the branch behind it
        ("(br_if 0 (local.get 0) (i32.lt_s (local.get 0) (local.get 1)))", ["i32.lt_s unless"]),
        ("(loop (br_if 0 (i32.eqz (local.get 0)))) (local.get 0)", ["i32.eqz if", "return one"]),
        ("(loop (br_if 0 (local.get 0))) (local.get 0)", ["i32.eqz unless", "return one"]),
        ("(loop (br_if 0 (f64.lt (f64.const 1) (f64.const 2)))) (local.get 0)", ["const", "f64.lt if k"]),
    ],
)
def test_operands_stay_where_they_are(body: str, expected: list[str]) -> None:
    found = names(f"(module (func (param i32 i32) (result i32) {body}))")
    assert found[0] == "enter"
    assert found[1 : 1 + len(expected)] == expected


def test_a_pending_operand_keeps_the_value_that_its_local_had() -> None:
    text = """(module (func (export "f") (param i32) (result i32 i32 i32)
      (local.get 0) (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (local.get 0) (block (local.set 0 (i32.const 50))) (local.get 0)))"""
    assert call(instance(store("threaded"), text), "f", 7) == [7, 8, 50]


def test_results_that_are_parameters_in_another_order() -> None:
    text = """(module (func $swap (export "swap") (param i32 v128 i64) (result i64 v128 i32)
        (local.get 2) (local.get 1) (local.get 0))
      (func (export "twice") (param i32 v128 i64) (result i32 v128 i64)
        (local i64 v128 i32)
        (call $swap (local.get 0) (local.get 1) (local.get 2))
        (local.set 5) (local.set 4) (local.set 3)
        (local.get 5) (local.get 4) (local.get 3)))"""
    i = instance(store("threaded"), text)
    wide = 0x0123456789ABCDEF_FEDCBA9876543210
    assert call(i, "swap", 1, wide, 1 << 40) == [1 << 40, wide, 1]
    assert call(i, "twice", 1, wide, 1 << 40) == [1, wide, 1 << 40]


def test_the_call_stack_is_as_deep_as_the_knob_says() -> None:
    text = """(module (global $depth (mut i32) (i32.const 0))
      (func $f (export "f") (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $f))
      (func (export "depth") (result i32) (global.get $depth)))"""
    depths = []
    for size in (1 << 16, 1 << 20):
        i = instance(store("threaded", max_wasm_stack=size), text)
        with pytest.raises(Trap) as caught:
            call(i, "f")
        assert caught.value.code is TrapCode.STACK_OVERFLOW
        depths += call(i, "depth")
    assert 15 * depths[0] < depths[1] < 17 * depths[0]


def test_the_stacks_are_whole_again_after_whatever_ended_a_call() -> None:
    """Traps, exceptions of the host and calls through it, in turns: none leaves anything on a stack."""
    s = store("threaded", max_wasm_stack=1 << 16)

    def host(args: Sequence[int]) -> list[int]:
        if args[0] == 0:
            raise ValueError("enough")
        return call(i, "f", args[0] - 1)

    i = instance(
        s,
        """(module (import "" "h" (func $h (param i32) (result i32)))
          (func (export "f") (param i32) (result i32) (local i64 i64 i64 i64)
            (if (i32.eq (local.get 0) (i32.const 100)) (then (unreachable)))
            (call $h (local.get 0))))""",
        [s.host_function(FuncType((I32,), (I32,)), host)],
    )
    for _ in range(300):
        with pytest.raises(ValueError, match="enough"):
            call(i, "f", 3)
        with pytest.raises(Trap, match="unreachable"):
            call(i, "f", 103)


def test_a_trap_at_a_guard_page_has_the_frames_that_a_check_gives() -> None:
    text = """(module (memory 1)
      (func $inner (param i32) (result i32) (i32.add (i32.load offset=4 (local.get 0)) (i32.const 1)))
      (func $outer (export "f") (param i32) (result i32)
        (i32.mul (call $inner (local.get 0)) (i32.const 3))))"""
    frames = []
    for guard in ("guard", "checked"):
        with pytest.raises(Trap) as caught:
            call(instance(store("threaded", memory_guard=guard), text), "f", 65_533)
        frames.append([frame.function_name for frame in caught.value.frames])
    assert frames == [["inner", "outer"]] * 2


def test_starting_needs_no_compiler(tmp_path: Path) -> None:
    """The first process makes the code, in a folder of its own; the second one finds it there."""
    program = """if True:
      import sys
      from tests.vm.engines import call, instance, store
      i = instance(store("threaded"), '(module (func (export "f") (result i32) (i32.const 42)))')
      assert call(i, "f") == [42]
      print("llvmlite" in sys.modules)"""
    answers = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "WASMVM_CACHE": str(tmp_path)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert answers == ["True\n", "False\n"]
    assert any(path.name.startswith("threaded-") for path in tmp_path.iterdir())


def test_a_collection_finds_what_is_in_frames_and_nowhere_else() -> None:
    """Objects in locals, among operands below a call, and as operands of an instruction that Python runs."""
    text = """(module (type $pair (struct (field (ref null $pair)) (field i32)))
      (import "" "collect" (func $collect))
      (func $deep (param (ref $pair)) (result i32)
        (call $collect) (struct.get $pair 1 (local.get 0)))
      (func (export "f") (result i32) (local $kept (ref null $pair))
        (local.set $kept (struct.new $pair (ref.null $pair) (i32.const 1)))
        (struct.new $pair (struct.new $pair (local.get $kept) (i32.const 20)) (i32.const 300))
        (i32.const 4000)
        (call $deep (struct.new $pair (ref.null $pair) (i32.const 50000)))
        (call $collect)
        (i32.add)
        (i32.add (struct.get $pair 1 (local.get $kept)))
        (local.set 1)
        (i32.add (struct.get $pair 1 (ref.as_non_null (struct.get $pair 0))) (local.get 1)))
      )""".replace("(local $kept (ref null $pair))", "(local $kept (ref null $pair)) (local i32)")
    for stress in (False, True):
        s = store("threaded", gc_stress=stress)

        def collect(args: Sequence[int], s: Store = s) -> list[int]:
            s.heap.collect()
            return []

        data = decode(wat2wasm(text))
        i = instantiate(s, data, [s.host_function(FuncType(), collect)])
        assert call(i, "f") == [54_021]
