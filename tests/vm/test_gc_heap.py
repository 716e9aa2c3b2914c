"""The managed heap by itself: layout, allocation, collection, handles. No WebAssembly here."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Iterable

import pytest

from vm.errors import Trap, TrapCode
from vm.gc import words
from vm.gc.heap import Heap
from vm.gc.layout import REFERENCE, ArrayLayout, Slot, StructLayout
from vm.gc.types import TypeTable
from vm.memory.native import Block
from vm.native.tracing import NativeTracer

PAIR, BYTES, LINKS, MIXED = 1, 2, 3, 4
_LAYOUTS = {
    PAIR: StructLayout.of([REFERENCE, REFERENCE]),
    BYTES: ArrayLayout.of(Slot(1)),
    LINKS: ArrayLayout.of(REFERENCE),
    MIXED: StructLayout.of([Slot(1), Slot(8), REFERENCE, Slot(2), Slot(16)]),
}
LEFT, RIGHT = _LAYOUTS[PAIR].traced  # type: ignore[union-attr]


def types() -> TypeTable:
    """A table with the types above."""
    table = TypeTable()
    for number, layout in _LAYOUTS.items():
        table.define(number, layout)
    return table


class Roots:
    """A binding with ``count`` root words."""

    def __init__(self, count: int = 8) -> None:
        self.block = Block(8 * count)
        self.count = count

    def root_ranges(self) -> Iterable[tuple[int, int]]:
        """The one range."""
        yield self.block.address, self.count

    def settled(self) -> bool:
        """Nothing else is in use."""
        return True

    def alone(self) -> bool:
        """No other thread here."""
        return True


class Thing:
    """Something to hold a weak reference to."""


def make(way: str) -> Heap:
    """A heap of a megabyte, in one of its ways of working."""
    heap = Heap(types(), Roots(), limit=1 << 20, stress=way == "stress", small=0)
    if way == "native":
        heap.trace_with(NativeTracer)
    return heap


WAYS = ["plain", "stress", "native"]


@pytest.fixture(params=WAYS)
def heap(request: pytest.FixtureRequest) -> Heap:
    """A heap, in each way of working; its roots are ``roots(heap)``."""
    return make(request.param)


def roots(heap: Heap) -> memoryview:
    """The root words of a heap made by the fixture."""
    binding = heap._binding
    assert isinstance(binding, Roots)
    return binding.block.words


def test_a_subtypes_fields_start_like_its_supertypes() -> None:
    base = [Slot(1), REFERENCE, Slot(8)]
    assert StructLayout.of([*base, Slot(2)]).offsets[:3] == StructLayout.of(base).offsets == (4, 8, 16)
    assert StructLayout.of([REFERENCE]).size == 8
    assert StructLayout.of([]).size == 8


def test_fields_are_zero_at_first_and_hold_what_is_stored(heap: Heap) -> None:
    mixed = heap.new_struct(MIXED)
    layout = _LAYOUTS[MIXED]
    assert isinstance(layout, StructLayout)
    widths = (1, 8, 4, 2, 16)
    assert [heap.load(mixed, at, width) for at, width in zip(layout.offsets, widths, strict=True)] == [0] * 5
    for at, width in zip(layout.offsets, widths, strict=True):
        if at not in layout.traced:
            heap.store(mixed, at, width, (1 << 8 * width) - 2)
    heap.store_reference(mixed, layout.traced[0], words.i31(-1))
    heap.collect()
    assert heap.load(mixed, layout.offsets[4], 16) == (1 << 128) - 2
    assert heap.load_reference(mixed, layout.traced[0]) == words.i31(-1)
    assert heap.type_of(mixed) == MIXED


def test_arrays_know_their_length(heap: Heap) -> None:
    array = heap.new_array(BYTES, 1000)
    heap.store(array, heap.element(array, 999), 1, 7)
    heap.collect()
    assert heap.length(array) == 1000
    assert [heap.load(array, heap.element(array, i), 1) for i in (0, 998, 999)] == [0, 0, 7]


def test_what_roots_lead_to_stays_and_the_rest_goes(heap: Heap) -> None:
    first, second = heap.new_struct(PAIR), heap.new_struct(PAIR)
    heap.store_reference(first, LEFT, second)
    heap.store_reference(second, RIGHT, first)
    roots(heap)[3] = int(first)
    del first, second
    heap.collect()
    assert heap.statistics.live_objects == 2
    assert heap.type_of(heap.load_reference(roots(heap)[3], LEFT)) == PAIR
    roots(heap)[3] = 0
    heap.collect()
    assert heap.statistics.live_objects == 0


def test_a_reference_in_pythons_hands_is_a_root(heap: Heap) -> None:
    pair = heap.new_struct(PAIR)
    again = heap.hold(int(pair))
    del pair
    heap.collect()
    assert heap.statistics.live_objects == 1
    assert heap.type_of(again) == PAIR
    del again
    heap.collect()
    assert heap.statistics.live_objects == 0


def test_a_full_heap_traps_and_works_on_when_there_is_room_again(heap: Heap) -> None:
    kept = [heap.new_array(BYTES, 100_000) for _ in range(10)]
    with pytest.raises(Trap) as caught:
        heap.new_array(BYTES, 100_000)
    assert caught.value.trap_code is TrapCode.HEAP_EXHAUSTED
    with pytest.raises(Trap):
        heap.new_array(LINKS, 0xFFFF_FFFF)
    del kept[3]
    kept.append(heap.new_array(BYTES, 100_000))
    assert heap.length(kept[-1]) == 100_000


def test_garbage_is_reused_without_end(heap: Heap) -> None:
    """Ten times the heap's size in objects of all sizes, one of which is kept."""
    kept = heap.new_array(BYTES, 10)
    heap.store(kept, heap.element(kept, 3), 1, 42)
    choose = random.Random(1)
    for _ in range(500):
        heap.new_array(BYTES, choose.choice([0, 1, 20, 300, 5_000, 100_000]))
    assert heap.load(kept, heap.element(kept, 3), 1) == 42


def test_a_graph_survives_random_changes(heap: Heap) -> None:
    """Against a model in Python: random links among objects, random drops of roots, deep chains."""
    choose, root = random.Random(2), roots(heap)
    model: dict[int, list[object]] = {}
    slots: list[list[object] | None] = [None] * 8
    node: list[object]

    def check() -> None:
        seen: set[int] = set()
        stack = [(root[i], slot) for i, slot in enumerate(slots)]
        while stack:
            word, expected = stack.pop()
            if expected is None:
                assert word == 0
            elif id(expected) not in seen:
                seen.add(id(expected))
                assert heap.type_of(word) == PAIR
                stack += [
                    (int(heap.load_reference(word, at)), expected[i])  # type: ignore[misc]
                    for i, at in enumerate((LEFT, RIGHT))
                ]

    for step in range(2_000):
        i, j = choose.randrange(8), choose.randrange(8)
        if choose.random() < 0.1:
            root[i], slots[i] = 0, None
        elif choose.random() < 0.6:
            pair = heap.new_struct(PAIR)
            heap.store_reference(pair, LEFT, root[j])
            node = [slots[j], None]
            root[i], slots[i] = int(pair), node
        elif slots[i] is not None:
            heap.store_reference(root[i], RIGHT, root[j])
            slots[i][1] = slots[j]  # type: ignore[index]
        if step % 100 == 0:
            heap.collect()
            check()
    check()
    assert not model


def test_a_long_list_is_marked_without_recursion() -> None:
    heap = Heap(types(), Roots(), limit=8 << 20)
    head = heap.new_struct(PAIR)
    for _ in range(50_000):
        pair = heap.new_struct(PAIR)
        heap.store_reference(pair, LEFT, head)
        head = pair
    heap.collect()
    assert heap.statistics.live_objects == 50_001


def test_a_handle_keeps_its_object_while_something_refers_to_it(heap: Heap) -> None:
    thing = Thing()
    watch = weakref.ref(thing)
    links = heap.new_array(LINKS, 3)
    heap.store_reference(links, heap.element(links, 1), heap.handle(thing))
    assert heap.handle(thing) == heap.handle(thing)
    del thing
    heap.collect()
    assert heap.host_value(heap.load_reference(links, heap.element(links, 1))) is watch() is not None
    heap.store_reference(links, heap.element(links, 1), 0)
    heap.collect()
    assert watch() is None
    assert len(heap.handles) == 0


def test_handles_are_collected_by_their_number() -> None:
    heap = Heap(types(), Roots(), limit=1 << 20)
    watches = []
    for _ in range(3_000):
        thing = Thing()
        watches.append(weakref.ref(thing))
        heap.handle(thing)
    del thing
    assert sum(watch() is not None for watch in watches) < 2_000


def test_a_heap_goes_with_its_last_reference() -> None:
    heap = Heap(types(), Roots(), limit=1 << 20)
    thing = Thing()
    watch, thing_watch = weakref.ref(heap), weakref.ref(thing)
    reference = heap.handle(thing)
    heap.new_struct(PAIR)
    del heap, thing
    gc.collect()
    assert watch() is None
    assert thing_watch() is None
    assert reference & words.TAG_MASK == words.HANDLE_TAG


def test_subtypes_are_told_by_their_display() -> None:
    table = TypeTable()
    table.define(10, StructLayout.of([]))
    table.define(11, StructLayout.of([]), [10])
    table.define(12, StructLayout.of([]), [10, 11])
    table.define(13, StructLayout.of([]), [10])
    known = (10, 11, 12, 13)
    assert {(a, b) for a in known for b in known if table.is_subtype(a, b)} == {
        *((n, n) for n in known),
        (11, 10),
        (12, 10),
        (13, 10),
        (12, 11),
    }


def test_a_heap_that_was_big_gives_memory_back() -> None:
    heap = Heap(types(), Roots(), limit=1 << 30, small=0)
    heap.trace_with(NativeTracer)
    kept = [heap.new_array(BYTES, 50 << 20) for _ in range(4)]
    heap.collect()
    assert heap.statistics.live_bytes > 200 << 20
    assert heap.space.cage.bytes > 200 << 20
    last = heap.new_array(BYTES, 100)
    del kept
    heap.collect()
    before = heap.space.cage.bytes
    del last
    heap.collect()
    assert heap.space.cage.bytes <= min(before, 64 << 20)
    array = heap.new_array(BYTES, 100 << 20)
    assert heap.load(array, heap.element(array, (100 << 20) - 1), 1) == 0
