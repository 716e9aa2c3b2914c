"""Where this API says more than wasmtime-py: its messages, its knobs, its figures."""

from __future__ import annotations

import pytest

from tests.vm.engines import binary
from vm.api import (
    Config,
    Engine,
    Func,
    FuncType,
    Instance,
    Limits,
    Linker,
    Memory,
    Module,
    Store,
    Table,
    TableType,
    ValType,
    WasmtimeError,
    wat2wasm,
)
from vm.errors import ConfigError, LinkError

ADD = '(module (func (export "add") (param i32 f64) (result i32) (local.get 0)))'


def test_knobs_are_attributes_and_a_wrong_name_is_corrected() -> None:
    config = Config()
    config.tier = "reference"
    assert (config.tier, config.opt_level) == ("reference", 3)
    assert Engine(config).tier.name == "reference"
    with pytest.raises(ConfigError, match="opt_levle: this engine has no such knob; did you mean opt_level"):
        config.opt_levle = 2
    config.tier = "warp"
    with pytest.raises(ConfigError, match="tier: no tier called 'warp'"):
        Engine(config)
    with pytest.raises(AttributeError):
        _ = config.nonsense


def test_a_wrong_argument_is_named_with_what_was_expected() -> None:
    store = Store()
    add = Instance(store, Module(store.engine, binary(ADD)), []).exports(store)["add"]
    assert isinstance(add, Func)
    with pytest.raises(TypeError, match="parameter 1: f64 takes a float, got 2"):
        add(store, 1, 2)
    with pytest.raises(TypeError, match=r"too few parameters: given 1, expected 2 \[i32 f64\] -> \[i32\]"):
        add(store, 1)
    with pytest.raises(TypeError, match="store: expected Store or Caller, got int"):
        add(1, 2)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"params: expected ValType, got str"):
        FuncType(["i32"], [])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"use ValType\.i32"):
        ValType()


def test_all_missing_imports_are_listed_with_near_misses() -> None:
    engine = Engine()
    linker = Linker(engine)
    linker.define_func("env", "log_line", FuncType([], []), lambda: None)
    wat = '(module (import "env" "log_lin" (func)) (import "env" "x" (func)) (import "env" "x" (func)))'
    with pytest.raises(LinkError) as caught:
        linker.instantiate(Store(engine), Module(engine, binary(wat)))
    assert caught.value.missing == (("env", "log_lin"), ("env", "x"))
    assert "`env::log_lin` has not been defined (did you mean env::log_line?)" in str(caught.value)


@pytest.mark.parametrize("text", [ADD, ADD.encode(), bytearray(ADD.encode()), wat2wasm(ADD)])
def test_a_module_may_be_text(text: str | bytes) -> None:
    store = Store()
    add = Instance(store, Module(store.engine, text), []).exports(store)["add"]
    assert isinstance(add, Func)
    assert add(store, 2, 3.0) == 2


def test_malformed_text_is_refused_with_its_place() -> None:
    with pytest.raises(WasmtimeError, match=r"unknown operator i32.ad.* \(at line 1, column 7\)"):
        Module(Engine(), "(func i32.ad)")


def test_of_invalid_text_the_place_is_noted() -> None:
    with pytest.raises(WasmtimeError, match="type mismatch") as caught:
        Module(Engine(), "(module\n  (func (result i32)\n    (i64.const 1)))")
    assert caught.value.__notes__ == ["line 3, column 18 of the text: (i64.const 1)))"]


def test_an_engine_counts_its_costs() -> None:
    engine = Engine()
    store = Store(engine)
    module = Module(engine, binary(ADD))
    stats = engine.stats()
    assert stats["module_seconds"] > 0
    assert stats["code_bytes"] == 0
    add = Instance(store, module, []).exports(store)["add"]
    assert isinstance(add, Func)
    add(store, 1, 2.0)
    assert engine.stats()["code_bytes"] > 0
    assert engine.stats()["compile_seconds"] > 0


def test_a_stores_limits_bound_its_memories_and_tables() -> None:
    store = Store()
    store.set_limits(memory_size=3 * 65536, table_elements=5)
    wat = '(module (memory (export "m") 1) (table (export "t") 1 funcref))'
    exports = Instance(store, Module(store.engine, binary(wat)), []).exports(store)
    memory = exports["m"]
    assert isinstance(memory, Memory)
    assert memory.grow(store, 2) == 1
    with pytest.raises(WasmtimeError, match="failed to grow memory by 1"):
        memory.grow(store, 1)


def test_wasi_without_a_configuration_says_what_to_do() -> None:
    engine = Engine()
    linker = Linker(engine)
    linker.define_wasi()
    wat = '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))))'
    with pytest.raises(WasmtimeError, match=r"use Store\.set_wasi"):
        linker.instantiate(Store(engine), Module(engine, binary(wat)))


def test_objects_of_another_store_are_refused() -> None:
    engine = Engine()
    here, there = Store(engine), Store(engine)
    module = Module(engine, binary('(module (func (export "f")) (memory (export "m") 1))'))
    exports = Instance(here, module, []).exports(here)
    f, m = exports["f"], exports["m"]
    assert isinstance(f, Func)
    assert isinstance(m, Memory)
    with pytest.raises(WasmtimeError, match="object used with the wrong store"):
        f(there)
    with pytest.raises(WasmtimeError, match="object used with the wrong store"):
        m.size(there)
    with pytest.raises(LinkError, match="'' 'f' was given an object of another store"):
        Instance(there, Module(engine, binary('(module (import "" "f" (func)))')), [f])
    table = Table(there, TableType(ValType.funcref(), Limits(1, None)), None)
    with pytest.raises(TypeError, match="funcref takes a Func of the same store, or None"):
        table.set(there, 0, f)


def test_sizes_that_make_no_sense_are_refused() -> None:
    for least, most in ((-1, None), (5, 3)):
        with pytest.raises(WasmtimeError, match="limits: expected 0 <= min <= max"):
            Limits(least, most)
    store = Store()
    table = Table(store, TableType(ValType.funcref(), Limits(2, None)), None)
    with pytest.raises(WasmtimeError, match="cannot grow by negative amount"):
        table.grow(store, -1, None)
    assert table.size(store) == 2
