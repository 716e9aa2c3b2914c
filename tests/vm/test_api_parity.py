"""One test body for this API and for wasmtime-py, where both must behave alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wasmtime

import vm.api
from tests.vm.engines import binary

pytestmark = pytest.mark.parametrize("api", [vm.api, wasmtime], ids=["vm.api", "wasmtime"])


class World:
    """An engine, a store and an instance; ``imports`` makes what the module needs, given the store."""

    def __init__(
        self, api: ModuleType, wat: str, imports: Callable[[Any], list[Any]] = lambda store: []
    ) -> None:
        engine = api.Engine()
        self.store = api.Store(engine)
        module = api.Module(engine, binary(wat))
        self.instance = api.Instance(self.store, module, imports(self.store))

    def __getitem__(self, name: str) -> Any:
        return self.instance.exports(self.store)[name]

    def call(self, name: str, *args: Any) -> Any:
        return self[name](self.store, *args)


NUMBERS = """(module
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "none"))
  (func (export "three") (result i32 f64 i64) (i32.const -1) (f64.const 0.5) (i64.const -2)))"""


@pytest.mark.parametrize(
    ("name", "given", "back"),
    [
        ("i32", -1, -1),
        ("i32", 2**31 - 1, 2**31 - 1),
        ("i32", 2**31, -(2**31)),
        ("i32", 2**32 + 5, 5),
        ("i32", True, 1),
        ("i64", -(2**63), -(2**63)),
        ("i64", 2**64 - 1, -1),
        ("f32", 0.1, 0.10000000149011612),
        ("f32", 1e300, math.inf),
        ("f32", -1e300, -math.inf),
        ("f64", -0.0, -0.0),
        ("f64", 1e300, 1e300),
    ],
)
def test_numbers_cross_the_border(api: ModuleType, name: str, given: Any, back: Any) -> None:
    result = World(api, NUMBERS).call(name, given)
    assert (type(result), result, str(result)) == (type(back), back, str(back))


def test_no_one_and_several_results(api: ModuleType) -> None:
    w = World(api, NUMBERS)
    assert w.call("none") is None
    assert w.call("three") == [-1, 0.5, -2]


@pytest.mark.parametrize(("name", "value"), [("i32", 1.0), ("i32", "1"), ("f64", "x"), ("i64", None)])
def test_a_value_of_the_wrong_type_is_a_type_error(api: ModuleType, name: str, value: Any) -> None:
    w = World(api, NUMBERS)
    with pytest.raises(TypeError):
        w.call(name, value)


def test_a_module_tells_what_it_needs_and_offers(api: ModuleType) -> None:
    module = api.Module(
        api.Engine(),
        binary(
            """(module (import "env" "f" (func (param i32 f32) (result i64))) (import "env" "m" (memory 1 2))
              (import "env" "t" (table 3 funcref)) (import "env" "g" (global (mut f64)))
              (export "f" (func 0)) (export "m" (memory 0)) (export "t" (table 0)) (export "g" (global 0)))"""
        ),
    )
    assert [(entry.module, entry.name) for entry in module.imports] == [("env", name) for name in "fmtg"]
    assert [entry.name for entry in module.exports] == list("fmtg")
    for types in ([entry.type for entry in module.imports], [entry.type for entry in module.exports]):
        f, m, t, g = types
        assert [str(p) for p in f.params] == ["i32", "f32"]
        assert f.results == [api.ValType.i64()]
        assert (m.limits.min, m.limits.max) == (1, 2)
        assert (str(t.element), t.limits.min, t.limits.max) == ("funcref", 3, None)
        assert (str(g.content), g.mutable) == ("f64", True)


def test_exports_are_a_mapping_in_order(api: ModuleType) -> None:
    w = World(api, NUMBERS)
    exports = w.instance.exports(w.store)
    assert list(exports) == ["i32", "i64", "f32", "f64", "none", "three"]
    assert len(exports) == len(exports.by_index) == 6
    assert isinstance(exports.by_index[5], api.Func)
    assert exports.get("nothing") is None
    with pytest.raises(KeyError):
        exports["nothing"]


def test_a_host_function_gets_and_gives_python_values(api: ModuleType) -> None:
    store = api.Store()
    seen: list[Any] = []

    def host(*args: Any) -> Any:
        seen.append(args)
        return [7, 2.5]

    v = api.ValType
    func = api.Func(store, api.FuncType([v.i32(), v.f64(), v.i64()], [v.i32(), v.f32()]), host)
    assert func(store, -3, 0.5, -4) == [7, 2.5]
    assert seen == [(-3, 0.5, -4)]


def test_a_host_functions_exception_is_the_callers(api: ModuleType) -> None:
    def host() -> None:
        raise ZeroDivisionError("mine")

    wat = '(module (import "" "" (func $h)) (func (export "run") (call $h)))'
    w = World(api, wat, lambda store: [api.Func(store, api.FuncType([], []), host)])
    with pytest.raises(ZeroDivisionError, match="mine"):
        w.call("run")


@pytest.mark.parametrize("result", [None, "text", 1.5])
def test_a_host_function_with_a_wrong_result_is_a_type_error(api: ModuleType, result: Any) -> None:
    store = api.Store()
    func = api.Func(store, api.FuncType([], [api.ValType.i32()]), lambda: result)
    with pytest.raises(TypeError):
        func(store)


def test_a_caller_shows_the_exports_of_the_importing_instance(api: ModuleType) -> None:
    engine = api.Engine()
    store, linker = api.Store(engine), api.Linker(engine)
    seen: list[Any] = []

    def host(caller: Any, start: int, length: int) -> int:
        memory = caller["mem"]
        assert caller.get("absent") is None
        with pytest.raises(KeyError):
            caller["absent"]
        seen.append(bytes(memory.read(caller, start, start + length)))
        memory.write(caller, b"pong", start)
        return len(seen)

    i32 = api.ValType.i32()
    linker.define_func("env", "log", api.FuncType([i32, i32], [i32]), host, access_caller=True)
    module = api.Module(
        engine,
        binary(
            """(module (import "env" "log" (func $log (param i32 i32) (result i32)))
              (memory (export "mem") 1) (data (i32.const 16) "ping")
              (func (export "run") (result i32) (drop (call $log (i32.const 16) (i32.const 4)))
                (call $log (i32.const 16) (i32.const 4))))"""
        ),
    )
    assert linker.instantiate(store, module).exports(store)["run"](store) == 2
    assert seen == [b"ping", b"pong"]


def test_a_memory_is_read_written_and_grown(api: ModuleType) -> None:
    store = api.Store()
    memory = api.Memory(store, api.MemoryType(api.Limits(1, 3)))
    assert (memory.size(store), memory.data_len(store)) == (1, 65536)
    assert memory.write(store, b"hello", 10) == 5
    assert memory.write(store, b"end", -3) == 3
    assert memory.read(store, 10, 15) == b"hello"
    assert memory.read(store, -3) == b"end"
    assert memory.read(store, 5, 2) == b""
    assert len(memory.read(store)) == 65536
    assert memory.data_ptr(store)[10] == ord("h")
    with memoryview(memory.get_buffer_ptr(store)) as view:
        assert (view.nbytes, view.readonly) == (65536, False)
        assert bytes(view[10:15]) == b"hello"
    assert memory.grow(store, 2) == 1
    assert memory.size(store) == 3
    with pytest.raises(api.WasmtimeError):
        memory.grow(store, 1)
    with pytest.raises(api.WasmtimeError):
        memory.grow(store, -1)
    with pytest.raises(IndexError):
        memory.write(store, b"xx", 3 * 65536 - 1)
    limits = memory.type(store).limits
    assert (limits.min, limits.max) == (1, 3)


def null(value: Any) -> bool:
    """Whether an element is null; wasmtime-py wraps it in a Val, which equals None."""
    return bool(value == None)  # noqa: E711


def test_a_table_holds_functions_and_nulls(api: ModuleType) -> None:
    w = World(api, '(module (func (export "f") (result i32) (i32.const 4)) (table (export "t") 2 4 funcref))')
    table, store = w["t"], w.store
    assert null(table.get(store, 0))
    table.set(store, 1, w["f"])
    assert table.get(store, 1)(store) == 4
    assert table.grow(store, 1, w["f"]) == 2
    assert (table.size(store), table.get(store, 2)(store)) == (3, 4)
    assert table.get(store, 9) is None
    table.set(store, 1, None)
    assert null(table.get(store, 1))
    with pytest.raises(api.WasmtimeError):
        table.set(store, 3, None)
    with pytest.raises(api.WasmtimeError):
        table.grow(store, 2, None)


def test_a_table_of_any_python_object(api: ModuleType) -> None:
    store = api.Store()
    table = api.Table(store, api.TableType(api.ValType.externref(), api.Limits(2, None)), {"a": 1})
    assert table.get(store, 1) == {"a": 1}
    table.set(store, 0, None)
    assert null(table.get(store, 0))


def test_references_go_through_functions(api: ModuleType) -> None:
    w = World(
        api,
        """(module (table $t 1 funcref)
          (func (export "extern") (param externref) (result externref) (local.get 0))
          (func (export "func") (param funcref) (result funcref) (local.get 0))
          (func (export "apply") (param funcref) (result i32) (table.set $t (i32.const 0) (local.get 0))
            (call_indirect (result i32) (i32.const 0))))""",
    )
    thing = object()
    assert w.call("extern", thing) is thing
    assert w.call("extern", None) is None
    assert w.call("func", None) is None
    host = api.Func(w.store, api.FuncType([], [api.ValType.i32()]), lambda: 99)
    assert w.call("func", host)(w.store) == 99
    assert w.call("apply", host) == 99


def test_globals(api: ModuleType) -> None:
    w = World(
        api,
        """(module (import "" "v" (global $v (mut i64))) (import "" "c" (global $c f32))
          (export "v" (global $v)) (export "c" (global $c))
          (func (export "swap") (result i64 f32)
            (global.get $v) (global.get $c) (global.set $v (i64.const 8))))""",
        lambda store: [
            api.Global(store, api.GlobalType(api.ValType.i64(), True), -5),
            api.Global(store, api.GlobalType(api.ValType.f32(), False), 1.5),
        ],
    )
    store, variable, constant = w.store, w["v"], w["c"]
    assert w.call("swap") == [-5, 1.5]
    assert variable.value(store) == 8
    variable.set_value(store, 2**63 - 1)
    assert w.call("swap")[0] == 2**63 - 1
    with pytest.raises(api.WasmtimeError):
        constant.set_value(store, 2.0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("unreachable", "UNREACHABLE"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "INTEGER_DIVISION_BY_ZERO"),
        ("(drop (i64.div_s (i64.const -9223372036854775808) (i64.const -1)))", "INTEGER_OVERFLOW"),
        ("(drop (i32.load (i32.const -1)))", "MEMORY_OUT_OF_BOUNDS"),
        ("(call 0)", "STACK_OVERFLOW"),
        ("(call_indirect (i32.const 0))", "INDIRECT_CALL_TO_NULL"),
    ],
)
def test_traps_have_codes(api: ModuleType, body: str, code: str) -> None:
    w = World(api, f'(module (memory 1) (table 1 funcref) (func (export "f") {body}))')
    with pytest.raises(api.Trap) as caught:
        w.call("f")
    assert caught.value.trap_code is api.TrapCode[code]


def test_a_host_function_may_trap(api: ModuleType) -> None:
    def host() -> None:
        raise api.Trap("enough")

    wat = '(module (import "" "" (func $h)) (func (export "run") (call $h)))'
    w = World(api, wat, lambda store: [api.Func(store, api.FuncType([], []), host)])
    with pytest.raises(api.Trap) as caught:
        w.call("run")
    assert (caught.value.message, caught.value.trap_code) == ("enough", None)


def test_a_linker_joins_modules_and_refuses_to_shadow(api: ModuleType) -> None:
    engine = api.Engine()
    store, linker = api.Store(engine), api.Linker(engine)
    lib = api.Module(engine, binary('(module (func (export "two") (result i32) (i32.const 2)))'))
    linker.define_instance(store, "lib", linker.instantiate(store, lib))
    app = api.Module(
        engine,
        binary(
            """(module (import "lib" "two" (func $two (result i32)))
              (func (export "four") (result i32) (i32.mul (call $two) (call $two))))"""
        ),
    )
    assert linker.instantiate(store, app).exports(store)["four"](store) == 4
    assert linker.get(store, "lib", "two")(store) == 2
    three = api.Func(store, api.FuncType([], [api.ValType.i32()]), lambda: 3)
    with pytest.raises(api.WasmtimeError):
        linker.define(store, "lib", "two", three)
    linker.allow_shadowing = True
    linker.define(store, "lib", "two", three)
    assert linker.instantiate(store, app).exports(store)["four"](store) == 9
    with pytest.raises(api.WasmtimeError):
        linker.get(store, "lib", "absent")


def test_a_missing_import_is_an_error(api: ModuleType) -> None:
    engine = api.Engine()
    module = api.Module(engine, binary('(module (import "env" "absent" (func)))'))
    with pytest.raises(api.WasmtimeError, match="unknown import: `env::absent` has not been defined"):
        api.Linker(engine).instantiate(api.Store(engine), module)
    with pytest.raises(api.WasmtimeError):
        api.Instance(api.Store(engine), module, [])


def test_invalid_bytes_are_refused(api: ModuleType) -> None:
    engine = api.Engine()
    bad = binary("(module (func (result i32) (i32.const 1)))")[:-3]
    with pytest.raises(api.WasmtimeError):
        api.Module(engine, bad)
    with pytest.raises(api.WasmtimeError):
        api.Module.validate(engine, b"\0asm\1\0\0")
    api.Module.validate(engine, binary(NUMBERS))


def test_a_wasi_command_writes_and_exits(api: ModuleType, tmp_path: Path) -> None:
    engine = api.Engine()
    store, linker, wasi = api.Store(engine), api.Linker(engine), api.WasiConfig()
    linker.define_wasi()
    wasi.stdout_file = str(tmp_path / "out")
    store.set_wasi(wasi)
    module = api.Module(
        engine,
        binary(
            """(module
              (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "proc_exit" (func $x (param i32)))
              (memory (export "memory") 1) (data (i32.const 8) "\\10\\00\\00\\00\\05\\00\\00\\00hello")
              (func (export "_start") (drop (call $w (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))
                (call $x (i32.const 3))))"""
        ),
    )
    with pytest.raises(api.ExitTrap) as caught:
        linker.instantiate(store, module).exports(store)["_start"](store)
    assert caught.value.code == 3
    assert (tmp_path / "out").read_bytes() == b"hello"


def test_tags_and_exceptions_that_nothing_catches(api: ModuleType) -> None:
    config = api.Config()
    config.wasm_exceptions = True
    engine = api.Engine(config)
    store = api.Store(engine)
    wat = """(module (import "h" "t" (tag $t (param i32 f64))) (export "again" (tag $t))
      (tag $own (export "own") (param i64))
      (func (export "f") (throw $t (i32.const 1) (f64.const 2))))"""
    given = api.Tag(store, api.TagType(api.FuncType([api.ValType.i32(), api.ValType.f64()], [])))
    module = api.Module(engine, binary(wat))
    assert [type(export.type).__name__ for export in module.exports] == ["TagType", "TagType", "FuncType"]
    exports = api.Instance(store, module, [given]).exports(store)
    assert exports["again"].eq(store, given)
    assert not exports["own"].eq(store, given)
    assert exports["own"].type(store).functype.params == [api.ValType.i64()]
    with pytest.raises(api.Trap):
        exports["f"](store)
    with pytest.raises(TypeError):
        api.TagType(api.ValType.i32())


def test_shared_memories(api: ModuleType) -> None:
    config = api.Config()
    config.wasm_threads = True
    if api is wasmtime:
        config.shared_memory = True
    memory = api.SharedMemory(api.Engine(config), api.MemoryType(api.Limits(1, 3), shared=True))
    assert memory.type().is_shared
    assert (memory.type().limits.min, memory.type().limits.max) == (1, 3)
    assert memory.grow(1) == 1
    assert memory.data_len() == 2 * 65536
    memory.data_ptr()[65536] = 7
    assert memory.data_ptr()[65536] == 7
    with pytest.raises(api.WasmtimeError):
        memory.grow(2)
    with pytest.raises(api.WasmtimeError):
        memory.grow(-1)
