"""InstancePre, stand-ins for unknown imports, wasmtime-py's configuration, serialized modules."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wasmtime

import vm.api
from tests.vm.engines import binary
from vm.api import Config, Engine, Instance, Linker, Module, Store, WasmtimeError
from vm.errors import ConfigError, LinkError

both = pytest.mark.parametrize("api", [vm.api, wasmtime], ids=["vm.api", "wasmtime"])

WANTS = binary("""(module
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "env" "log" (func $log (param i32)))
  (func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "log") (call $log (i32.const 1))))""")

KINDS = binary("""(module
  (import "env" "f" (func $f (result i32 f64)))
  (import "env" "g" (global $g i64))
  (import "env" "m" (memory 1))
  (import "env" "t" (table 3 funcref))
  (func (export "f") (result i32 f64) (call $f))
  (func (export "g") (result i64) (global.get $g))
  (func (export "m") (result i32) (memory.size))
  (func (export "t") (result i32) (table.size)))""")


def linker(api: ModuleType) -> tuple[Any, Any]:
    engine = api.Engine()
    made = api.Linker(engine)
    type = api.FuncType([api.ValType.i32(), api.ValType.i32()], [api.ValType.i32()])
    made.define_func("env", "add", type, lambda a, b: a + b)
    return engine, made


@both
def test_an_instance_pre_makes_instances_in_many_stores(api: ModuleType) -> None:
    engine, made = linker(api)
    made.define_func("env", "log", api.FuncType([api.ValType.i32()], []), lambda value: None)
    pre = made.instantiate_pre(api.Module(engine, WANTS))
    for _ in range(2):
        store = api.Store(engine)
        assert pre.instantiate(store).exports(store)["add"](store, 2, 3) == 5
    assert [entry.name for entry in pre.module.imports] == ["add", "log"]


@both
def test_an_instance_pre_needs_every_import(api: ModuleType) -> None:
    engine, made = linker(api)
    with pytest.raises(api.WasmtimeError, match="env::log"):
        made.instantiate_pre(api.Module(engine, WANTS))


@both
def test_unknown_functions_trap_when_they_are_called(api: ModuleType) -> None:
    engine, made = linker(api)
    module = api.Module(engine, WANTS)
    made.define_unknown_imports_as_traps(module)
    store = api.Store(engine)
    exports = made.instantiate(store, module).exports(store)
    assert exports["add"](store, 2, 3) == 5
    with pytest.raises((api.Trap, api.WasmtimeError)) as caught:
        exports["log"](store)
    assert "env::log" in str(caught.value) or "env" in str(caught.value)


@both
def test_unknown_imports_are_default_values(api: ModuleType) -> None:
    engine = api.Engine()
    made, store = api.Linker(engine), api.Store(engine)
    module = api.Module(engine, KINDS)
    made.define_unknown_imports_as_default_values(store, module)
    exports = made.instantiate(store, module).exports(store)
    assert [exports[name](store) for name in "fgmt"] == [[0, 0.0], 0, 1, 3]


def test_all_missing_imports_are_named_with_near_misses() -> None:
    engine, made = linker(vm.api)
    module = Module(engine, '(module (import "env" "ad" (func)) (import "env" "gone" (func)))')
    with pytest.raises(LinkError) as caught:
        made.instantiate(Store(engine), module)
    assert caught.value.missing == (("env", "ad"), ("env", "gone"))
    assert "did you mean env::add?" in str(caught.value)


def test_a_function_says_which_parameter_is_wrong() -> None:
    engine, made = linker(vm.api)
    store = Store(engine)
    add = made.get(store, "env", "add")
    with pytest.raises(TypeError, match="parameter 1: i32 takes an int, got 'x'"):
        add(store, 1, "x")
    with pytest.raises(TypeError, match="too few parameters: given 1, expected 2"):
        add(store, 1)


@both
def test_settings_that_programs_make_are_accepted(api: ModuleType) -> None:
    config = api.Config()
    config.wasm_gc = config.wasm_threads = config.wasm_memory64 = True
    config.parallel_compilation = False
    config.cranelift_opt_level = "speed"
    config.strategy = "auto"
    config.debug_info = True
    store = api.Store(api.Engine(config))
    assert api.Instance(store, api.Module(store.engine, b"\0asm\1\0\0\0"), []) if api is vm.api else True


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("wasm_simd", False, "always on here"),
        ("wasm_component_model", True, "this engine does not have it"),
        ("cranelift_opt_level", "fast", "expected one of 'none', 'speed', 'speed_and_size', got 'fast'"),
    ],
)
def test_settings_that_cannot_be_had_say_so(name: str, value: object, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        setattr(Config(), name, value)
    assert caught.value.knob == name


def test_settings_that_have_a_knob_here_set_it() -> None:
    config = Config()
    config.cranelift_opt_level = "none"
    config.signals_based_traps = False
    assert (config.opt_level, config.memory_guard) == (0, "checked")


@both
def test_a_module_is_serialized_and_made_again(api: ModuleType, tmp_path: Path) -> None:
    engine, made = linker(api)
    made.define_func("env", "log", api.FuncType([api.ValType.i32()], []), lambda value: None)
    content = api.Module(engine, WANTS).serialize()
    (tmp_path / "module").write_bytes(content)
    for module in (
        api.Module.deserialize(engine, content),
        api.Module.deserialize_file(engine, str(tmp_path / "module")),
    ):
        store = api.Store(engine)
        assert made.instantiate(store, module).exports(store)["add"](store, 2, 3) == 5
    with pytest.raises(api.WasmtimeError):
        api.Module.deserialize(engine, WANTS)


def test_a_lazy_module_stays_lazy_when_it_is_serialized() -> None:
    engine = Engine()
    bad = binary('(module (func (export "f") (result i32) (i32.const 1)))').replace(b"\x41\x01", b"\x42\x01")
    module = Module.deserialize(engine, Module(engine, bad).serialize())
    store = Store(engine)
    with pytest.raises(WasmtimeError, match="type mismatch"):
        Instance(store, module, []).exports(store)["f"](store)  # type: ignore[operator]


def test_what_is_closed_lets_go() -> None:
    with Engine() as engine, Store(engine) as store:
        Linker(engine).close()
    with pytest.raises(ValueError, match="closed"):
        store.data()
    store.close()
