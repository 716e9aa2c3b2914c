"""Exceptions: what the suite leaves open: the host's side, boundaries, state that handlers find intact."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import vm.api as api
from tests.spec.gaps import Gaps
from tests.vm import engines
from vm.errors import TextError, Trap, TrapCode, ValidationError
from vm.tiers import TIERS

THROWING = [tier for tier in TIERS if not Gaps().of("throw.wast", tier).whole]
"""The tiers that have exceptions: one that lacks them stands in the list of gaps, which is strict."""

every_tier = pytest.mark.parametrize("tier", THROWING)


class World:
    """One module in a store of its own on a tier."""

    def __init__(
        self,
        tier: str,
        wat: str,
        imports: Callable[[api.Store], list[Any]] = lambda store: [],
        **knobs: object,
    ) -> None:
        config = api.Config()
        config.tier = tier
        for name, value in knobs.items():
            setattr(config, name, value)
        self.store = api.Store(api.Engine(config))
        module = api.Module(self.store.engine, wat)
        self.exports = api.Instance(self.store, module, imports(self.store)).exports(self.store)

    def call(self, name: str, *args: Any) -> Any:
        function = self.exports[name]
        assert isinstance(function, api.Func)
        return function(self.store, *args)

    def tag(self, name: str) -> api.Tag:
        found = self.exports[name]
        assert isinstance(found, api.Tag)
        return found


THROWS = """(module
  (import "h" "h" (func $h (param i32)))
  (tag $t (export "t") (param i32 i64 f32 f64 v128 externref))
  (tag $e (export "e") (param i32))
  (tag $other)
  (func $inner (param externref)
    (throw $t (i32.const -1) (i64.const -2) (f32.const 0.5) (f64.const -0.25)
      (v128.const i64x2 3 4) (local.get 0)))
  (func (export "throw") (param externref) (call $inner (local.get 0)))
  (func (export "catch") (result i32)
    (block $caught (result i32)
      (try_table (catch $e $caught) (call $h (i32.const 1)))
      (i32.const -1)))
  (func (export "catch_all") (result i32)
    (block $caught
      (try_table (catch_all $caught) (call $h (i32.const 1)))
      (return (i32.const -1)))
    (i32.const 7))
  (func (export "pass")
    (block $caught (try_table (catch $other $caught) (call $h (i32.const 2)))))
  (func (export "hold") (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $h (i32.const 3)))
      (ref.null exn)))
  (func (export "again") (param exnref) (throw_ref (local.get 0))))"""


def _throwing(thrown: list[BaseException]) -> Callable[[api.Store], list[Any]]:
    """Imports: a host function that raises the newest of ``thrown``."""

    def host(number: int) -> None:
        raise thrown[-1]

    return lambda store: [api.Func(store, api.FuncType([api.ValType.i32()], []), host)]


@every_tier
def test_what_nothing_catches_is_raised_with_its_tag_its_values_and_its_frames(tier: str) -> None:
    world = World(tier, THROWS, _throwing([]))
    something = object()
    with pytest.raises(api.Exn) as caught:
        world.call("throw", something)
    assert caught.value.tag == world.tag("t")
    assert caught.value.payload == [-1, -2, 0.5, -0.25, 4 << 64 | 3, something]
    assert [frame.func_name for frame in caught.value.frames] in (["inner", None], [None])  # LLVM inlines
    assert caught.value.trap_code is TrapCode.UNCAUGHT_EXCEPTION


@every_tier
def test_a_host_function_throws_and_code_catches(tier: str) -> None:
    thrown: list[BaseException] = []
    world = World(tier, THROWS, _throwing(thrown))
    thrown.append(api.Exn(world.store, world.tag("e"), [-42]))
    assert world.call("catch") == -42
    assert world.call("catch_all") == 7
    with pytest.raises(api.Exn) as passed:
        world.call("pass")
    assert passed.value is thrown[0]
    assert world.call("hold") is thrown[0]
    with pytest.raises(api.Exn) as again:
        world.call("again", thrown[0])
    assert again.value is thrown[0]


@every_tier
@pytest.mark.parametrize("error", [ValueError("own"), Trap("host"), KeyboardInterrupt()])
def test_nothing_but_exceptions_of_its_own_is_caught(tier: str, error: BaseException) -> None:
    world = World(tier, THROWS, _throwing([error]))
    for name in ("catch", "catch_all", "hold", "pass"):
        with pytest.raises(type(error)) as caught:
            world.call(name)
        assert caught.value is error


@every_tier
def test_traps_are_not_caught_and_null_is_one(tier: str) -> None:
    world = World(
        tier,
        """(module (memory 1)
          (func (export "f") (param i32) (result i32)
            (block $caught
              (try_table (result i32) (catch_all $caught)
                (i32.div_u (i32.load (local.get 0)) (i32.const 0)))
              (return))
            (i32.const 1))
          (func (export "null") (block $caught (try_table (catch_all $caught) (throw_ref (ref.null exn)))))
          (func $deep (export "deep") (block $caught (try_table (catch_all $caught) (call $deep)))))""",
    )
    for name, args, code in (
        ("f", (0,), TrapCode.INTEGER_DIVISION_BY_ZERO),
        ("f", (-1,), TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("null", (), TrapCode.NULL_EXCEPTION),
        ("deep", (), TrapCode.STACK_OVERFLOW),
    ):
        with pytest.raises(Trap) as caught:
            world.call(name, *args)
        assert caught.value.trap_code is code


NESTED = """(module
  (import "h" "call" (func $host (param i32)))
  (tag $e (export "e") (param i32))
  (func (export "down") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $e $caught) (call $host (local.get 0)))
      (return (i32.const -1)))
    (i32.add (i32.const 100)))
  (func (export "throw") (param i32) (throw $e (local.get 0))))"""


@every_tier
def test_exceptions_go_through_python_frames_as_python_exceptions(tier: str) -> None:
    """Code calls the host, which calls code: each entry has handlers of its own."""
    seen = []

    def host(number: int) -> None:
        try:
            world.call("throw", number)
        except api.Exn as thrown:
            seen.append(thrown.payload)
            if number > 1:
                raise
        finally:
            seen.append([0])

    imports = lambda store: [api.Func(store, api.FuncType([api.ValType.i32()], []), host)]  # noqa: E731
    world = World(tier, NESTED, imports)
    assert world.call("down", 5) == 105
    assert world.call("down", 1) == -1
    assert seen == [[5], [0], [1], [0]]


STATE = """(module
  (tag $e (param i32))
  (global $g (mut i32) (i32.const 0))
  (memory 1)
  (func $maybe (param $i i32)
    (global.set $g (i32.add (global.get $g) (local.get $i)))
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (if (i32.eqz (i32.rem_u (local.get $i) (i32.const 3))) (then (throw $e (local.get $i)))))
  (func (export "run") (param $n i32) (result i64)
    (local $i i32) (local $before i32) (local $during i32) (local $sum i64) (local $f f64) (local $p i32)
    (local.set $p (i32.const 1000))
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (local.set $before (i32.mul (local.get $i) (i32.const 7)))
      (local.get $sum)
      (block $caught (result i32)
        (try_table (catch $e $caught)
          (local.set $during (i32.mul (local.get $i) (i32.const 11)))
          (local.set $f (f64.add (local.get $f) (f64.const 1.5)))
          (call $maybe (local.get $i))
          (local.set $during (i32.const 5))
          (local.set $p (i32.sub (local.get $p) (i32.const 1))))
        (i32.const -1))
      (i32.add (local.get $before))
      (i32.add (local.get $during))
      (i64.add (i64.extend_i32_s))
      (i64.add (i64.trunc_f64_s (local.get $f)))
      (i64.add (i64.extend_i32_s (local.get $p)))
      (local.set $sum)
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (i64.add (local.get $sum) (i64.extend_i32_s (i32.add (global.get $g) (i32.load (i32.const 0)))))))"""


def _expected(n: int) -> int:
    total, f, p, g = 0, 0.0, 1000, 0
    for i in range(1, n + 1):
        g += i
        f += 1.5
        caught = i % 3 == 0
        during = i * 11 if caught else 5
        p -= not caught
        total += (i if caught else -1) + i * 7 + during + int(f) + p
    return total + g + n


@every_tier
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_handlers_find_locals_operands_globals_and_memory_as_they_were_left(tier: str, level: int) -> None:
    world = World(tier, STATE, opt_level=level)
    assert world.call("run", 100) == _expected(100)


LEAVE = """(module
  (tag $e) (tag $out)
  (func $throw (throw $e))
  (func (export "f") (param $way i32) (result i32) (local $n i32)
    (block $outer (block $all
      (try_table (catch_all $all)
        (loop $again
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (block $left
            (try_table (catch $out $left)
              (block $b3 (block $b2 (block $b1 (block $b0
                (try_table (catch $out $left)
                  (br_table $b0 $b1 $left $again $outer (local.get $way)))
              ) (br_if $left (local.get $way)) (br $left)) (br_if $left (local.get $way)))
                (return (i32.const 50))))
              (return (i32.const 60)))
          (if (i32.eq (local.get $n) (i32.const 1)) (then
            (local.set $way (i32.const 4))
            (br $again)))))
      (return (i32.const 70)))
      (return (i32.const 80)))
    ;; all handlers have been left: this reaches the caller
    (block $mine (try_table (catch $e $mine) (call $throw)))
    (call $throw)
    (i32.const 90)))"""


@every_tier
@pytest.mark.parametrize("way", [0, 1, 2, 4, 9])
def test_branches_out_of_a_try_leave_its_handlers(tier: str, way: int) -> None:
    world = World(tier, LEAVE)
    with pytest.raises(api.Exn):
        world.call("f", way)


def _program(seed: int) -> str:
    """A random nest of both forms of try, with locals set everywhere; returns a checksum of them."""
    rng = random.Random(seed)
    body: list[str] = []

    def statement(depth: int, labels: list[str]) -> None:
        kind = rng.randrange(11 if depth < 5 else 4)
        local = rng.randrange(4)
        if kind in (0, 1):
            body.append(
                f"(local.set {local + 1} (i32.add (i32.mul (local.get {local + 1}) (i32.const 31))"
                f" (i32.add (local.get {rng.randrange(5)}) (i32.const {rng.randrange(100)}))))"
            )
        elif kind == 2:
            body.append(f"(local.set {local + 1} (call $maybe (local.get {rng.randrange(5)})))")
        elif kind == 3 and labels:
            body.append(f"(br_if {rng.choice(labels)} (i32.and (local.get {local + 1}) (i32.const 3)))")
        elif kind in (4, 5):
            label, catcher = f"$l{len(body)}", f"$c{len(body)}"
            body.append(f"(block {label} (block {catcher} (result i32)")
            clauses = rng.choice([f"(catch $a {catcher})", f"(catch $b {catcher}) (catch_all {label})"])
            body.append(f"(try_table {clauses}")
            several(depth + 1, [*labels, label])
            body.append(f") (br {label})) (local.set {local + 1}))")
        elif kind in (6, 7):
            body.append("(try (do")
            several(depth + 1, labels)
            end = rng.randrange(4)
            if end == 0:
                body.append(f") (catch $a (local.set {local + 1}))")
            elif end == 1:
                body.append(f") (catch $b (local.set {local + 1})) (catch_all")
                several(depth + 1, labels)
                body.append("(if (i32.and (local.get 1) (i32.const 8)) (then (rethrow 1))))")
            elif end == 2:
                body.append(") (delegate 0)")
            else:
                body.append(")")
            body.append(")")
        elif kind == 10:
            counter = f"$n{depth}"
            body.append(f"(local.set {counter} (i32.const 0)) (loop $again{depth}")
            several(depth + 1, labels)
            body.append(f"(local.set {counter} (i32.add (local.get {counter}) (i32.const 1)))")
            body.append(f"(br_if $again{depth} (i32.lt_u (local.get {counter}) (i32.const 3))))")
        elif kind == 9:  # what a destructor is compiled to
            label, catcher = f"$l{len(body)}", f"$c{len(body)}"
            body.append(
                f"(block {label} (block {catcher} (result exnref) (try_table (catch_all_ref {catcher})"
            )
            several(depth + 1, [*labels, label])
            body.append(f") (br {label})) (local.set $kept)")
            several(depth + 1, [*labels, label])
            body.append("(throw_ref (local.get $kept)))")
        else:
            label = f"$l{len(body)}"
            body.append(f"(block {label}")
            several(depth + 1, [*labels, label])
            body.append(")")

    def several(depth: int, labels: list[str]) -> None:
        for _ in range(rng.randint(1, 4)):
            statement(depth, labels)

    several(0, [])
    several(0, [])
    return f"""(module
      (tag $a (param i32)) (tag $b (param i32))
      (func $maybe (param i32) (result i32)
        (if (i32.eqz (i32.and (local.get 0) (i32.const 5))) (then (throw $a (local.get 0))))
        (if (i32.eqz (i32.and (local.get 0) (i32.const 6))) (then (throw $b (i32.const 77))))
        (i32.add (local.get 0) (i32.const 1)))
      (func (export "f") (param i32) (result i32) (local i32 i32 i32 i32) (local $kept exnref)
        (local $n0 i32) (local $n1 i32) (local $n2 i32) (local $n3 i32) (local $n4 i32)
        {" ".join(body)}
        (i32.add (i32.mul (local.get 1) (i32.const 3)) (i32.add (i32.mul (local.get 2) (i32.const 5))
          (i32.add (i32.mul (local.get 3) (i32.const 7)) (i32.mul (local.get 4) (i32.const 11)))))))"""


@pytest.mark.parametrize("seed", range(24))
def test_random_nests_behave_alike_on_every_tier_and_level(seed: int) -> None:
    wat = _program(seed)
    worlds = [World(tier, wat) for tier in THROWING]
    worlds += [World("llvm", wat, opt_level=0, gc_stress=True)]
    for argument in range(16):
        found = []
        for world in worlds:
            try:
                found.append(world.call("f", argument))
            except api.Exn as thrown:
                found.append(("thrown", thrown.payload))
        assert found[1:] == found[:-1], wat


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("(throw 1)", "unknown tag 1"),
        ("(throw $e)", "type mismatch"),
        ("(try_table (catch $e 0))", "type mismatch"),
        ("(try_table (catch_all 5))", "unknown label 5"),
        ("(throw_ref (i32.const 0))", "type mismatch"),
        ("(rethrow 0)", "invalid rethrow label"),
        ("(try (do (rethrow 0)) (catch_all))", "invalid rethrow label"),
        ("(try (do) (delegate 5))", "unknown label 5"),
        ("(try (do) (catch $e))", "type mismatch"),
    ],
)
def test_invalid(body: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        engines.module_of_ours(f"(module (tag $e (param i32)) (func {body}))")


@pytest.mark.parametrize(
    "body", ["(try)", "(try (catch_all))", "(catch_all)", "(delegate 0)", "try else end"]
)
def test_malformed(body: str) -> None:
    with pytest.raises(TextError, match="unexpected token"):
        engines.module_of_ours(f"(module (func {body}))")


def test_the_host_says_what_does_not_fit() -> None:
    store = api.Store()
    tag = api.Tag(store, api.TagType(api.FuncType([api.ValType.i32()], [])))
    assert tag.type(store).functype.params == [api.ValType.i32()]
    assert not tag.eq(store, api.Tag(store, tag.type(store)))
    with pytest.raises(TypeError, match="takes 1 values, 0 were given"):
        api.Exn(store, tag)
    with pytest.raises(TypeError, match=r"payload\[0\]: i32 takes an int"):
        api.Exn(store, tag, ["x"])


@pytest.mark.parametrize(
    "tier", [pytest.param(tier, marks=[pytest.mark.slow] if tier == "reference" else []) for tier in THROWING]
)
def test_many_handlers_take_no_more_stack_than_the_deepest_nest(tier: str) -> None:
    """A megabyte is kept for the frame of one function: records of 72 bytes each would use up more."""
    world = World(tier, f'(module (func (export "f") (result i32) {"(try_table)" * 15_000} (i32.const 3)))')
    assert world.call("f") == 3


@every_tier
def test_deep_nests_run_and_deeper_ones_are_refused(tier: str) -> None:
    def nest(depth: int) -> str:
        opened, closed = "(try_table (catch_all 0) " * depth, ")" * depth
        return f'(module (tag $e) (func (export "f") {opened} (throw $e) {closed}))'

    World(tier, nest(1_000)).call("f")
    with pytest.raises(ValidationError, match="too many nested handlers"):
        World(tier, nest(1_001))


@pytest.mark.usefixtures("only_what_is_new")
@every_tier
def test_exceptions_keep_what_they_hold_and_no_longer(tier: str) -> None:
    thing = Thing()
    world = World(tier, THROWS, _throwing([]))
    with pytest.raises(api.Exn) as caught:
        world.call("throw", thing)
    watch = weakref.ref(thing)
    del thing
    gc.collect()
    assert caught.value.payload[-1] is watch()
    del caught
    with pytest.raises(api.Exn):
        world.call("throw", None)
    gc.collect()
    world.store.runtime.heap.collect()
    gc.collect()
    assert watch() is None


REFERENCES = """(module
  (tag $e (param i32 externref v128 exnref f32 funcref i64))
  (elem declare func $throw)
  (func $throw (param $i i32) (param $x externref) (param $before exnref)
    (throw $e (local.get $i) (local.get $x) (v128.const i64x2 5 6) (local.get $before)
      (f32.const 1.5) (ref.func $throw) (i64.const -3)))
  (func $catch (export "catch") (param $i i32) (param $x externref) (param $before exnref) (result exnref)
    (block $h (result i32 externref v128 exnref f32 funcref i64 exnref)
      (try_table (catch_ref $e $h) (call $throw (local.get $i) (local.get $x) (local.get $before)))
      (unreachable))
    (return))
  (func (export "chain") (param $n i32) (param $x externref) (result exnref) (local $last exnref)
    (loop $again
      (local.set $last (call $catch (local.get $n) (local.get $x) (local.get $last)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $last))
  (func (export "drop") (param $n i32) (param $x externref)
    (loop $again
      (drop (call $catch (local.get $n) (local.get $x) (ref.null exn)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""


@every_tier
@pytest.mark.parametrize("stress", [False, True])
def test_references_to_exceptions_hold_what_those_bring_along(tier: str, stress: bool) -> None:
    world = World(tier, REFERENCES, gc_stress=stress)
    thing = Thing()
    exception = world.call("chain", 20, thing)
    for number in range(1, 21):
        assert isinstance(exception, api.Exn)
        found, x, vector, before, single, function, wide = exception.payload
        assert (found, x, vector, single, wide) == (number, thing, 6 << 64 | 5, 1.5, -3)
        assert isinstance(function, api.Func)
        exception = before
    assert exception is None


@every_tier
def test_exceptions_that_nothing_refers_to_take_no_room(tier: str) -> None:
    world = World(tier, REFERENCES, max_heap_bytes=1 << 20)
    world.call("drop", {"reference": 3_000}.get(tier, 50_000), Thing())


class Thing:
    """Something that can be watched."""


@every_tier
@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_loop_brings_back_what_code_under_a_handler_has_set(tier: str, level: int) -> None:
    """The local $s is used nowhere but under the handler, which is entered again and again."""
    world = World(
        tier,
        """(module (tag $e) (func $throw (throw $e))
          (func (export "f") (param $n i32) (result i32) (local $i i32) (local $s i32) (local $sum i32)
            (loop $again
              (block $caught (try_table (catch_all $caught)
                (local.set $sum (i32.add (local.get $sum) (local.get $s)))
                (local.set $s (i32.add (local.get $s) (i32.const 2)))
                (call $throw)))
              (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                                      (local.get $n))))
            (local.get $sum)))""",
        opt_level=level,
    )
    assert world.call("f", 10) == 90


@every_tier
def test_a_collection_while_the_host_throws_sees_no_values_of_another_exception(tier: str) -> None:
    """The handle that an exception gets may call for one; before it, code has thrown numbers."""
    wat = """(module
      (import "h" "h" (func $h))
      (type $s (struct (field i32)))
      (tag $numbers (param i64 i64))
      (tag $references (export "references") (param externref externref))
      (func (export "f")
        (drop (struct.new $s (i32.const 1)))
        (block $caught
          (try_table (catch_all $caught) (throw $numbers (i64.const 0x7fffff00) (i64.const 0xffff0000))))
        (block $caught (try_table (catch_all $caught) (call $h)))))"""
    ready: list[api.Exn] = []

    def throw() -> None:
        raise ready.pop()

    world = World(tier, wat, lambda store: [api.Func(store, api.FuncType([], []), throw)])
    some = [api.Exn(world.store, world.tag("references"), ["x", "y"]) for _ in range(2_000)]
    ready.extend(some)
    heap = world.store.runtime.heap
    before = heap.statistics.collections
    while ready:
        world.call("f")
    if tier == "llvm":  # others need not collect here
        assert heap.statistics.collections > before
