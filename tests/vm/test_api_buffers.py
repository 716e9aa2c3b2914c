"""Memories as buffers and NumPy arrays, without copies."""

from __future__ import annotations

import gc
import sys

import numpy
import pytest

from vm.api import Engine, Instance, Limits, Memory, MemoryType, Module, SharedMemory, Store

TEXT = """(module (memory (export "m") 1)
  (func (export "get") (param i32) (result i32) (i32.load (local.get 0))))"""


def made() -> tuple[Store, Memory, Instance]:
    store = Store(Engine())
    instance = Instance(store, Module(store.engine, TEXT), [])
    memory = instance.exports(store)["m"]
    assert isinstance(memory, Memory)
    return store, memory, instance


def test_an_array_shares_the_bytes() -> None:
    store, memory, instance = made()
    array = numpy.asarray(memory)
    assert (array.dtype, array.shape) == (numpy.uint8, (65_536,))
    array.view(numpy.int32)[1] = 77
    assert instance.exports(store)["get"](store, 4) == 77  # type: ignore[operator]
    assert memory.read(store, 4, 5) == b"M"


def test_the_buffer_protocol_serves_arrays_of_any_type_and_place() -> None:
    store, memory, _ = made()
    doubles = numpy.frombuffer(memory.get_buffer_ptr(store, 32, 64), numpy.float64)
    doubles[:] = [1, 2, 3, 4]
    assert memory.read(store, 64, 72) == numpy.float64(1).tobytes()


def test_an_array_keeps_its_bytes_and_shows_growth_when_made_anew() -> None:
    store, memory, _ = made()
    array = numpy.asarray(memory)
    memory.grow(store, 1)
    array[5] = 9
    assert numpy.asarray(memory)[5] == 9
    assert len(numpy.asarray(memory)) == 131_072
    del store, memory, _
    gc.collect()
    assert array[5] == 9


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is Python 3.12's")
def test_a_memory_is_a_buffer() -> None:
    store, memory, _ = made()
    memoryview(memory)[3] = 5  # type: ignore[arg-type]
    assert memory.read(store, 3, 4) == b"\5"


def test_a_shared_memory_is_an_array_that_outlives_it() -> None:
    memory = SharedMemory(Engine(), MemoryType(Limits(1, 2), shared=True))
    array = numpy.asarray(memory)
    array[7] = 42
    assert (array.shape, memory.data_ptr()[7]) == ((65536,), 42)
    memory.grow(1)
    assert numpy.asarray(memory).shape == (131072,)
    memory.close()
    gc.collect()
    assert array[7] == 42
