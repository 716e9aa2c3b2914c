"""Types of modules: the same ones are one object, subtyping agrees with its definition, none is kept."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import types as oracle
from tests.oracles.types import Definition, Module, Ref, Value
from tests.vm.engines import call, instance, store
from vm.errors import Trap, TrapCode, ValidationError
from vm.isa import canonical as canonical_types
from vm.isa.canonical import canonical
from vm.isa.matching import bottom_of, matches, top_of
from vm.isa.types import FUNCREF, DefType, FuncType, Heap, RefType, ValType, ValueType
from vm.module.decoder import decode
from vm.module.limits import MAX_SUBTYPE_DEPTH
from vm.module.validator import validate
from vm.runtime import references
from vm.runtime.tables import Table
from vm.text import wat2wasm
from vm.tiers import TIERS

NUMBERS = {str(member): member for member in ValType}
RECURSIVE = "(rec (type $a (struct (field i8 i8 i16 (ref null $b)))) (type $b (array (ref $a))))"
HEAPS = {str(heap): heap for heap in Heap if heap is not Heap.BOT}


@st.composite
def definitions(draw: st.DrawFn, first: int, size: int, index: int) -> Definition:
    """A type with this index in a group of ``size`` that starts at ``first``."""
    indices = st.integers(0, first + size - 1)
    value: st.SearchStrategy[Value] = st.sampled_from(["i32", "f64"]) | st.builds(
        Ref, indices | st.sampled_from(["any", "func", "none"]), st.booleans()
    )
    kind = draw(st.sampled_from(["func", "struct", "array"]))
    content = value if kind == "func" else value | st.just("i8")
    mutable = st.just(False) if kind == "func" else st.booleans()
    count = 1 if kind == "array" else draw(st.integers(0, 2))
    parts = tuple(draw(st.tuples(content, mutable)) for _ in range(count))
    above = draw(st.none() | st.integers(0, index - 1)) if index else None
    params = draw(st.integers(0, count)) if kind == "func" else 0
    return Definition(kind, parts, params, above, draw(st.booleans()))


@st.composite
def modules(draw: st.DrawFn) -> Module:
    """A few small groups, so that equal ones are frequent. Supertypes are drawn from all types before."""
    groups: list[tuple[Definition, ...]] = []
    first = 0
    for size in draw(st.lists(st.integers(1, 2), min_size=1, max_size=4)):
        groups.append(tuple(draw(definitions(first, size, first + i)) for i in range(size)))
        first += size
    return Module(tuple(groups))


def value_text(value: Value) -> str:
    return value if isinstance(value, str) else f"(ref {'null ' if value.nullable else ''}{value.heap})"


def definition_text(definition: Definition) -> str:
    parts = [f"(mut {value_text(v)})" if mutable else value_text(v) for v, mutable in definition.parts]
    if definition.kind == "func":
        params, results = parts[: definition.params], parts[definition.params :]
        body = f"(func (param {' '.join(params)}) (result {' '.join(results)}))"
    elif definition.kind == "struct":
        body = f"(struct {' '.join(f'(field {part})' for part in parts)})"
    else:
        body = f"(array {parts[0]})"
    above = "" if definition.supertype is None else definition.supertype
    return f"(type (sub {'final' if definition.final else ''} {above} {body}))"


def text(module: Module) -> str:
    return "".join(f"(rec {' '.join(map(definition_text, group))})" for group in module.groups)


def types_of(module: Module) -> list[DefType]:
    return decode(wat2wasm(text(module))).types


def value_of(value: Value, types: list[DefType]) -> ValueType:
    if isinstance(value, str):
        return NUMBERS[value]
    heap = types[value.heap] if isinstance(value.heap, int) else HEAPS[value.heap]
    return RefType(heap, value.nullable)


@given(modules(), modules())
def test_types_are_one_object_exactly_when_they_are_equivalent(a: Module, b: Module) -> None:
    types_a, types_b = types_of(a), types_of(b)
    for i, x in enumerate(types_a):
        for j, y in enumerate(types_b):
            assert (x is y) is oracle.same(a, i, b, j)
            assert (x.id == y.id) is (x is y)
            assert x.extends(y) is oracle.extends(a, i, b, j)


@given(modules(), st.data())
def test_matching_agrees_with_its_definition(module: Module, data: st.DataObject) -> None:
    types = types_of(module)
    heaps = st.sampled_from([*range(len(types)), *HEAPS])
    values = st.sampled_from(sorted(NUMBERS)) | st.builds(Ref, heaps, st.booleans())
    x, y, z = (data.draw(values) for _ in range(3))
    xs, ys, zs = (value_of(value, types) for value in (x, y, z))
    assert matches(xs, ys) is oracle.matches(module, x, module, y)
    assert matches(xs, xs)
    if matches(xs, ys) and matches(ys, zs):
        assert matches(xs, zs)


@given(modules(), st.data())
def test_every_heap_type_is_between_its_top_and_its_bottom(module: Module, data: st.DataObject) -> None:
    heap = data.draw(st.sampled_from([*types_of(module), *HEAPS.values()]))
    for nullable in (False, True):
        reference = RefType(heap, nullable)
        assert matches(RefType(bottom_of(heap), nullable), reference)
        assert matches(reference, RefType(top_of(heap), nullable))
        assert matches(RefType(Heap.BOT, nullable), reference)
    others = {top_of(other) for other in HEAPS.values()} - {top_of(heap)}
    assert not any(matches(RefType(heap), RefType(other)) for other in others)


def test_function_types_made_by_hand_are_those_of_modules() -> None:
    (found,) = decode(wat2wasm("(type (func (param i32 funcref)))")).types
    assert found is canonical(FuncType((ValType.I32, FUNCREF)))
    assert canonical(FuncType()) is canonical(FuncType())


def test_types_go_with_the_last_module_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical_types, "KEPT", 0)
    module = decode(wat2wasm(RECURSIVE))
    group = weakref.ref(module.types[0].group)
    number = module.types[0].id
    del module
    gc.collect()
    assert group() is None
    again = decode(wat2wasm(RECURSIVE))
    assert again.types[0].id != number, "numbers are not used twice: native code may still hold one"


def test_a_module_that_is_loaded_again_has_the_same_numbers() -> None:
    text = RECURSIVE.replace("i16", "i64")
    number = decode(wat2wasm(text)).types[0].id
    gc.collect()
    assert decode(wat2wasm(text)).types[0].id == number


def chain(length: int) -> str:
    return "(type (sub (struct)))" + "".join(f"(type (sub {i} (struct)))" for i in range(length))


def test_supertypes_have_a_limit() -> None:
    validate(decode(wat2wasm(chain(MAX_SUBTYPE_DEPTH))))
    with pytest.raises(ValidationError, match="sub type: 64 supertypes, at most 63"):
        decode(wat2wasm(chain(MAX_SUBTYPE_DEPTH + 1)))


def test_a_group_of_many_members_is_read() -> None:
    """The work must not grow with the square of the group, or this takes minutes."""
    size = 20_000
    members = "".join(f"(type (struct (field (ref null {(i * 7) % size}))))" for i in range(size))
    module = decode(wat2wasm(f"(rec {members})"))
    validate(module)
    assert len(module.types) == len({type.id for type in module.types}) == size


LOOK = """(module (type $t (sub (func))) (type $u (sub $t (func)))
  (table (export "t") 3 funcref)
  (func $f (type $t)) (func $g (type $u)) (elem (i32.const 1) $f $g)
  (func (export "test") (param i32) (result i32) (ref.test (ref $t) (table.get (local.get 0))))
  (func (export "call") (param i32) (call_indirect (type $t) (local.get 0))))"""


@pytest.mark.parametrize("tier", TIERS)
def test_functions_are_looked_at_whatever_their_type_and_its_number(tier: str) -> None:
    """A host function's type may be far behind those of all modules in the table that native code reads."""
    s = store(tier)
    i = instance(s, LOOK)
    others = [
        canonical(FuncType((ValType.I32,) * (n % 70), (ValType.F32,) * (n // 70))) for n in range(4_500)
    ]
    host = s.host_function(FuncType((ValType.F64,) * 60, (ValType.I64,) * len(tier)), lambda args: [])
    assert host.definition not in others
    table = i.export("t")
    assert isinstance(table, Table)
    table.set(0, host.record)
    assert [call(i, "test", n)[0] for n in range(3)] == [0, 1, 1]
    assert call(i, "call", 1) == call(i, "call", 2) == []
    with pytest.raises(Trap) as caught:
        call(i, "call", 0)
    assert caught.value.code is TrapCode.BAD_SIGNATURE


def test_types_of_functions_are_in_the_table_once_somebody_asks_for_it() -> None:
    above, below = (
        decode(wat2wasm(f"(module (type $a (sub (func (param f64 v128)))) {more})")).types[-1]
        for more in ("", "(type $b (sub final $a (func (param f64 v128))))")
    )
    references.define([below])
    table = references.type_table()
    assert table.is_subtype(below.id, above.id)
    assert not table.is_subtype(above.id, below.id)
    late = canonical(FuncType((ValType.V128,) * 7, (ValType.F64,)))
    references.define([late])  # there is a table now, which native code reads without asking
    assert table.knows(late.id)
