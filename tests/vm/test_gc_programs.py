"""Programs that make objects, on every tier: structures, arrays and casts under a heap that collects."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from vm import api, tiers

TREES = """(module
  (type $node (struct (field (mut (ref null $node))) (field (mut (ref null $node)))))
  (func $make (export "make") (param $depth i32) (result (ref $node))
    (if (result (ref $node)) (i32.eqz (local.get $depth))
      (then (struct.new_default $node))
      (else (struct.new $node
        (call $make (i32.sub (local.get $depth) (i32.const 1)))
        (call $make (i32.sub (local.get $depth) (i32.const 1)))))))
  (func $check (export "check") (param $tree (ref null $node)) (result i32)
    (if (result i32) (ref.is_null (local.get $tree))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (i32.add
        (call $check (struct.get $node 0 (local.get $tree)))
        (call $check (struct.get $node 1 (local.get $tree))))))))
  (func (export "churn") (param $times i32) (param $depth i32) (result i32) (local $sum i32)
    (local $kept (ref null $node))
    (local.set $kept (call $make (local.get $depth)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (call $check (call $make (local.get $depth)))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (i32.add (local.get $sum) (call $check (local.get $kept)))))"""

LISTS = """(module
  (type $cell (struct (field $value (mut externref)) (field $next (mut (ref null $cell)))))
  (type $row (array (mut (ref null $cell))))
  (global $rows (mut (ref null $row)) (ref.null $row))
  (func (export "start") (param i32) (global.set $rows (array.new_default $row (local.get 0))))
  (func (export "push") (param $row i32) (param $value externref) (result (ref $cell))
    (local $cell (ref null $cell))
    (local.set $cell
      (struct.new $cell (local.get $value) (array.get $row (global.get $rows) (local.get $row))))
    (array.set $row (global.get $rows) (local.get $row) (local.get $cell))
    (ref.as_non_null (local.get $cell)))
  (func (export "pop") (param $row i32) (result externref) (local $cell (ref null $cell))
    (local.set $cell (array.get $row (global.get $rows) (local.get $row)))
    (array.set $row (global.get $rows) (local.get $row) (struct.get $cell $next (local.get $cell)))
    (struct.get $cell $value (local.get $cell)))
  (func (export "alone") (param externref) (result (ref $cell))
    (struct.new $cell (local.get 0) (ref.null $cell))))"""


class Thing:
    """A Python object that can be watched."""


def exports(wat: str, tier: str, **knobs: object) -> tuple[api.Store, api.InstanceExports]:
    """A store, and what the module exports there."""
    config = api.Config()
    config.tier = tier
    for name, value in knobs.items():
        setattr(config, name, value)
    store = api.Store(api.Engine(config))
    instance = api.Instance(store, api.Module(store.engine, wat), [])
    return store, instance.exports(store)


@pytest.mark.parametrize("tier", list(tiers.TIERS))
@pytest.mark.parametrize("stress", [False, True], ids=["plain", "stressed"])
def test_trees_keep_all_their_nodes(tier: str, stress: bool) -> None:
    depth = 5 if stress else 7
    store, functions = exports(TREES, tier, gc_stress=stress)
    nodes = (1 << depth + 1) - 1
    assert functions["churn"](store, 4, depth) == 5 * nodes
    store.gc()
    assert store.heap_stats()["live_objects"] == 0


@pytest.mark.parametrize("tier", [tier for tier in tiers.TIERS if tiers.load(tier).shows_roots])
def test_a_program_may_allocate_without_end(tier: str) -> None:
    """A heap of 256 KiB, and a hundred times as much in trees; more alive than fits is a trap."""
    store, functions = exports(TREES, tier, max_heap_bytes=1 << 18)
    times, depth = (2_000, 9) if tier == "llvm" else (20, 9)
    assert functions["churn"](store, times, depth) == (times + 1) * 1023
    assert store.heap_stats()["collections"] > 0
    with pytest.raises(api.Trap) as caught:
        functions["make"](store, 20)
    assert caught.value.trap_code is api.TrapCode.HEAP_EXHAUSTED
    assert caught.value.frames[0].func_index == 0
    del caught  # its traceback holds the interpreter's frames, and these what they made
    assert functions["churn"](store, 2, depth) == 3 * 1023


@pytest.mark.parametrize("tier", list(tiers.TIERS))
def test_structures_and_arrays_hold_python_objects(tier: str) -> None:
    store, functions = exports(LISTS, tier)
    functions["start"](store, 3)
    things = [Thing() for _ in range(30)]
    watches = [weakref.ref(thing) for thing in things]
    for i, thing in enumerate(things):
        functions["push"](store, i % 3, thing)
    del thing, things
    store.gc()
    assert all(watch() is not None for watch in watches)
    assert functions["pop"](store, 2) is watches[29]()
    functions["push"](store, 1, None)
    store.gc()
    assert [watch() is not None for watch in watches] == [True] * 29 + [False]
    functions["start"](store, 3)
    store.gc()
    assert all(watch() is None for watch in watches)
    assert store.heap_stats()["handles"] == 0


@pytest.mark.usefixtures("only_what_is_new")
@pytest.mark.parametrize("tier", list(tiers.TIERS))
def test_a_cycle_of_wrapper_object_and_structure_is_collected(tier: str) -> None:
    store, functions = exports(LISTS, tier)
    thing = Thing()
    thing.cell = functions["alone"](store, thing)  # type: ignore[attr-defined]
    watch = weakref.ref(thing)
    store.gc()
    gc.collect()
    assert watch() is not None
    assert thing.cell[0] is thing  # type: ignore[attr-defined]
    del thing
    store.gc()
    assert watch() is not None, "the heap cannot know that nobody has the wrapper"
    gc.collect()
    assert watch() is None


@pytest.mark.usefixtures("only_what_is_new")
@pytest.mark.parametrize("tier", list(tiers.TIERS))
def test_a_cycle_through_two_stores_is_collected(tier: str) -> None:
    (one, first), (two, second) = exports(LISTS, tier), exports(LISTS, tier)
    here, there = Thing(), Thing()
    here.cell = first["alone"](one, there)  # type: ignore[attr-defined]
    there.cell = second["alone"](two, here)  # type: ignore[attr-defined]
    watches = [weakref.ref(here), weakref.ref(there)]
    del here
    gc.collect()
    assert all(watch() is not None for watch in watches)
    del there
    gc.collect()
    assert all(watch() is None for watch in watches)


MIXTURE = """(module
  (type $box (struct (field i32) (field (mut (ref null $box)))))
  (type $bytes (array (mut i8)))
  (type $boxes (array (mut (ref null eq))))
  (type $numbers (array (mut i32)))
  (func (export "run") (param $size i32) (param $times i32) (result i32)
    (local $boxes (ref $boxes)) (local $numbers (ref $numbers)) (local $seed i32) (local $i i32)
    (local.set $boxes (array.new_default $boxes (local.get $size)))
    (local.set $numbers (array.new $numbers (i32.const -1) (local.get $size)))
    (loop $again
      (local.set $seed
        (i32.add (i32.mul (local.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
      (local.set $i (i32.rem_u (i32.shr_u (local.get $seed) (i32.const 8)) (local.get $size)))
      (array.set $numbers (local.get $numbers) (local.get $i) (local.get $times))
      (if (i32.and (local.get $seed) (i32.const 0x4000))
        (then (array.set $boxes (local.get $boxes) (local.get $i) (struct.new $box (local.get $times)
          (ref.cast (ref null $box) (struct.new $box (i32.const 7) (ref.null $box))))))
        (else (array.set $boxes (local.get $boxes) (local.get $i)
          (array.new $bytes (local.get $times) (i32.shr_u (local.get $seed) (i32.const 22))))))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.set $i (i32.const 0))
    (block $bad
      (loop $check
        (block $next
          (br_if $next (i32.eq (array.get $numbers (local.get $numbers) (local.get $i)) (i32.const -1)))
          (if (ref.test (ref $box) (array.get $boxes (local.get $boxes) (local.get $i)))
            (then (br_if $bad (i32.ne (array.get $numbers (local.get $numbers) (local.get $i))
              (struct.get $box 0
                (ref.cast (ref $box) (array.get $boxes (local.get $boxes) (local.get $i)))))))
            (else (br_if $next (i32.eqz (array.len
                (ref.cast (ref $bytes) (array.get $boxes (local.get $boxes) (local.get $i))))))
              (br_if $bad (i32.ne
                (i32.and (array.get $numbers (local.get $numbers) (local.get $i)) (i32.const 0xff))
                (array.get_u $bytes (ref.cast (ref $bytes)
                  (array.get $boxes (local.get $boxes) (local.get $i))) (i32.const 0)))))))
        (br_if $check (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $size))))
      (return (i32.const -1)))
    (local.get $i)))"""


@pytest.mark.parametrize("tier", [tier for tier in tiers.TIERS if tiers.load(tier).shows_roots])
def test_old_and_new_objects_of_all_sizes_keep_apart(tier: str) -> None:
    """Random places of an array get new objects of random sizes, in a heap that is far too small for all."""
    store, functions = exports(MIXTURE, tier, max_heap_bytes=1 << 20)
    times = 200_000 if tier == "llvm" else 8_000
    assert functions["run"](store, 500, times) == -1
    assert store.heap_stats()["collections"] > 1


@pytest.mark.usefixtures("only_what_is_new")
@pytest.mark.parametrize("tier", list(tiers.TIERS))
def test_python_may_look_for_cycles_while_other_threads_run(tier: str) -> None:
    """Threads that make and drop cycles, each in its own store, while the main thread collects."""
    failures: list[BaseException] = []
    watches: list[weakref.ref[Thing]] = []

    def work() -> None:
        try:
            store, functions = exports(LISTS, tier)
            functions["start"](store, 2)
            for i in range(100):
                thing = Thing()
                thing.cell = functions["push"](store, i % 2, thing)  # type: ignore[attr-defined]
                assert functions["pop"](store, i % 2) is thing
                watches.append(weakref.ref(thing))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        gc.collect()
    for thread in threads:
        thread.join()
    assert failures == []
    gc.collect()
    assert all(watch() is None for watch in watches)
    assert len(watches) == 300
