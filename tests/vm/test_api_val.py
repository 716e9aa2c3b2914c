"""Values that say their own type, wrong counts of arguments, closed objects: here as in wasmtime-py."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import wasmtime

import vm.api
from tests.vm.engines import binary

pytestmark = pytest.mark.parametrize("api", [vm.api, wasmtime], ids=["vm.api", "wasmtime"])

SAME = binary("""(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "externref") (param externref) (result externref) (local.get 0)))""")

NUMBERS = [
    ("i32", -7, -7),
    ("i32", 2**32 + 5, 5),
    ("i64", 2**63, -(2**63)),
    ("f32", 0.1, 0.10000000149011612),
]


def call(api: ModuleType, name: str, value: Any) -> Any:
    store = api.Store()
    instance = api.Instance(store, api.Module(store.engine, SAME), [])
    return instance.exports(store)[name](store, value)


@pytest.mark.parametrize(("kind", "given", "kept"), NUMBERS)
def test_a_number_fits_its_type(api: ModuleType, kind: str, given: Any, kept: Any) -> None:
    val = getattr(api.Val, kind)(given)
    assert (val.value, str(val.type), getattr(val, f"as_{kind}")()) == (kept, kind, kept)
    assert val == kept
    assert val == getattr(api.Val, kind)(kept)
    assert val.as_externref() is None
    assert call(api, kind, val) == kept


def test_the_type_makes_the_difference(api: ModuleType) -> None:
    assert api.Val.i32(1) != api.Val.i64(1)
    assert api.Val.i32(1).as_i64() is None
    with pytest.raises(TypeError):
        call(api, "i64", api.Val.i32(1))
    with pytest.raises(TypeError):
        call(api, "externref", api.Val.funcref(None))
    with pytest.raises(TypeError):
        api.Val.i32(1.5)
    with pytest.raises(TypeError):
        api.Val.f64(1)


def test_references(api: ModuleType) -> None:
    thing, null = object(), api.Val.ref_null(api.ValType.externref())
    assert call(api, "externref", api.Val.externref(thing)) is thing
    assert call(api, "externref", null) is None
    assert (null.type, null.value) == (api.ValType.externref(), None)
    with pytest.raises(api.WasmtimeError):
        api.Val.ref_null(api.ValType.i32())


def test_globals_tables_and_host_functions_take_them(api: ModuleType) -> None:
    store, types = api.Store(), api.ValType
    counter = api.Global(store, api.GlobalType(types.i64(), True), api.Val.i64(3))
    counter.set_value(store, api.Val.i64(4))
    assert counter.value(store) == 4
    with pytest.raises(TypeError):
        counter.set_value(store, api.Val.i32(5))
    func = api.Func(
        store, api.FuncType([], [types.i32(), types.f64()]), lambda: [api.Val.i32(2), api.Val.f64(0.5)]
    )
    assert func(store) == [2, 0.5]
    table = api.Table(store, api.TableType(types.funcref(), api.Limits(1, None)), api.Val.funcref(func))
    assert table.get(store, 0)(store) == [2, 0.5]


@pytest.mark.parametrize("given", [(), (1, 2)])
def test_a_wrong_count_of_arguments_is_their_error(api: ModuleType, given: tuple[int, ...]) -> None:
    store = api.Store()
    func = api.Func(store, api.FuncType([api.ValType.i32()], []), lambda value: None)
    with pytest.raises(api.WasmtimeError, match=r"parameters"):
        func(store, *given)
    if api is vm.api:
        with pytest.raises(TypeError, match=f"given {len(given)}, expected 1"):
            func(store, *given)


def test_a_closed_object_is_a_value_error(api: ModuleType) -> None:
    engine, config = api.Engine(), api.Config()
    store = api.Store(engine)
    store.close()
    config.close()
    with pytest.raises(ValueError, match="closed"):
        store.set_epoch_deadline(1)
    with pytest.raises(ValueError, match="closed"):
        api.Engine(config)


def test_a_module_without_a_default_function_has_nothing_to_run(api: ModuleType) -> None:
    store = api.Store()
    linker = api.Linker(store.engine)
    assert linker.engine is store.engine
    assert linker.get_default(store, "nothing")(store) is None


def test_a_memory_tells_its_page_size(api: ModuleType) -> None:
    config = api.Config()
    config.wasm_custom_page_sizes = True
    store = api.Store(api.Engine(config))
    for log2 in (0, 16):
        memory = api.Memory(store, api.MemoryType(api.Limits(1, None), page_size_log2=log2))
        assert (memory.page_size_log2(store), memory.page_size(store)) == (log2, 1 << log2)
