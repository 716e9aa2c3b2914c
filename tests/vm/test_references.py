"""How long Python objects live that WebAssembly holds, on every tier."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Sequence

import pytest

from tests.vm import engines
from vm import tiers
from vm.errors import Trap
from vm.isa.types import EXTERNREF, FuncType, ValType
from vm.runtime.instance import Instance
from vm.runtime.store import Store

HOLDERS = """(module
  (table (export "t") 4 externref)
  (global $g (export "g") (mut externref) (ref.null extern))
  (func (export "put") (param i32 externref) (table.set (local.get 0) (local.get 1)))
  (func (export "fill") (param externref) (table.fill (i32.const 0) (local.get 0) (i32.const 4)))
  (func (export "set") (param externref) (global.set $g (local.get 0)))
  (func (export "swap") (param externref) (result externref) (global.get $g) (global.set $g (local.get 0)))
  (func (export "pass") (param externref i32 externref) (result externref externref)
    (select (result externref) (local.get 2) (local.get 0) (local.get 1)) (local.get 0)))"""


class Thing:
    """A Python object that can be watched."""


@pytest.fixture(params=list(tiers.TIERS))
def instance(request: pytest.FixtureRequest) -> Instance:
    """An instance of the module above."""
    return engines.instance(engines.store(request.param), HOLDERS)


def handle(store: Store) -> tuple[int, weakref.ref[Thing]]:
    """A fresh thing's externref, and how to see whether the thing is still there."""
    thing = Thing()
    return store.extern_handle(thing), weakref.ref(thing)


def test_what_a_table_holds_lives_until_it_is_replaced(instance: Instance) -> None:
    store = instance.store
    reference, watch = handle(store)
    engines.call(instance, "put", 2, reference)
    del reference
    store.heap.collect()
    assert watch() is store.extern(instance.tables[0].get(2)) is not None
    engines.call(instance, "put", 2, 0)
    store.heap.collect()
    assert watch() is None


def test_table_fill_and_growth_hold(instance: Instance) -> None:
    store = instance.store
    reference, watch = handle(store)
    instance.tables[0].grow(1000, reference)
    engines.call(instance, "fill", reference)
    del reference
    for i in range(1003):
        instance.tables[0].set(i, 0)
    store.heap.collect()
    assert watch() is not None
    instance.tables[0].set(1003, 0)
    store.heap.collect()
    assert watch() is None


def test_what_a_global_holds_lives_until_it_is_replaced(instance: Instance) -> None:
    store = instance.store
    reference, watch = handle(store)
    engines.call(instance, "set", reference)
    del reference
    store.heap.collect()
    assert watch() is not None
    assert store.extern(engines.call(instance, "swap", 0)[0]) is watch()
    store.heap.collect()
    assert watch() is None


def test_results_are_held_while_python_has_them(instance: Instance) -> None:
    store = instance.store
    (first, watch_first), (second, watch_second) = handle(store), handle(store)
    results = engines.call(instance, "pass", first, 1, second)
    del first, second
    store.heap.collect()
    assert [store.extern(word) for word in results] == [watch_second(), watch_first()]
    assert watch_first() is not watch_second() is not None
    del results
    store.heap.collect()
    assert watch_first() is watch_second() is None


def test_a_thousand_calls_leave_nothing_behind(instance: Instance) -> None:
    """Handles are reclaimed without being asked for."""
    store = instance.store
    watches = []
    for _ in range(5_000):
        reference, watch = handle(store)
        engines.call(instance, "set", reference)
        watches.append(watch)
    assert sum(watch() is not None for watch in watches) < 2_500
    assert len(store.heap.handles) < 2_500


@pytest.mark.parametrize("tier", list(tiers.TIERS))
def test_a_store_and_what_it_holds_go_together(tier: str) -> None:
    instance = engines.instance(engines.store(tier), HOLDERS)
    thing = Thing()
    thing.instance = instance  # type: ignore[attr-defined]
    watch, watch_store = weakref.ref(thing), weakref.ref(instance.store)
    engines.call(instance, "set", instance.store.extern_handle(thing))
    del thing, instance
    gc.collect()
    assert watch() is None
    assert watch_store() is None


FRAMES = """(module
  (import "h" "make" (func $make (result externref)))
  (import "h" "look" (func $look (param i32)))
  (import "h" "take" (func $take (param externref)))
  (table $t 1 externref)
  (func $identity (param externref) (result externref) (call $look (i32.const 50)) (local.get 0))
  (func (export "operand") (result externref) (call $make) (call $look (i32.const 0)))
  (func (export "local") (param $n i32) (local $a externref) (local $b externref)
    (local.set $a (call $make))
    (loop $l
      (call $look (i32.const 1))
      (local.set $b (call $identity (local.get $a)))
      (local.set $a (select (result externref) (local.get $b) (ref.null extern) (i32.const 1)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $look (i32.const 2)))
  (func (export "blocks") (result externref)
    (block $out (result externref)
      (if (result externref) (i32.const 1)
        (then (call $make) (call $look (i32.const 3)))
        (else (ref.null extern)))
      (br_if $out (i32.const 0))
      (call $look (i32.const 4))))
  (func (export "arguments") (call $take (call $make)) (call $look (i32.const 5)))
  (func (export "grow") (result i32)
    (drop (table.grow $t (call $make) (i32.const 1)))
    (call $look (i32.const 6))
    (table.set $t (i32.const 1) (ref.null extern))
    (call $look (i32.const 7)) (table.size $t))
  (func $deep (param externref i32)
    (if (local.get 1)
      (then (call $deep (local.get 0) (i32.sub (local.get 1) (i32.const 1))) (drop (local.get 0)))
      (else (call $look (i32.const 8)) (unreachable))))
  (func (export "trap") (call $deep (call $make) (i32.const 20)))
  (func (export "dropped") (drop (call $make)) (call $look (i32.const 9))))"""

ALIVE = {
    "operand": {0: True},
    "local": {1: True, 2: False, 50: True},
    "blocks": {3: True, 4: True},
    "arguments": {5: False},
    "grow": {6: True, 7: False},
    "trap": {8: True},
    "dropped": {9: False},
}
"""At which looks the thing that was made is there still."""


@pytest.mark.parametrize("name", ALIVE)
@pytest.mark.parametrize("tier", list(tiers.TIERS))
def test_frames_hold_what_they_still_need(tier: str, name: str) -> None:
    """Every look collects first. A compiled frame holds no more than it needs, an interpreted one may."""
    store = engines.store(tier)
    watches: list[weakref.ref[Thing]] = []
    seen: dict[int, bool] = {}

    def make(_: Sequence[int]) -> Sequence[int]:
        reference, watch = handle(store)
        watches.append(watch)
        return [reference]

    def look(args: Sequence[int]) -> Sequence[int]:
        store.heap.collect()
        seen[args[0]] = watches[-1]() is not None
        return []

    imports = [
        store.host_function(FuncType((), (EXTERNREF,)), make),
        store.host_function(FuncType((ValType.I32,)), look),
        store.host_function(FuncType((EXTERNREF,)), lambda args: []),
    ]
    instance = engines.instance(store, FRAMES, imports)
    if name == "trap":
        with pytest.raises(Trap):
            engines.call(instance, name)
    else:
        engines.call(instance, name, *([3] if name == "local" else []))
    expected = ALIVE[name]
    if tier == "llvm":
        assert seen == expected
    assert all(seen[place] for place in expected if expected[place])
    store.heap.collect()
    assert watches[-1]() is None, "nothing is left on the root stack"


def test_another_thread_does_not_collect_under_running_code() -> None:
    """It may prepare arguments for a store that is running, and is told so only when it calls."""
    store = engines.store("llvm")
    entered, prepared = threading.Event(), threading.Event()

    def pause(_: Sequence[int]) -> Sequence[int]:
        entered.set()
        assert prepared.wait(60)
        return []

    imports = [
        store.host_function(FuncType((), (EXTERNREF,)), lambda args: [store.extern_handle(Thing())]),
        store.host_function(FuncType((ValType.I32,)), pause),
        store.host_function(FuncType((EXTERNREF,)), lambda args: []),
    ]
    instance = engines.instance(store, FRAMES, imports)
    found: list[int] = []
    runner = threading.Thread(target=lambda: found.extend(engines.call(instance, "operand")))
    runner.start()
    assert entered.wait(60)
    before = store.heap.statistics.collections
    for _ in range(3_000):
        store.extern_handle(Thing())
    assert store.heap.statistics.collections == before
    prepared.set()
    runner.join()
    assert isinstance(store.extern(found[0]), Thing)
    store.heap.collect()
    assert len(store.heap.handles) == 1
