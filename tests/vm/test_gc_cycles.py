"""Cycles through Python and the heap: Python's cycle collector finds them, and nothing that is in use."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from tests.vm.test_gc_heap import LEFT, PAIR, RIGHT, WAYS, Roots, Thing, make, roots, types
from vm.gc.heap import Heap
from vm.gc.tokens import untrack

pytestmark = pytest.mark.usefixtures("only_what_is_new")


@pytest.fixture(params=WAYS)
def heap(request: pytest.FixtureRequest) -> Heap:
    """A heap with eight root words, in each way of working."""
    return make(request.param)


class Holder(Thing):
    """A Python object that holds a reference, as wrappers do."""

    reference: int


def cycle(heap: Heap, other: Heap | None = None) -> Holder:
    """A holder of a pair whose left side leads, through another pair, back to the holder."""
    holder = Holder()
    outer, inner = heap.new_struct(PAIR), heap.new_struct(PAIR)
    heap.store_reference(outer, LEFT, inner)
    heap.store_reference(inner, RIGHT, heap.handle(holder))
    holder.reference = outer
    return holder


def test_a_cycle_through_both_worlds_is_collected(heap: Heap) -> None:
    watch = weakref.ref(cycle(heap))
    heap.collect()
    assert watch() is not None, "the heap alone cannot know"
    gc.collect()
    assert watch() is None
    heap.collect()
    assert heap.statistics.live_objects == 0
    assert len(heap.handles) == 0


def test_a_cycle_that_a_root_leads_to_stays(heap: Heap) -> None:
    holder = cycle(heap)
    watch = weakref.ref(holder)
    roots(heap)[0] = int(holder.reference)
    del holder
    gc.collect()
    heap.collect()
    found = watch()
    assert found is not None
    inner = heap.load_reference(found.reference, LEFT)
    assert heap.host_value(heap.load_reference(inner, RIGHT)) is found
    roots(heap)[0] = 0
    del found, inner
    gc.collect()
    assert watch() is None


def test_a_cycle_that_python_still_holds_stays(heap: Heap) -> None:
    holder = cycle(heap)
    for _ in range(3):
        gc.collect()
        heap.collect()
    assert heap.host_value(heap.load_reference(heap.load_reference(holder.reference, LEFT), RIGHT)) is holder


def test_what_another_holder_shares_stays(heap: Heap) -> None:
    """Two holders reach one handle; one is garbage."""
    first = cycle(heap)
    thing, second = Thing(), Holder()
    shared = heap.new_struct(PAIR)
    heap.store_reference(shared, LEFT, heap.handle(thing))
    heap.store_reference(first.reference, RIGHT, shared)
    second.reference = heap.new_struct(PAIR)
    heap.store_reference(second.reference, LEFT, shared)
    watch, watch_first = weakref.ref(thing), weakref.ref(first)
    del first, thing, shared
    gc.collect()
    heap.collect()
    assert watch_first() is None
    assert heap.host_value(heap.load_reference(heap.load_reference(second.reference, LEFT), LEFT)) is watch()


def test_a_ring_of_holders_is_collected(heap: Heap) -> None:
    holders = [Holder() for _ in range(20)]
    for i, holder in enumerate(holders):
        holder.reference = heap.new_struct(PAIR)
        heap.store_reference(holder.reference, RIGHT, heap.handle(holders[i - 1]))
    watches = [weakref.ref(holder) for holder in holders]
    kept = holders[7]
    del holders, holder
    gc.collect()
    assert all(watch() is not None for watch in watches), "each leads to all"
    del kept
    gc.collect()
    assert all(watch() is None for watch in watches)


def test_cycles_through_two_heaps_are_collected(heap: Heap) -> None:
    other = Heap(types(), Roots(), limit=1 << 20)
    here, there = Holder(), Holder()
    here.reference, there.reference = heap.new_struct(PAIR), other.new_struct(PAIR)
    heap.store_reference(here.reference, LEFT, heap.handle(there))
    other.store_reference(there.reference, LEFT, other.handle(here))
    watches = [weakref.ref(here), weakref.ref(there)]
    gc.collect()
    del here
    gc.collect()
    assert all(watch() is not None for watch in watches)
    del there
    gc.collect()
    assert all(watch() is None for watch in watches)


class Finalized(Holder):
    """Runs something when it is found to be garbage."""

    def __init__(self, then: Callable[[Any], None]) -> None:
        self.then = then

    def __del__(self) -> None:
        self.then(self)


def test_what_a_finalizer_puts_back_into_the_heap_stays(heap: Heap) -> None:
    """The finalizer stores the reference in a root: from then on the heap keeps the cycle alive."""

    def put_back(holder: Holder) -> None:
        heap.thaw()  # as whoever hands WebAssembly a reference does
        roots(heap)[0] = int(holder.reference)

    holder = Finalized(put_back)
    holder.reference = heap.new_struct(PAIR)
    heap.store_reference(holder.reference, LEFT, heap.handle(holder))
    del holder
    gc.collect()
    heap.collect()
    gc.collect()
    found = heap.host_value(heap.load_reference(roots(heap)[0], LEFT))
    assert isinstance(found, Finalized)
    assert heap.type_of(found.reference) == PAIR


def test_what_a_finalizer_keeps_in_python_stays(heap: Heap) -> None:
    """It is back although every weak reference to it was cleared."""
    kept: list[Holder] = []
    holder = Finalized(kept.append)
    holder.reference = heap.new_struct(PAIR)
    heap.store_reference(holder.reference, LEFT, heap.handle(holder))
    del holder
    gc.collect()
    heap.collect()
    gc.collect()
    assert heap.host_value(heap.load_reference(kept[0].reference, LEFT)) is kept[0]
    kept.clear()
    gc.collect()
    heap.collect()
    assert len(heap.handles) == 0


def test_equal_handles_after_a_cycle_is_gone_are_new(heap: Heap) -> None:
    """Indices are used again, and only when their cell is really gone."""
    used = {int(heap.handle(cycle(heap))) for _ in range(10)}
    gc.collect()
    heap.collect()
    thing = Thing()
    assert heap.host_value(heap.handle(thing)) is thing
    assert int(heap.handle(thing)) in used


def test_references_beyond_the_work_that_freezing_may_cost_are_roots(
    heap: Heap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their cycles stay for this time, and nothing else changes."""
    monkeypatch.setattr("vm.gc.collector._EXACT_WORK", 2)
    watches = [weakref.ref(cycle(heap)) for _ in range(10)]
    gc.collect()
    left = [watch for watch in watches if watch() is not None]
    assert 0 < len(left) < 10
    for watch in left:
        holder = watch()
        assert holder is not None
        inner = heap.load_reference(holder.reference, LEFT)
        assert heap.host_value(heap.load_reference(inner, RIGHT)) is holder
    del holder, inner
    monkeypatch.undo()
    gc.collect()
    assert all(watch() is None for watch in watches)


@pytest.mark.parametrize("early", [True, False], ids=["finalizers", "clearing"])
def test_thawing_while_the_cycle_collector_works_does_no_harm(heap: Heap, early: bool) -> None:
    """Among the finalizers it keeps the garbage for another round; while that is cleared, it is too late."""

    class Last:
        """Thaws when it is finalized, or, hidden from the cycle collector, when it is freed."""

        __slots__ = ()

        def __del__(self) -> None:
            heap.thaw()

    watches = []
    for _ in range(20):
        holder = cycle(heap)
        last = Last()
        if not early:
            untrack(last)
        holder.notes = {"last": last, "own": holder}  # type: ignore[attr-defined]
        watches.append(weakref.ref(holder))
    del holder, last
    gc.collect()
    assert all(watch() is None for watch in watches)
    heap.collect()
    assert len(heap.handles) == (20 if early else 0)
    gc.collect()
    heap.collect()
    assert len(heap.handles) == 0
    thing = Thing()
    assert heap.host_value(heap.handle(thing)) is thing
