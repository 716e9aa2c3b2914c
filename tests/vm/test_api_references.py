"""References in Python's hands: structures and arrays are sequences; what does not fit a type is refused."""

from __future__ import annotations

from typing import Any

import pytest

from vm.api import (
    ArrayRef,
    Config,
    Engine,
    Func,
    FuncType,
    Global,
    GlobalType,
    Instance,
    Limits,
    Linker,
    Module,
    Store,
    StructRef,
    Table,
    TableType,
    ValType,
    WasmtimeError,
)
from vm.tiers import TIERS

PROGRAM = """
(module
  (type $point (struct (field $x (mut i32)) (field $y f64) (field $name externref) (field $flag i8)))
  (type $bytes (array (mut i8)))
  (type $unary (func (param i32) (result i32)))
  (func (export "point") (param i32 f64 externref) (result (ref $point))
    (struct.new $point (local.get 0) (local.get 1) (local.get 2) (i32.const 0x1ff)))
  (func (export "bytes") (param i32) (result (ref $bytes)) (array.new $bytes (i32.const -1) (local.get 0)))
  (func (export "x") (param (ref $point)) (result i32) (struct.get $point $x (local.get 0)))
  (func (export "any") (param anyref) (result anyref) (local.get 0))
  (func (export "eq") (param eqref) (result eqref) (local.get 0))
  (func (export "i31") (param i31ref) (result i31ref) (local.get 0))
  (func (export "out") (param anyref) (result externref) (extern.convert_any (local.get 0)))
  (func (export "in") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func $double (export "double") (type $unary) (i32.add (local.get 0) (local.get 0)))
  (func (export "apply") (param (ref $unary) i32) (result i32)
    (call_ref $unary (local.get 1) (local.get 0)))
  (func (export "nothing"))
  (table (export "functions") 2 (ref null $unary)))
"""


@pytest.fixture(params=TIERS)
def store(request: pytest.FixtureRequest) -> Store:
    config = Config()
    config.tier = request.param
    return Store(Engine(config))


@pytest.fixture
def exports(store: Store) -> dict[str, Any]:
    return dict(Instance(store, Module(store.engine, PROGRAM), []).exports(store))


def test_a_structure_is_a_sequence_of_its_fields(store: Store, exports: dict[str, Any]) -> None:
    name = object()
    point = exports["point"](store, -3, 0.5, name)
    assert isinstance(point, StructRef)
    assert list(point) == [-3, 0.5, name, 0xFF]
    assert (len(point), point[-1]) == (4, 0xFF)
    point[0] = 7
    assert exports["x"](store, point) == 7
    with pytest.raises(TypeError, match="place 1 is immutable"):
        point[1] = 1.0
    with pytest.raises(TypeError, match="place 0: i32 takes an int"):
        point[0] = "seven"
    with pytest.raises(IndexError, match="no place 4, there are 4"):
        point[4]


def test_an_array_is_a_sequence_of_its_elements(store: Store, exports: dict[str, Any]) -> None:
    array = exports["bytes"](store, 3)
    assert isinstance(array, ArrayRef)
    array[1] = 0x105
    assert list(array) == [255, 5, 255]
    assert len(exports["bytes"](store, 0)) == 0


def test_the_same_object_is_equal_however_it_went(store: Store, exports: dict[str, Any]) -> None:
    point = exports["point"](store, 1, 2.0, None)
    assert exports["any"](store, point) == point
    assert exports["in"](store, exports["out"](store, point)) == point
    assert len({point, exports["eq"](store, point)}) == 1
    assert exports["point"](store, 1, 2.0, None) != point


def test_small_ints_are_i31_and_other_objects_stay_themselves(store: Store, exports: dict[str, Any]) -> None:
    least, most = -(2**30), 2**30 - 1
    for name in ("any", "eq", "i31"):
        values = [least, -1, 0, most, None]
        assert [exports[name](store, value) for value in values] == values
    big, thing = 2**30, object()
    assert exports["any"](store, big) is big
    assert exports["any"](store, thing) is thing
    assert exports["out"](store, thing) is thing
    for name in ("eq", "i31"):
        with pytest.raises(TypeError, match=f"parameter 0: {name}ref takes only references of that type"):
            exports[name](store, big)


def test_what_is_no_reference_of_the_type_is_refused(store: Store, exports: dict[str, Any]) -> None:
    array = exports["bytes"](store, 1)
    for wrong in (array, 5, object()):
        with pytest.raises(TypeError, match=r"parameter 0: .* takes only references of that type"):
            exports["x"](store, wrong)
    with pytest.raises(TypeError, match="takes anything but None"):
        exports["x"](store, None)
    elsewhere = Store(store.engine)
    other = Instance(elsewhere, Module(store.engine, PROGRAM), []).exports(elsewhere)
    foreign: Any = other["point"]
    with pytest.raises(TypeError, match="only references of that type"):
        exports["x"](store, foreign(elsewhere, 1, 2.0, None))


def test_functions_are_checked_against_their_type(store: Store, exports: dict[str, Any]) -> None:
    assert exports["apply"](store, exports["double"], 21) == 42
    with pytest.raises(TypeError, match="takes only references of that type"):
        exports["apply"](store, exports["nothing"], 21)
    triple = Func(store, FuncType([ValType.i32()], [ValType.i32()]), lambda x: 3 * x)
    exports["functions"].set(store, 0, triple)
    assert exports["functions"].get(store, 0)(store, 5) == 15
    with pytest.raises(TypeError, match=r"val: .* takes only references of that type"):
        exports["functions"].set(store, 1, exports["nothing"])


def test_host_functions_globals_and_tables_of_references(store: Store, exports: dict[str, Any]) -> None:
    array = exports["bytes"](store, 2)
    keep = Global(store, GlobalType(ValType.arrayref(), True), None)
    keep.set_value(store, array)
    assert keep.value(store) == array
    with pytest.raises(TypeError, match="val: arrayref takes only references of that type"):
        keep.set_value(store, 3)
    table = Table(store, TableType(ValType.eqref(), Limits(1, None)), 9)
    assert table.get(store, 0) == 9
    module = Module(
        store.engine,
        '(import "m" "f" (func $f (param structref) (result i31ref)))'
        '(func (export "g") (result i31ref) (call $f (ref.null none)))',
    )
    linker = Linker(store.engine)
    given: list[object] = []
    linker.define_func(
        "m", "f", FuncType([ValType.structref()], [ValType.i31ref()]), lambda x: given.append(x) or 2**30
    )
    with pytest.raises(TypeError, match="result of the host function: i31ref takes only references"):
        linker.instantiate(store, module).exports(store)["g"](store)
    assert given == [None]


def test_imports_are_matched_by_subtyping(store: Store) -> None:
    give = Module(
        store.engine,
        "(type $a (sub (func))) (type $b (sub $a (func)))"
        '(func (export "f") (type $b)) (global (export "g") (ref null $b) (ref.null $b))'
        '(table (export "t") 1 (ref null $b))',
    )
    exports = Instance(store, give, []).exports(store)
    head = "(type $a (sub (func))) (type $b (sub $a (func)))"
    for wanted in ('(import "" "" (func (type $a)))', '(import "" "" (func (type $b)))'):
        Instance(store, Module(store.engine, head + wanted), [exports["f"]])
    Instance(store, Module(store.engine, head + '(import "" "" (global (ref null $a)))'), [exports["g"]])
    for wanted, name in (
        ('(import "" "" (func))', "f"),
        ('(import "" "" (global (mut (ref null $b))))', "g"),
        ('(import "" "" (table 1 (ref null $a)))', "t"),
    ):
        with pytest.raises(WasmtimeError, match="incompatible import type"):
            Instance(store, Module(store.engine, head + wanted), [exports[name]])
