from __future__ import annotations

import pytest

from vm.errors import Trap, TrapCode
from vm.isa.types import PAGE_SIZE, Limits, MemoryType
from vm.memory.linear import LENGTH, LinearMemory
from vm.memory.native import Block, Heap, peek, poke


def memory(minimum: int, maximum: int | None = None, **options: object) -> LinearMemory:
    return LinearMemory(MemoryType(Limits(minimum, maximum)), **options)  # type: ignore[arg-type]


def test_growing_keeps_the_base_and_the_bytes_and_tells_compiled_code_the_length() -> None:
    m = memory(1, 3)
    m.view[7] = 42
    before, base = m.view, m.address
    assert m.grow(2) == 1
    assert (m.size, m.address, len(m.view), m.view[7]) == (3, base, 3 * PAGE_SIZE, 42)
    assert peek(m.address + LENGTH) == 3 * PAGE_SIZE
    assert bytes(m.view[PAGE_SIZE:]) == bytes(2 * PAGE_SIZE)
    before[7] = 43
    assert m.view[7] == 43  # an older view shows the same bytes


@pytest.mark.parametrize(("maximum", "knob"), [(2, 65_536), (None, 2), (9, 2)])
def test_growing_stops_at_the_declared_maximum_and_at_the_knob(maximum: int | None, knob: int) -> None:
    m = memory(1, maximum, max_bytes=knob * PAGE_SIZE)
    assert m.grow(2) == -1
    assert m.size == 1
    assert m.grow(1) == 1
    assert m.grow(0) == 2


def test_a_view_keeps_its_pages_when_the_memory_is_gone() -> None:
    m = memory(1)
    view = m.view
    view[0] = 9
    del m
    assert view[0] == 9


def test_a_memory_that_starts_above_the_knob_is_refused() -> None:
    with pytest.raises(Trap, match="no room for a memory of 5 pages"):
        memory(5, max_bytes=4 * PAGE_SIZE)


def test_ranges_are_checked_before_anything_is_written() -> None:
    m = memory(1)
    with pytest.raises(Trap) as caught:
        m.fill(PAGE_SIZE - 1, 1, 2)
    assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS
    with pytest.raises(Trap):
        m.write(PAGE_SIZE - 1, b"ab")
    with pytest.raises(Trap):
        m.copy(0, m, PAGE_SIZE, 1)
    assert bytes(m.view) == bytes(PAGE_SIZE)
    m.fill(PAGE_SIZE, 1, 0)  # an empty range at the very end is inside


def test_overlapping_copies_go_as_if_through_a_buffer() -> None:
    m = memory(1)
    m.write(0, b"abcdef")
    m.copy(2, m, 0, 4)
    assert bytes(m.view[:6]) == b"ababcd"


def test_records_are_aligned_and_zeroed_and_do_not_overlap() -> None:
    heap = Heap()
    addresses = [heap.allocate(size) for size in (8, 24, 16, 100_000, 8)]
    assert all(address % 16 == 0 for address in addresses)
    for number, address in enumerate(addresses):
        assert peek(address) == 0
        poke(address, number + 1)
    assert [peek(address) for address in addresses] == [1, 2, 3, 4, 5]


def test_a_block_shows_the_words_at_its_address() -> None:
    block = Block(32)
    block.words[3] = 2**64 - 1
    assert peek(block.address + 24) == 2**64 - 1
