"""Tail calls: any depth in a stack that stays as it is, through imports and tables, whatever the types."""

from __future__ import annotations

import itertools
import struct

import pytest
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.spec.gaps import Gaps
from tests.vm.engines import binary, call, instance, store
from vm.errors import Trap, TrapCode
from vm.isa.types import FuncType, ValType
from vm.runtime.store import Store
from vm.tiers import TIERS

CONFIGURATIONS: dict[str, tuple[str, dict[str, object]]] = {
    **{tier: (tier, {}) for tier in TIERS},
    "quick code": ("llvm", {"opt_level": 0}),
    "function by function": ("llvm", {"opt_level": 1, "whole_module_bytes": 0, "batch_bytes": 1}),
}
THROWING = [name for name, (tier, _) in CONFIGURATIONS.items() if not Gaps().of("throw.wast", tier).whole]
"""Those whose tier has exceptions, by the list of gaps, which is strict."""

SMALL_STACK = 1 << 16


@pytest.fixture(params=CONFIGURATIONS)
def small(request: pytest.FixtureRequest) -> Store:
    """A store in which a few thousand frames are too many."""
    tier, knobs = CONFIGURATIONS[request.param]
    return store(tier, max_wasm_stack=SMALL_STACK, **knobs)


def depth(s: Store) -> int:
    """Calls that no stack would hold."""
    return 1_000_000 if s.config.tier == "llvm" else 20_000


def test_two_functions_that_call_each_other(small: Store) -> None:
    wat = """(module
      (func $even (export "even") (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (return_call $odd (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 44))))
      (func $odd (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (return_call $even (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 99)))))"""
    made = instance(small, wat)
    assert call(made, "even", depth(small)) == [44]
    assert call(made, "even", depth(small) + 1) == [99]


def test_through_a_table_with_types_of_different_sizes(small: Store) -> None:
    """Arguments on the stack come and go: 1 parameter, 20 of them, and vectors among floats."""
    many = [f"(param i64 f64 v128 i32){'(param i64 f32)' * 8}"]
    wat = f"""(module
      (table funcref (elem $few $many))
      (type $few (func (param i32) (result i64 f64)))
      (type $many (func {many[0]} (result i64 f64)))
      (func $few (export "few") (type $few)
        (if (result i64 f64) (local.get 0)
          (then (return_call_indirect (type $many)
            (i64.const 3) (f64.const 0.5) (v128.const i64x2 7 9) (local.get 0)
            {"(i64.const 1) (f32.const 2.5) " * 7} (i64.const 40) (f32.const 1.25)
            (i32.const 1)))
          (else (i64.const -5) (f64.const 1.5))))
      (func $many (export "many") (type $many)
        (if (result i64 f64) (i32.eqz (local.get 3))
          (then (i64.add (local.get 18) (i64x2.extract_lane 1 (local.get 2)))
            (f64.add (local.get 1) (f64.promote_f32 (local.get 19))))
          (else (return_call_indirect (type $few) (i32.sub (local.get 3) (i32.const 1)) (i32.const 0))))))"""
    assert call(instance(small, wat), "few", depth(small) // 2) == [2**64 - 5, 0x3FF8_0000_0000_0000]


def test_through_imports_of_other_instances(small: Store) -> None:
    there = instance(
        small,
        """(module (table (export "t") 1 funcref)
          (func (export "down") (param i32) (result i32)
            (return_call_indirect (param i32) (result i32)
              (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))""",
    )
    exports = there.exports()
    here = instance(
        small,
        """(module (import "" "down" (func $down (param i32) (result i32)))
          (import "" "t" (table 1 funcref)) (elem (i32.const 0) $up)
          (func $up (export "up") (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (return_call $down (local.get 0))) (else (i32.const 7)))))""",
        [exports["down"], exports["t"]],
    )
    assert call(here, "up", depth(small)) == [7]


def test_a_host_function_in_place_of_the_caller(small: Store) -> None:
    five = FuncType((ValType.I64,), (ValType.I64,) * 5)
    host = small.host_function(five, lambda args: [args[0] + i for i in range(5)])
    made = instance(
        small,
        """(module (import "" "f" (func $f (param i64) (result i64 i64 i64 i64 i64)))
          (func $g (param i64 i64) (result i64 i64 i64 i64 i64) (return_call $f (local.get 1)))
          (func (export "h") (result i64)
            (call $g (i64.const 1) (i64.const 30)) i64.mul i64.add i64.sub i64.sub))""",
        [host],
    )
    expected = 30 - (31 - (32 + 33 * 34))
    assert call(made, "h") == [expected]


def test_results_in_memory_are_the_callers_callers(small: Store) -> None:
    results = "(result i32 f32 v128 i64 i32 f64 v128 i64)"
    wat = f"""(module
      (func $down (export "down") (param i32) {results}
        (if {results} (local.get 0)
          (then (return_call $swap (f64.const 3) (i32.sub (local.get 0) (i32.const 1))))
          (else (i32.const -1) (f32.const 1) (v128.const i64x2 1 2) (i64.const -2) (i32.const 3)
            (f64.const 2) (v128.const i64x2 3 4) (i64.const 5))))
      (func $swap (param f64 i32) {results} (return_call $down (local.get 1)))
      (func (export "last") (param i32) (result i64)
        (local i64) (call $down (local.get 0)) (local.set 1)
        drop drop drop drop drop drop drop (local.get 1)))
    """
    made = instance(small, wat)
    one, two = 0x3F80_0000, 0x4000_0000_0000_0000
    vectors = [1 | 2 << 64, 3 | 4 << 64]
    expected = [2**32 - 1, one, vectors[0], 2**64 - 2, 3, two, vectors[1], 5]
    assert call(made, "down", depth(small) // 2) == expected
    assert call(made, "last", 3) == [5]


def test_a_trace_shows_who_is_there_and_not_who_left(small: Store) -> None:
    wat = """(module
      (func $outer (export "outer") (call $left) nop)
      (func $left (return_call $broken (i32.const 0)))
      (func $broken (param i32) (local.get 0) (if (then) (else unreachable))))"""
    with pytest.raises(Trap) as caught:
        call(instance(small, wat), "outer")
    assert caught.value.code is TrapCode.UNREACHABLE
    names = [frame.function_name for frame in caught.value.frames]
    if small.config.tier == "llvm" and small.config.whole_module_bytes:  # compiled as one: all may be inlined
        assert names
    else:
        assert names == ["broken", "outer"]


def test_calls_that_stay_still_exhaust_the_stack(small: Store) -> None:
    wat = """(module
      (func $f (export "f") (param i32) (return_call $g (local.get 0)))
      (func $g (param i32) (call $f (local.get 0)) nop))"""
    with pytest.raises(Trap) as caught:
        call(instance(small, wat), "f", 0)
    assert caught.value.code is TrapCode.STACK_OVERFLOW


@pytest.mark.parametrize("small", THROWING, indirect=True)
def test_what_a_tail_call_throws_is_not_for_the_function_it_left(small: Store) -> None:
    wat = """(module (tag $t)
      (func $thrower (param i32) (if (local.get 0) (then (throw $t))))
      (func $leaver (param i32) (result i32)
        (block $caught (try_table (catch_all $caught) (return_call $inner (local.get 0))))
        (i32.const 1))
      (func $inner (param i32) (result i32) (call $thrower (local.get 0)) (i32.const 2))
      (func (export "f") (param i32) (result i32)
        (block $caught
          (try_table (catch_all $caught) (return (call $leaver (local.get 0)))))
        (i32.const 3)))"""
    made = instance(small, wat)
    assert [call(made, "f", flag) for flag in (0, 1)] == [[2], [3]]


TYPES = ("i32", "i64", "f32", "f64", "v128")
ZEROS = {**{type: f"({type}.const 0)" for type in TYPES[:4]}, "v128": "(v128.const i64x2 0 0)"}


@st.composite
def chains(draw: st.DrawFn) -> str:
    """A module whose functions tail-call the next one, each of its own type, and pass a sum along.

    The first parameter of each is the sum; every other argument is a constant that the callee adds.
    """
    results = draw(st.lists(st.sampled_from(("i32", "i64", "f32", "f64")), max_size=7))
    signatures = draw(st.lists(st.lists(st.sampled_from(TYPES), max_size=14), min_size=2, max_size=5))
    numbers = itertools.count(draw(st.integers(0, 1000)))
    result = f"(result {' '.join(results)})" if results else ""
    lines = ["(module (table funcref (elem", *(f"$f{i}" for i in range(len(signatures))), "))"]
    for i, signature in enumerate(signatures):
        lines.append(f"(func $f{i} (param i64 {' '.join(signature)}) {result} (local $sum i64)")
        lines.append("(local.set $sum (local.get 0))")
        lines += [f"(local.set $sum {_added(type, at)})" for at, type in enumerate(signature, start=1)]
        if i + 1 < len(signatures):
            following = signatures[i + 1]
            given_ = " ".join(_constant(type, next(numbers)) for type in following)
            if draw(st.booleans()):
                lines.append(f"(return_call $f{i + 1} (local.get $sum) {given_}))")
            else:
                wanted = f"(param i64 {' '.join(following)}) {result}"
                lines.append(
                    f"(return_call_indirect {wanted} (local.get $sum) {given_} (i32.const {i + 1})))"
                )
        else:
            lines += [_from_sum(type, at) for at, type in enumerate(results)]
            lines.append(")")
    first = " ".join(_constant(type, next(numbers)) for type in signatures[0])
    lines.append(f'(func (export "run") {result} (call $f0 (i64.const 1) {first})))')
    return "\n".join(lines)


def _constant(type: str, number: int) -> str:
    return f"(v128.const i64x2 {number} 1)" if type == "v128" else f"({type}.const {number})"


def _added(type: str, at: int) -> str:
    value = {
        "i32": "(i64.extend_i32_u {})",
        "i64": "{}",
        "f32": "(i64.trunc_f32_s {})",
        "f64": "(i64.trunc_f64_s {})",
        "v128": "(i64x2.extract_lane 0 {})",
    }[type].format(f"(local.get {at})")
    return f"(i64.add (i64.mul (local.get $sum) (i64.const 31)) {value})"


def _from_sum(type: str, at: int) -> str:
    part = f"(i32.wrap_i64 (i64.shr_u (local.get $sum) (i64.const {at})))"
    return {
        "i32": part,
        "i64": f"(i64.add (local.get $sum) (i64.const {at}))",
        "f32": f"(f32.convert_i32_s {part})",
        "f64": f"(f64.convert_i32_s {part})",
    }[type]


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(wat=chains())
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_chains_of_any_types_give_what_another_engine_gives(wat: str, configuration: str) -> None:
    tier, knobs = CONFIGURATIONS[configuration]
    ours = call(instance(store(tier, **knobs), wat), "run")
    assert ours == _expected(wat)


def _expected(wat: str) -> list[int]:
    """wasmtime's results, as bit patterns."""
    theirs = wasmtime.Store(wasmtime.Engine())
    made = wasmtime.Instance(theirs, wasmtime.Module(theirs.engine, binary(wat)), [])
    run = made.exports(theirs)["run"]
    assert isinstance(run, wasmtime.Func)
    found = run(theirs)
    values = found if isinstance(found, list) else [] if found is None else [found]
    types = run.type(theirs).results
    return [_bits(str(type), value) for type, value in zip(types, values, strict=True)]


def _bits(type: str, value: float) -> int:
    if type in ("f32", "f64"):
        packed = struct.pack("<f" if type == "f32" else "<d", value)
        return int.from_bytes(packed, "little")
    return int(value) % (1 << int(type[1:]))
