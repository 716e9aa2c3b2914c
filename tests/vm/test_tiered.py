"""Interpreted and compiled functions in one store: everything that crosses the border between them."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.vm.engines import call, instance, module, module_of_ours, store
from vm.config import Config
from vm.errors import CompileError, Trap, TrapCode
from vm.isa.types import FuncType, ValType
from vm.jit.counts import Counts
from vm.jit.objects import objects
from vm.jit.scheduler import Priority
from vm.memory.native import peek
from vm.module.model import ModuleData
from vm.runtime.instance import Instance
from vm.runtime.instantiate import instantiate
from vm.runtime.layout import RECORD_NATIVE
from vm.runtime.store import Store
from vm.tiers.policy import Looks, Policy
from vm.tiers.tiered import TieredTier, hints

I32 = ValType.I32
APART = {"tier_waits": True, "tier_observes": 0, "whole_module_bytes": 0, "batch_bytes": 1}
"""Each function is compiled alone."""


START = {"tier_start": "baseline"}
"""What the tier starts in, as the fixture ``start`` says."""


@pytest.fixture(params=["baseline", "threaded"])
def start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever uses this runs once from each kind of code that the tier can start in."""
    monkeypatch.setitem(START, "tier_start", request.param)


UNSEEN: Looks = tuple
"""Policies that go by numbers alone do not look at functions."""


def world(**knobs: object) -> Store:
    return store("tiered", **{**APART, **START, **knobs})


def promote(i: Instance, *indices: int) -> None:
    """Compile these functions, and no others."""
    tier = i.store.runner
    assert isinstance(tier, TieredTier)
    for index in indices:
        tier.promote(i.functions[index])


def compiled(i: Instance) -> list[bool]:
    """Whether each function has code of its own for compiled callers."""
    return [peek(function.record + RECORD_NATIVE) != 0 for function in i.functions]


def every_mix(count: int) -> list[tuple[int, ...]]:
    """Every choice of functions out of so many."""
    return [mix for size in range(count + 1) for mix in itertools.combinations(range(count), size)]


CHAIN = """(module $m
  (import "" "h" (func $h (param i32) (result i32)))
  (memory 1) (tag $e (param i32 i64)) (tag $other)
  (func $leaf (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 1)) (then (unreachable)))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (drop (i32.load (i32.const -1)))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $e (local.get 0) (i64.const -7))))
    (if (i32.eq (local.get 0) (i32.const 4)) (then (drop (memory.grow (i32.const 1)))))
    (i32.add (call $h (local.get 0)) (i32.const 1)))
  (func $one (param i32) (result i32) (i32.add (call $leaf (local.get 0)) (i32.const 10)))
  (func $two (param i32) (result i32)
    (block $no
      (return (i32.add (i32.const 100)
        (try_table (result i32) (catch $other $no) (call $one (local.get 0))))))
    (unreachable))
  (func $three (export "f") (param i32) (result i32) (local i64)
    (local.set 1 (i64.const 5))
    (block $caught (result i32 i64)
      (try_table (catch $e $caught) (return (i32.add (call $two (local.get 0)) (i32.const 1000))))
      (unreachable))
    (local.set 1 (i64.add (local.get 1)))
    (drop)
    (i32.sub (i32.const 5000) (i32.wrap_i64 (local.get 1)))))"""


def chain(host: object, mix: Sequence[int], **knobs: object) -> Instance:
    s = world(**knobs)
    made: list[Instance] = []

    def run(args: Sequence[int]) -> Sequence[int]:
        assert callable(host)
        return [host(made[0], args[0])]

    made.append(instance(s, CHAIN, [s.host_function(FuncType((I32,), (I32,)), run)]))
    promote(made[0], *(1 + index for index in mix))
    return made[0]


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("mix", every_mix(4))
def test_results_traps_and_exceptions_cross_the_border(mix: tuple[int, ...]) -> None:
    """Every choice of compiled functions in a chain of four gives the same: results, traces, who catches."""
    i = chain(lambda _, n: n, mix)
    for _ in range(2):
        assert call(i, "f", 10) == [10 + 1 + 10 + 100 + 1000]
        assert call(i, "f", 3) == [5000 - (5 - 7)]
        assert call(i, "f", 4) == [4 + 1 + 10 + 100 + 1000]
        for number, code in ((1, TrapCode.UNREACHABLE), (2, TrapCode.MEMORY_OUT_OF_BOUNDS)):
            with pytest.raises(Trap) as caught:
                call(i, "f", number)
            assert caught.value.code is code
            assert [frame.function_name for frame in caught.value.frames] == ["leaf", "one", "two", "three"]


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("mix", every_mix(4))
def test_what_a_host_function_raises_passes_frames_of_both_kinds(mix: tuple[int, ...]) -> None:
    """And calls through the host begin anew: the frames of both stretches are there, innermost first."""
    error = KeyError("mine")

    def fail(_: Instance, number: int) -> int:
        if number == 11:
            raise error
        return call(i, "f", 1 if number == 12 else 11)[0]

    i = chain(fail, mix)
    with pytest.raises(KeyError) as caught:
        call(i, "f", 11)
    assert caught.value is error
    frames = ["leaf", "one", "two", "three"]
    assert [line.split("m!")[1] for line in error.__notes__[0].splitlines()[1:]] == frames
    with pytest.raises(Trap) as trapped:
        call(i, "f", 12)
    assert [frame.function_name for frame in trapped.value.frames] == frames * 2
    with pytest.raises(KeyError):
        call(i, "f", 13)


RECURSION = """(module (global $depth (mut i32) (i32.const 0))
  (table funcref (elem $a $b $c))
  (func $a (export "a") (global.set $depth (i32.add (global.get $depth) (i32.const 1))) (call $b))
  (func $b (export "b") (call_indirect (i32.const 2)))
  (func $c (export "c") (call $a))
  (func (export "depth") (result i32) (global.get $depth)))"""


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("mix", every_mix(3))
def test_endless_recursion_through_both_kinds_exhausts_the_stack(mix: tuple[int, ...]) -> None:
    i = instance(world(max_wasm_stack=1 << 18), RECURSION)
    promote(i, *mix)
    for name in "abca":
        with pytest.raises(Trap) as caught:
            call(i, name)
        assert caught.value.code is TrapCode.STACK_OVERFLOW
        names = [frame.function_name for frame in caught.value.frames]
        assert len(names) > 30
        assert all((a, b) in {("a", "c"), ("b", "a"), ("c", "b")} for a, b in itertools.pairwise(names))
    assert call(i, "depth")[0] > 1_000


TAILS = """(module
  (type $t (func (param i32 i64 v128 f32 f64 i32 i32 i32) (result i32 i64 v128 i32)))
  (table funcref (elem $even $odd $third))
  (func $even (export "even") (type $t)
    (if (i32.eqz (local.get 0)) (then
      (return (local.get 5) (local.get 1) (local.get 2) (local.get 6))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1))
      (local.get 2) (local.get 3) (local.get 4) (local.get 6) (local.get 7) (local.get 5)))
  (func $odd (export "odd") (type $t)
    (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1))
      (i64.add (local.get 1) (i64.const 1))
      (local.get 2) (local.get 3) (local.get 4) (local.get 6) (local.get 7) (local.get 5) (i32.const 2)))
  (func $third (export "third") (type $t)
    (return_call $even (local.get 0) (local.get 1)
      (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7))))"""


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("mix", every_mix(3))
def test_tail_calls_across_the_border_use_no_stack(mix: tuple[int, ...]) -> None:
    """More than half a million of them, with more arguments than there are registers for."""
    i = instance(world(max_wasm_stack=1 << 16), TAILS)
    promote(i, *mix)
    wide = 0x0123456789ABCDEF_FEDCBA9876543210
    for name in ("even", "third"):
        assert call(i, name, 300_000, 1, wide, 0, 0, 5, 6, 7) == [5, 300_001, wide, 6]


@pytest.mark.usefixtures("start")
def test_a_tail_call_into_another_instance() -> None:
    """Its context and memory are its own, whoever went there."""
    text = """(module (import "" "f" (func $f (param i32) (result i32))) (memory 1)
      (func (export "g") (param i32) (result i32)
        (i32.store (i32.const 0) (local.get 0))
        (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
        (return_call $f (i32.sub (local.get 0) (i32.const 1)))))"""
    first = """(module (import "" "g" (func $g (param i32) (result i32))) (memory 1)
      (func (export "g") (param i32) (result i32)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (return_call $g (local.get 0)))
      (func (export "count") (result i32) (i32.load (i32.const 0))))"""
    for mix in every_mix(2):
        s = world(max_wasm_stack=1 << 16)
        last = instance(s, text, [s.host_function(FuncType((I32,), (I32,)), lambda args: [args[0] + 7])])
        i = instance(s, first, [last.functions[1]])
        j = instance(s, text, [i.functions[1]])
        for number, made in enumerate((i, last)):
            if number in mix:
                promote(made, 1)
        if len(mix) == 1:
            promote(j, 1)
        assert call(j, "g", 5) == [5 - 1 - 1 + 7]
        assert call(j, "g", 0) == [42]
        assert call(i, "count") == [1]


OBJECTS = """(module (type $pair (struct (field (ref null $pair)) (field i32)))
  (import "" "collect" (func $collect))
  (func $deep (param (ref $pair)) (result i32)
    (call $collect) (struct.get $pair 1 (local.get 0)))
  (func $pass (param (ref $pair) (ref $pair)) (result (ref $pair) (ref $pair)) (local $own (ref $pair))
    (local.set $own (struct.new $pair (local.get 0) (i32.const 6000)))
    (call $collect)
    (drop (call $deep (struct.new $pair (ref.null $pair) (i32.const 1))))
    (struct.new $pair (local.get $own) (i32.const 7000))
    (local.get 1))
  (func (export "f") (result i32) (local $kept (ref null $pair)) (local $sum i32)
    (local.set $kept (struct.new $pair (ref.null $pair) (i32.const 1)))
    (struct.new $pair (struct.new $pair (local.get $kept) (i32.const 20)) (i32.const 300))
    (local.set $sum (call $deep (struct.new $pair (ref.null $pair) (i32.const 50000))))
    (struct.new $pair (ref.null $pair) (i32.const 4000))
    (call $pass)
    (call $collect)
    (local.set $kept)
    (local.set $sum (i32.add (local.get $sum) (struct.get $pair 1 (local.get $kept))))
    (local.set $kept)
    (call $collect)
    (local.set $sum (i32.add (local.get $sum) (struct.get $pair 1 (local.get $kept))))
    (local.set $kept (struct.get $pair 0 (local.get $kept)))
    (local.set $sum (i32.add (local.get $sum) (struct.get $pair 1 (local.get $kept))))
    (i32.add (local.get $sum)
      (struct.get $pair 1 (struct.get $pair 0 (local.get $kept))))))"""


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("mix", every_mix(3))
@pytest.mark.parametrize("stress", [False, True])
def test_a_collection_finds_what_frames_of_both_kinds_hold(mix: tuple[int, ...], stress: bool) -> None:
    s = world(gc_stress=stress)

    def collect(args: Sequence[int]) -> list[int]:
        s.heap.collect()
        return []

    i = instantiate(s, module_of_ours(OBJECTS), [s.host_function(FuncType(), collect)])
    promote(i, *(1 + index for index in mix))
    for _ in range(3):
        assert call(i, "f") == [50_000 + 4_000 + 7_000 + 6_000 + 300]


@pytest.mark.usefixtures("start")
def test_counters_run_out_and_everybody_gets_the_compiled_code() -> None:
    """In all instances, those made later too; and in a loop, at the next call."""
    text = """(module
      (func $f (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func (export "g") (param i32) (result i32)
        (loop $again (local.set 0 (i32.sub (call $f (local.get 0)) (i32.const 2)))
          (br_if $again (i32.gt_s (local.get 0) (i32.const 0)))) (local.get 0)))"""
    data = module(text)
    s = world(tier_calls=5, tier_trips=7)
    first, second = instantiate(s, data, []), instantiate(s, data, [])
    for _ in range(4):
        assert call(first, "f", 1) == [2]
    assert compiled(first) == [False, False]
    assert call(second, "f", 1) == [2]
    assert compiled(first) == compiled(second) == [True, False]
    assert call(second, "g", 7) == [0]
    assert compiled(first) == compiled(second) == [True, True]
    third = instantiate(s, data, [])
    assert compiled(third) == [True, True]
    assert call(third, "g", 100) == [0]


@pytest.mark.usefixtures("start")
def test_what_llvm_refuses_stays_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    s = world(tier_calls=1)
    monkeypatch.setattr("vm.tiers.llvm.program.MOST_MOVES", -1)
    text = """(module (func (export "f") (param i32) (result i32 i32 i32 i32)
      (local.get 0) (local.get 0) (local.get 0) (local.get 0)))"""
    i = instance(s, text)
    for _ in range(3):
        assert call(i, "f", 4) == [4] * 4
    assert compiled(i) == [False]


def test_threads_share_a_module_while_it_is_compiled() -> None:
    text = """(module (func $fib (export "fib") (param i32) (result i32)
      (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
      (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
               (call $fib (i32.sub (local.get 0) (i32.const 2))))))"""
    data, tier = module(text), TieredTier(world(tier_calls=40).config)
    results: list[list[int]] = []

    def run(data: ModuleData = data) -> None:
        i = instantiate(Store(tier, world(tier_calls=40).config), data, [])
        results.append([value for n in range(15) for value in call(i, "fib", n)])

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377]] * 4


def test_nothing_is_left_of_a_module_that_is_gone() -> None:
    s = world(tier_calls=1)
    i = instance(s, '(module (func (export "f") (result i32) (i32.const 3)))')
    assert call(i, "f") == [3]
    gone = weakref.ref(i.module)
    del s, i
    gc.collect()
    assert gone() is None


LOOPS = """(module (type $pair (struct (field i32)))
  (memory 1) (tag $e)
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "sum") (param i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (call $add (local.get $sum) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func (export "nest") (param $n i32) (result i64) (local $i i32) (local $j i32) (local $sum i64)
    (i64.const 7)
    (i32.eqz (local.get $n))
    (loop $outer (param i64 i32) (result i64 i32)
      (local.set $j (i32.const 3))
      (i64.mul (i64.extend_i32_u (local.get $i)) (i64.const 100))
      (i32.gt_s (local.get $i) (i32.const 2))
      (f32.convert_i32_s (local.get $i))
      (v128.load (i32.const 0))
      (block $skip
        (br_if $skip (i32.eq (local.get $i) (i32.const 1)))
        (loop $inner
          (local.set $sum (i64.add (local.get $sum) (i64.const 1)))
          (local.set $j (i32.sub (local.get $j) (i32.const 1)))
          (br_if $inner (i32.gt_s (local.get $j) (i32.const 0)))))
      (i32x4.extract_lane 0) (drop)
      (i64.trunc_f32_s) (local.set $sum (i64.add (local.get $sum)))
      (i64.extend_i32_u) (local.set $sum (i64.add (local.get $sum)))
      (local.set $sum (i64.add (local.get $sum)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_s (local.get $i) (local.get $n))))
    (i64.extend_i32_u)
    (i64.add)
    (i64.add (local.get $sum)))
  (func (export "objects") (param $n i32) (result i32)
    (local $one (ref null $pair)) (local $sum i32)
    (local.set $one (struct.new $pair (i32.const 1)))
    (struct.new $pair (i32.const 1000))
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (struct.get $pair 0 (struct.new $pair (struct.get $pair 0 (local.get $one))))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.add (struct.get $pair 0) (local.get $sum)))
  (func (export "trap") (param $n i32) (result i32)
    (loop $again (result i32)
      (drop (i32.div_u (i32.const 1) (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (br $again)))
  (func $count (export "tail") (param $n i32) (param $k i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (local.get $k))))
    (loop $again
      (br_if $again (i32.rem_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 8))))
    (return_call $count (i32.sub (local.get $n) (i32.const 1)) (local.get $k)))
  (func (export "caught") (param $n i32) (result i32) (local $c i32)
    (loop $again
      (block $out (try_table (catch $e $out)
        (loop $in (br_if $in (i32.rem_u (local.tee $c (i32.add (local.get $c) (i32.const 1))) (i32.const 3))))
        (throw $e)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $c))
  (func (export "many") (param $n i32) (result i32 i64 v128 i32) (local $v v128)
    (local.set $v (i32x4.splat (i32.const 3)))
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.const 1) (i64.const 2) (local.get $v) (i32.const 4)))"""
CALLS: list[tuple[str, tuple[int, ...]]] = [
    ("sum", (10,)),
    ("nest", (6,)),
    ("objects", (20,)),
    ("tail", (4_000, 0)),
    ("caught", (5,)),
    ("many", (9,)),
]


@pytest.mark.usefixtures("start")
@pytest.mark.parametrize("trips", [1, 2, 3, 5])
@pytest.mark.parametrize("level", [0, 3])
def test_a_loop_goes_on_in_compiled_code(trips: int, level: int) -> None:
    """Wherever it gets there: results are the oracle's, whatever waits on the stack, in locals, around it."""
    data = module_of_ours(LOOPS)
    expected = instantiate(store("reference"), data, [])
    for name, args in CALLS:
        knobs = {"tier_trips": trips, "tier_calls": 1 << 40, "opt_level": level, "gc_stress": True}
        i = instantiate(world(**knobs, max_wasm_stack=1 << 16), data, [])
        right = call(expected, name, *args)
        assert call(i, name, *args) == right, name
        assert call(i, name, *args) == right, name
    i = instantiate(world(**knobs), data, [])
    with pytest.raises(Trap) as caught:
        call(i, "trap", 20)
    assert caught.value.code is TrapCode.INTEGER_DIVISION_BY_ZERO
    assert len(caught.value.frames) == 1


@pytest.mark.usefixtures("start")
def test_only_calls_that_last_need_code_to_enter_in_their_middle() -> None:
    """Short ones soon end, and the next enters the function's code at its start: the loop's is not made."""
    text = """(module (func (export "f") (param $n i32)
      (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""
    for rounds, loops in ((10, 0), (300, 1)):
        i = instance(world(tier_trips=100, tier_calls=1 << 40), text)
        for _ in range(300 // rounds):
            call(i, "f", rounds)
        tier = i.store.runner
        assert isinstance(tier, TieredTier)
        stats = tier.stats()
        assert (stats["compiled_functions"], stats["compiled_loops"]) == (1, loops), rounds


@pytest.mark.parametrize(("start", "count"), [("baseline", 4_000_000_000), ("threaded", 400_000_000)])
def test_code_is_made_while_the_program_goes_on(start: str, count: int) -> None:
    """One long loop: it starts in another tier's code, and ends compiled, though it is entered once."""
    text = """(module (func $add (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
      (func (export "f") (param $n i64) (result i64) (local $sum i64)
        (loop $again
          (local.set $sum (call $add (local.get $sum) (local.get $n)))
          (br_if $again (i32.eqz (i64.eqz (local.tee $n (i64.sub (local.get $n) (i64.const 1)))))))
        (local.get $sum)))"""
    s = store("tiered", tier_start=start, tier_trips=1_000, cache_bytes=0)
    i = instance(s, text)
    tier = s.runner
    assert isinstance(tier, TieredTier)
    assert call(i, "f", count) == [count * (count + 1) // 2]  # half a minute if nothing is made meanwhile
    assert tier.stats()["compiled_loops"] == 1
    assert call(i, "f", 10) == [55]


def test_code_that_cannot_be_made_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def fail(*_: object) -> None:
        asked.append(1)
        raise CompileError("the compiler is ill")

    monkeypatch.setattr("vm.jit.library.obtain", fail)
    i = instance(world(tier_calls=2), '(module (func (export "f") (result i32) (i32.const 3)))')
    for _ in range(9):
        assert call(i, "f") == [3]
    assert asked == [1]
    tier = i.store.runner
    assert isinstance(tier, TieredTier)
    assert (tier.stats()["refused"], tier.stats()["waiting"]) == (1, 0)


def test_thresholds_follow_what_compiling_costs() -> None:
    policy = Policy(Config(tier="tiered", tier_calls=100, tier_trips=1_000), "baseline")
    assert policy.counting(0, UNSEEN) == (100, 1_000)
    for _ in range(100):
        policy.learn(1.0, 10, UNSEEN)  # a tenth of a second a byte: far too dear
    assert policy.counting(0, UNSEEN) == (400, 4_000)
    for _ in range(100):
        policy.learn(0.0, 10, UNSEEN)
    assert policy.counting(0, UNSEEN) == (25, 250)


def test_compilers_are_not_started_for_what_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("vm.tiers.policy.time.monotonic", lambda: now[0])
    policy = Policy(Config(tier="tiered", tier_patience=200), "baseline")
    assert policy.patient()
    now[0] += 0.1
    assert policy.patient()
    now[0] += 0.2
    assert not policy.patient()


def test_looks_at_code_to_come_are_as_far_apart_as_they_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a round takes: a quick loop soon makes more of them between two looks, a slow one fewer."""
    now = [50.0]
    monkeypatch.setattr("vm.tiers.policy.time.monotonic", lambda: now[0])
    policy = Policy(Config(tier="tiered", tier_trips=1_000), "baseline")
    for counter, seconds in ((1, 1e-9), (2, 1e-3)):
        rounds = policy.again(counter, (0, 5))
        assert rounds == 1_000
        for _ in range(10):
            now[0] += rounds * seconds
            rounds = policy.again(counter, (0, 5))
        assert 0.9 <= rounds * seconds / 0.002 <= 1.1


def test_what_takes_much_of_the_time_is_compiled_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is: a short function that is called all the time, or a long one that takes as long."""
    monkeypatch.setattr("vm.tiers.policy.time.monotonic", lambda: 51.0)
    policy = Policy(Config(tier="tiered"), "baseline")
    for rounds, size in ((1_000_000, 1_000), (10_000_000, 100)):  # a fifth of the second
        assert policy.priority((0, None), policy.share(rounds, size, 50.0)) is Priority.HIGH
        assert policy.priority((0, None), policy.share(rounds // 10, size, 50.0)) is Priority.NORMAL
        assert policy.priority((0, None), policy.share(rounds // 100, size, 50.0)) is Priority.LOW
    assert policy.priority((0, None), None) is Priority.NORMAL
    assert policy.priority((0, 5), 0.0) is Priority.HIGH


def test_thresholds_suit_the_tier_that_programs_start_in() -> None:
    config = Config(tier="tiered")
    baseline, threaded = (Policy(config, start).counting(0, UNSEEN) for start in ("baseline", "threaded"))
    assert all(slow == 10 * quick for slow, quick in zip(baseline, threaded, strict=True))


BRIEF = """
import sys
from tests.vm.engines import call, instance, store
from vm.tiers.tiered import TieredTier
s = store("tiered", cache_folder=sys.argv[1], tier_calls=4, tier_observes=1, compile_afterwards=60)
i = instance(s, '(module (func (export "f") (param i32) (result i32) (local.get 0)))')
for number in range(6):
    assert call(i, "f", number) == [number]
print(*(int(s.runner.stats()[name]) for name in ("cached_functions", "compiled_functions")))
"""


def test_what_a_program_too_short_for_compilers_runs_often_is_there_at_its_third_start(
    tmp_path: Path,
) -> None:
    """It is noted by the first one, with what it counted, made so after the second, and used from the first
    call on by the third; the second finds what the first one has translated.
    """
    command = [sys.executable, "-c", BRIEF, str(tmp_path)]
    for files, found in ((3, "0 0"), (4, "1 0"), (4, "1 1")):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert (done.stdout.strip(), done.stderr) == (found, "")
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("*.code"))) < files:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_what_was_counted_stays_known(tmp_path: Path) -> None:
    """Starts that count nothing, and learn of other places, do not unlearn it."""
    config, place = Config(tier="tiered", cache_folder=str(tmp_path)), (3, None)
    counts = Counts("", {3: 5}, {7: [1, 2]}, {})
    first = hints.Hints(b"a module", config)
    first.learn(place, counts)
    first.learn(place)
    hints.keep()
    second = hints.Hints(b"a module", config)
    second.learn(place)
    second.learn((4, 9))
    hints.keep()
    third = hints.Hints(b"a module", config)
    assert third.known == {place: counts.key, (4, 9): ""}
    assert third.counts(counts.key) == counts.to_bytes()


def test_a_start_with_a_profile_goes_by_that(tmp_path: Path) -> None:
    """Not by what an earlier start counted; nor does it keep those to come from their own counts."""
    config, place = Config(tier="tiered", cache_folder=str(tmp_path)), (3, None)
    counts = Counts("", {3: 5}, {7: [1, 2]}, {})
    hints.Hints(b"a module", config).learn(place, counts)
    hints.keep()
    informed = config.with_(profile="counts.json")
    first = hints.Hints(b"a module", informed)
    assert first.known == {}
    first.learn(place)
    hints.keep()
    assert hints.Hints(b"a module", informed).known == {place: ""}
    assert hints.Hints(b"a module", config).known == {place: counts.key}


def test_damaged_hints_are_none(tmp_path: Path) -> None:
    config = Config(tier="tiered", cache_folder=str(tmp_path))
    for content in (b"no pairs of numbers", bytes(24)):
        hints.Hints(b"a module", config).learn((3, None))
        hints.keep()
        assert hints.Hints(b"a module", config).known == {(3, None): ""}
        (path,) = tmp_path.glob("*.code")
        objects(config).store(path.stem, content)
        assert hints.Hints(b"a module", config).known == {}
        path.unlink()


def test_hints_of_another_module_do_no_harm(tmp_path: Path) -> None:
    """They may name functions that this one does not have."""
    knobs = {"cache_folder": str(tmp_path), "opt_level": 1}
    data = module('(module (func (export "f") (result i32) (i32.const 3)))')
    made = instantiate(store("tiered", **knobs, tier_waits=True, tier_observes=0, tier_calls=1), data, [])
    assert call(made, "f") == [3]
    known = hints.Hints(data.binary, Config(tier="tiered").with_(**knobs))
    for index in (-7, 0, 1_000):
        known.learn((index, None))
    hints.keep()
    i = instantiate(store("tiered", **knobs), data, [])
    assert call(i, "f") == [3]
    tier = i.store.runner
    assert isinstance(tier, TieredTier)
    assert tier.stats()["compiled_functions"] == 1


@pytest.mark.usefixtures("start")
def test_a_counter_that_runs_out_changes_no_local_whatever_is_in_registers_at_the_end() -> None:
    """The code behind a function's last instruction that asks where to go on stores no values of that one."""
    calls = "(call $g)" * 6  # so many that no local has a register for the whole function
    wat = f"""(module (func $g) (func (export "f") (param i32 i32) (result i32) (local i32) {calls}
      (local.set 2 (i32.mul (local.get 0) (i32.const 3)))
      (i32.add (i32.add (local.get 2) (local.get 1)) (i32.const 1))
      (local.set 1 (i32.xor (local.get 0) (i32.const 5)))))"""
    s = world(tier_waits=False, tier_calls=3, tier_patience=1 << 30, cache_bytes=0)
    i = instance(s, wat)
    assert [call(i, "f", n, 7 * n) for n in range(20)] == [[10 * n + 1] for n in range(20)]
