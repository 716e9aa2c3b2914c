"""How long Python objects live that WebAssembly holds, on every tier."""

from __future__ import annotations

import gc
import weakref

import pytest

from tests.vm import engines
from vm import tiers
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
