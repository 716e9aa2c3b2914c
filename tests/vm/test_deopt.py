"""Compiled code that leaves its functions in the middle: the machine goes on as if it had always run."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from tests.vm.engines import call, instance, module, store
from vm.errors import Trap
from vm.events import listening
from vm.jit import makers
from vm.jit.artefact import Artefact
from vm.jit.counts import Counts
from vm.jit.request import Request
from vm.module.model import ModuleData
from vm.runtime.instance import Instance
from vm.runtime.instantiate import instantiate
from vm.tiers.threaded.program import Resumption, ThreadedProgram
from vm.tiers.tiered import TieredTier

EAGER = {"tier_waits": True, "tier_calls": 1, "tier_trips": 1, "tier_observes": 0, "opt_level": 1}
"""Everything is compiled before it runs."""

VALUES = """(module (type $pair (struct (field (ref null $pair)) (field i32)))
  (type $f (func (param i32) (result i32)))
  (type $wide (func (param i64 f32 v128 (ref null $pair)) (result i64 f32 v128 i32 i32)))
  (memory 1) (table funcref (elem $double $walk)) (tag $e (param i32))
  (func $double (type $f) (i32.mul (local.get 0) (i32.const 2)))
  (func $make (param i32) (result (ref null $pair)) (local (ref null $pair))
    (loop $again
      (local.set 1 (struct.new $pair (local.get 1) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func $sum (param (ref null $pair)) (result i32) (local i32)
    (block $end
      (loop $next
        (local.set 1 (i32.add (local.get 1) (struct.get $pair 1 (br_on_null $end (local.get 0)))))
        (local.set 0 (struct.get $pair 0 (local.get 0)))
        (br $next)))
    (local.get 1))
  (func $walk (type $f) (call $sum (call $make (local.get 0))))
  (func $wide (type $wide)
    (local.get 0) (local.get 1) (local.get 2)
    (loop $l (param i64 f32 v128) (result i64 f32 v128 i32 i32)
      (i8x16.add (local.get 2)) (local.set 2)
      (f32.add (f32.const 0.25)) (local.set 1)
      (i64.sub (i64.const 1)) (local.set 0)
      (if (result i64 f32 v128 i32 i32) (i64.eqz (local.get 0))
        (then (local.get 0) (local.get 1) (local.get 2) (call $sum (local.get 3)) (i32.const 9))
        (else (local.get 0) (local.get 1) (local.get 2) (br $l)))))
  (func $last (param (ref null $pair)) (result i32)
    (i32.mul
      (i32.add (struct.get $pair 1 (struct.get $pair 0 (local.get 0))) (i32.const 10000))
      (i32.const 10000)))
  (func $throws (param i32)
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (local.get 0)))))
  (func $catches (param i32) (result i32) (local i32)
    (loop $more
      (block $caught (result i32)
        (try_table (catch $e $caught) (call $throws (local.get 0)))
        (i32.const 1000))
      (local.set 1 (i32.add (local.get 1)))
      (br_if $more (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "f") (param i32) (result i64 f32 v128 i32 i32 i32 i32)
    (call $wide (i64.extend_i32_u (local.get 0)) (f32.const 1.5) (v128.const i32x4 1 2 3 4)
      (call $make (local.get 0)))
    (call_indirect (type $f) (local.get 0) (i32.const 1))
    (i32.add (call $catches (local.get 0)) (i32.add (call $last (call $make (local.get 0)))
      (call_indirect (type $f) (local.get 0) (i32.const 0))))))"""


def deopts(i: Instance) -> float:
    tier = i.store.runner
    assert isinstance(tier, TieredTier)
    return tier.stats()["deopts"]


@pytest.mark.parametrize("stress", [False, True])
@pytest.mark.parametrize("start", ["baseline", "threaded"])
@pytest.mark.parametrize("points", [1, 2, 5])
def test_values_of_all_types_arrive_wherever_code_is_left(points: int, start: str, stress: bool) -> None:
    """Locals and operands, numbers, vectors and references, also where every allocation collects."""
    right = call(instance(store("reference"), VALUES), "f", 7)
    i = instance(store("tiered", **EAGER, tier_start=start, tier_deopts=points, gc_stress=stress), VALUES)
    for _ in range(3):
        assert call(i, "f", 7) == right
    assert deopts(i) > 30 / points


@pytest.mark.parametrize("points", [1, 2])
def test_a_collection_while_code_is_left_finds_what_it_still_needs(
    points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python may collect whenever it runs; what is freed then is overwritten."""
    right = call(instance(store("reference"), VALUES), "f", 7)
    i = instance(store("tiered", **EAGER, tier_deopts=points, gc_stress=True), VALUES)
    leave, collected = i.store.leave, []

    def collect_first(*where: int | Instance) -> int:
        i.store.heap.collect()
        collected.append(where)
        return leave(*where)

    monkeypatch.setattr(i.store, "leave", collect_first)
    for _ in range(3):
        assert call(i, "f", 7) == right
    assert len(collected) == deopts(i) > 10


DEEP = """(module $m (table funcref (elem $leaf))
  (func $leaf (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (unreachable))) (i32.div_u (i32.const 84) (local.get 0)))
  (func $middle (param i32) (result i32)
    (loop (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))
  (func $top (export "f") (param i32) (result i32) (i32.add (call $middle (local.get 0)) (i32.const 1))))"""


@pytest.mark.parametrize("start", ["baseline", "threaded"])
@pytest.mark.parametrize("points", [1, 3])
def test_a_function_that_was_left_has_one_frame_in_a_trace(points: int, start: str) -> None:
    """Its compiled frame is gone when the machine goes on."""
    knobs = EAGER | {"whole_module_bytes": 0, "batch_bytes": 1, "debug_info": points == 3}
    i = instance(store("tiered", **knobs, tier_start=start, tier_deopts=points), DEEP)
    for _ in range(4):
        assert call(i, "f", 2) == [43]
        with pytest.raises(Trap) as caught:
            call(i, "f", 0)
        assert [frame.function_name for frame in caught.value.frames] == ["leaf", "middle", "top"]
    assert deopts(i) > 4


def test_leaving_is_an_event_that_says_where() -> None:
    i = instance(store("tiered", **EAGER, tier_deopts=1), DEEP)
    with listening() as log:
        call(i, "f", 2)
    left = [event.facts for event in log.events if event.kind == "deopt"]
    assert len(left) == deopts(i) == log.counts()["deopt"]
    call_of_middle = i.module.bodies[2].start + 2
    assert {"function": 2, "offset": call_of_middle, "root": 2, "loop": -1} in left


def test_ctrl_c_while_the_machine_gets_ready_to_go_on_leaves_nothing_half_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next call that leaves there goes on."""
    i = instance(store("tiered", **EAGER, tier_deopts=1), DEEP)
    resume = ThreadedProgram.resume
    asked: list[tuple[int, int]] = []

    def interrupted(program: ThreadedProgram, index: int, offset: int) -> Resumption:
        asked.append((index, offset))
        if len(asked) == 1:
            raise KeyboardInterrupt
        return resume(program, index, offset)

    monkeypatch.setattr(ThreadedProgram, "resume", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call(i, "f", 2)
    assert call(i, "f", 2) == [43]
    assert asked[1] == asked[0]


def test_compiled_code_is_never_left_unless_a_knob_or_an_expectation_says_so() -> None:
    i = instance(store("tiered", **EAGER), VALUES)
    call(i, "f", 7)
    assert deopts(i) == 0


@pytest.mark.parametrize("points", [1, 4])
def test_what_is_done_at_starts_and_loops_is_done_once(points: int) -> None:
    """Fuel is used up where code is left as where it is not, and runs out at the same place."""
    left = []
    for knobs in ({}, {"tier_deopts": points}):
        i = instance(store("tiered", **EAGER, **knobs, consume_fuel=True), VALUES)
        for fuel in (10_000, 100):
            i.store.meters.fuel = fuel
            try:
                left.append((call(i, "f", 7), i.store.meters.fuel))
            except Trap as trap:
                left.append(([-1], trap.code.value))
    assert left[:2] == left[2:]
    assert left[0][1] not in (0, 10_000)


BACK = """(module
  (func $k (export "k") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $h (export "h") (param i32) (result i32) (return_call $k (i32.add (local.get 0) (i32.const 1))))
  (func $g (export "g") (param i32) (result i32) (i32.add (call $h (local.get 0)) (i32.const 100)))
  (func $f (export "f") (param i32) (result i32) (i32.add (call $g (local.get 0)) (i32.const 1000)))
  (func $e (export "e") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 10000))))"""


@pytest.mark.parametrize("start", ["baseline", "threaded"])
def test_a_tail_call_that_came_back_to_the_machine_is_gone_on_with_once(start: str) -> None:
    """The machine calls f, compiled, which runs the machine again for g; that calls h, compiled,
    whose tail call goes back to the machine: the outer call must not take it for its own.
    """
    i = instance(
        store("tiered", tier_waits=True, tier_start=start, whole_module_bytes=0, batch_bytes=1), BACK
    )
    tier = i.store.runner
    assert isinstance(tier, TieredTier)
    for index in (1, 3):
        tier.promote(i.functions[index])
    assert call(i, "e", 4) == [10_000 + 1000 + 100 + 15]


EXPECTS = """(module (type $f (func (param i32) (result i32))) (table funcref (elem $twice $square))
  (type $some (sub (struct))) (type $other (sub $some (struct (field i32))))
  (func $twice (type $f) (i32.mul (local.get 0) (i32.const 2)))
  (func $square (type $f) (i32.mul (local.get 0) (local.get 0)))
  (func (export "call") (param i32 i32) (result i32)
    (i32.add (local.get 0) (call_indirect (type $f) (local.get 0) (local.get 1))))
  (func (export "if") (param i32 i32) (result i32)
    (i32.add (local.get 0)
      (if (result i32) (local.get 1) (then (call $square (local.get 0))) (else (call $twice (local.get 0))))))
  (func (export "loop") (param i32 i32) (result i32) (local i32)
    (loop $again
      (local.set 2 (i32.add (local.get 2)
        (if (result i32) (local.get 1)
          (then (call $square (i32.const 3))) (else (call $twice (i32.const 3))))))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 2))
  (func (export "null") (param i32 i32) (result i32)
    (i32.add (local.get 0)
      (block $out (result i32)
        (block $none
          (drop (br_on_null $none (if (result (ref null $some)) (local.get 1)
            (then (ref.null $some)) (else (struct.new $some)))))
          (br $out (i32.mul (local.get 0) (i32.const 2))))
        (i32.mul (local.get 0) (local.get 0)))))
  (func (export "cast") (param i32 i32) (result i32)
    (i32.add (local.get 0)
      (block $out (result i32)
        (block $is (result (ref $other))
          (drop (br_on_cast $is (ref null $some) (ref $other)
            (if (result (ref null $some)) (local.get 1)
              (then (struct.new $other (local.get 0))) (else (struct.new $some)))))
          (br $out (i32.mul (local.get 0) (i32.const 2))))
        (drop)
        (i32.mul (local.get 0) (local.get 0))))))"""


def counted(*names: str) -> ModuleData:
    """With counts of a program that calls these functions with 0 alone, and then a loop of 300 rounds."""
    s = store("llvm", profile_make=True)
    i = instance(s, EXPECTS)
    for name in names:
        for n in range(300):
            assert call(i, name, n, 0) == [3 * n]
    assert call(i, "loop", 300, 0) == [1800]
    data = module(EXPECTS)
    data.counts = s.runner.counts(i.module)  # type: ignore[attr-defined]
    assert isinstance(data.counts, Counts)
    return data


@pytest.mark.parametrize("name", ["call", "if", "null", "cast"])
def test_what_was_never_counted_leaves_and_is_expected_no_more(name: str) -> None:
    """A few departures; then code without that expectation takes its place, and is never left again."""
    i = instantiate(store("tiered", **EAGER), counted(name), [])
    for n in range(50):
        assert call(i, name, n, 0) == [3 * n]
    assert deopts(i) == 0
    for n in range(50):
        assert call(i, name, n, 1) == [n + n * n]
    seen = deopts(i)
    assert seen > 0
    for n in range(50):
        assert call(i, name, n, n % 2) == [n + n * n if n % 2 else 3 * n]
    assert deopts(i) == seen <= 20
    assert i.store.runner.stats()["demotions"] >= 1  # type: ignore[attr-defined]


def test_code_of_a_loop_that_was_wrong_is_made_anew_while_it_runs() -> None:
    """It and the function that it is in are pieces of their own, each of which has to learn."""
    i = instantiate(store("tiered", **EAGER | {"tier_calls": 1 << 20}), counted(), [])
    assert call(i, "loop", 50, 0) == [300]
    assert deopts(i) == 0
    with listening() as log:
        for _ in range(4):
            assert call(i, "loop", 50, 1) == [450]
    wrong = [event.facts for event in log.events if event.kind == "demoted"]
    assert [facts["loop"] >= 0 for facts in wrong] == [True, False]
    seen = deopts(i)
    assert call(i, "loop", 50, 1) + call(i, "loop", 50, 0) == [450, 300]
    assert deopts(i) == seen == 8
    stats = i.store.runner.stats()  # type: ignore[attr-defined]
    assert (stats["compiled_loops"], stats["demotions"]) == (1, 2)


def test_what_was_wrong_while_code_was_made_is_left_out_of_the_code_after_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever of two that are asked for at once arrives first."""
    waiting: list[tuple[Request, Future[Artefact]]] = []

    def submit(request: Request, *_: object) -> Future[Artefact]:
        waiting.append((request, Future()))
        return waiting[-1][1]

    def arrive() -> None:
        while waiting:
            request, ticket = waiting.pop()
            ticket.set_result(makers.make(request))

    monkeypatch.setattr("vm.jit.compiler.compiler_of", lambda _: SimpleNamespace(submit=submit))
    knobs = {"tier_calls": 1, "tier_patience": 0, "opt_level": 1, "cache_bytes": 0}
    i = instantiate(store("tiered", **knobs), counted("call", "if"), [])
    left = []
    for wrong in (0, 1, 1, 1):
        for name in ("call", "if"):
            for n in range(9):
                assert call(i, name, n, wrong) == [n + n * n if wrong else 3 * n]
        arrive()
        left.append(deopts(i))
    assert left[0] == 0
    assert 8 < left[1] < left[2] == left[3]
