"""Instances, linking, traps and unwinding: one body for every tier."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Sequence

import pytest

from tests.vm.engines import call, function, instance, module, store
from vm.errors import LinkError, Trap, TrapCode
from vm.isa.types import FUNCREF, FuncType, Limits, TableType, ValType
from vm.memory.linear import LinearMemory
from vm.runtime.globals import Global
from vm.runtime.instantiate import instantiate
from vm.runtime.tables import Table
from vm.tiers import TIERS

pytestmark = pytest.mark.parametrize("tier", TIERS)

I32_TO_I32 = FuncType((ValType.I32,), (ValType.I32,))


def test_segments_run_in_order_and_what_was_written_before_a_trap_stays(tier: str) -> None:
    s = store(tier)
    memory = instance(s, '(module (memory (export "m") 1))').export("m")
    table = s.table(TableType(FUNCREF, Limits(2)))
    assert isinstance(memory, LinearMemory)
    wat = """(module (import "" "m" (memory 1)) (import "" "t" (table 2 funcref)) (func $f)
      (elem (i32.const 0) $f)
      (data (i32.const 0) "ab") (data (i32.const 65535) "cd") (data (i32.const 8) "e"))"""
    with pytest.raises(Trap) as caught:
        instance(s, wat, [memory, table])
    assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS
    assert bytes(memory.view[:3]) == b"ab\0"
    assert memory.view[8] == memory.view[65535] == 0
    assert s.function_at(table.get(0)).index == 0  # and the function in the table can still be called
    assert list(s.call(s.function_at(table.get(0)), [])) == []


def test_a_misfit_import_changes_nothing(tier: str) -> None:
    s = store(tier)
    m = instance(s, '(module (memory (export "m") 1 2))').export("m")
    assert isinstance(m, LinearMemory)
    wat = '(module (import "x" "m" (memory 2)) (data (i32.const 0) "no"))'
    with pytest.raises(
        LinkError, match=r"'x' 'm' must be a memory of 2\.\. pages, got a memory of 1\.\.2 pages"
    ):
        instance(s, wat, [m])
    with pytest.raises(LinkError, match="1 imports, 0 were given"):
        instance(s, wat)
    assert bytes(m.view[:2]) == b"\0\0"


@pytest.mark.parametrize(
    ("wanted", "given", "fits"),
    [
        ("(memory 1)", '(memory (export "x") 2)', True),
        ("(memory 1 3)", '(memory (export "x") 1 3)', True),
        ("(memory 1 3)", '(memory (export "x") 1)', False),
        ("(memory 1 3)", '(memory (export "x") 1 4)', False),
        ("(table 1 funcref)", '(table (export "x") 1 externref)', False),
        ("(table 1 funcref)", '(table (export "x") 2 funcref)', True),
        ("(global i32)", '(global (export "x") i32 (i32.const 1))', True),
        ("(global i32)", '(global (export "x") (mut i32) (i32.const 1))', False),
        ("(global i64)", '(global (export "x") i32 (i32.const 1))', False),
        ("(func (param i32))", '(func (export "x") (param i32))', True),
        ("(func (param i32))", '(func (export "x") (result i32) i32.const 1)', False),
        ("(func)", '(global (export "x") i32 (i32.const 1))', False),
    ],
)
def test_import_matching(tier: str, wanted: str, given: str, fits: bool) -> None:
    s = store(tier)
    extern = instance(s, f"(module {given})").export("x")
    assert extern is not None
    data = module(f'(module (import "" "x" {wanted}))')
    if fits:
        instantiate(s, data, [extern])
    else:
        with pytest.raises(LinkError, match="incompatible import type"):
            instantiate(s, data, [extern])


def test_the_start_function_runs_last(tier: str) -> None:
    i = instance(
        store(tier),
        """(module (memory 1) (data (i32.const 0) "\\07") (global $g (export "g") (mut i32) (i32.const 0))
          (func $s (global.set $g (i32.load8_u (i32.const 0)))) (start $s))""",
    )
    found = i.export("g")
    assert isinstance(found, Global)
    assert found.value == 7


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("unreachable", TrapCode.UNREACHABLE),
        ("(drop (i32.div_s (i32.const 1) (local.get 0)))", TrapCode.INTEGER_DIVISION_BY_ZERO),
        ("(drop (i32.rem_u (i32.const 1) (local.get 0)))", TrapCode.INTEGER_DIVISION_BY_ZERO),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", TrapCode.BAD_CONVERSION_TO_INTEGER),
        ("(drop (i32.trunc_f64_s (f64.const 2147483648)))", TrapCode.INTEGER_OVERFLOW),
        ("(drop (i32.load (i32.const 65533)))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(i64.store offset=4294967295 (i32.const -1) (i64.const 1))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(memory.fill (i32.const 65536) (i32.const 1) (i32.const 1))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(memory.copy (i32.const 0) (i32.const -1) (i32.const 2))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 3))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(drop (table.get 0 (i32.const 3)))", TrapCode.TABLE_OUT_OF_BOUNDS),
        ("(call_indirect (i32.const 3))", TrapCode.UNDEFINED_ELEMENT),
        ("(call_indirect (i32.const 0))", TrapCode.UNINITIALIZED_ELEMENT),
        ("(call_indirect (i32.const 1))", TrapCode.BAD_SIGNATURE),
    ],
)
def test_traps_say_why_and_leave_the_instance_usable(tier: str, body: str, code: TrapCode) -> None:
    i = instance(
        store(tier),
        f"""(module (memory 1) (data "ab") (table 3 funcref) (elem (i32.const 1) $f)
          (func $f (export "f") (param i32) {body})
          (func (export "ok") (result i32) (i32.const 5)))""",
    )
    with pytest.raises(Trap) as caught:
        call(i, "f", 0)
    assert caught.value.code is code
    assert call(i, "ok") == [5]


RECURSIVE = """(module (import "" "h" (func $h (param i32) (result i32)))
  (func $deep (export "deep") (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func $tail (export "tail") (call $tail))
  (func $mutual (export "mutual") (param i64) (call $other (i64.add (local.get 0) (i64.const 1))))
  (func $other (param i64) (call $mutual (i64.mul (local.get 0) (i64.const 3))))
  (table funcref (elem $deep))
  (func $indirect (export "indirect") (param i32) (result i32)
    (i32.add (i32.const 1) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))
  (func $host (export "host") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (call $h (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0)))))"""


@pytest.mark.parametrize("name", ["deep", "tail", "mutual", "indirect"])
def test_endless_recursion_is_a_trap(tier: str, name: str) -> None:
    s = store(tier)
    i = instance(s, RECURSIVE, [s.host_function(I32_TO_I32, lambda args: args)])
    args = [0] * len(function(i, name).type.params)
    for _ in range(2):  # and again: the stack is whole
        with pytest.raises(Trap) as caught:
            call(i, name, *args)
        assert caught.value.code is TrapCode.STACK_OVERFLOW


def test_endless_recursion_is_a_trap_on_a_small_thread_too(tier: str) -> None:
    s = store(tier)
    i = instance(s, RECURSIVE, [s.host_function(I32_TO_I32, lambda args: args)])
    codes: list[object] = []

    def run() -> None:
        try:
            call(i, "deep", 0)
        except Trap as trap:
            codes.append(trap.code)

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert codes == [TrapCode.STACK_OVERFLOW]


def test_host_and_module_call_each_other_in_turn(tier: str) -> None:
    s = store(tier)
    host = s.host_function(I32_TO_I32, lambda args: [call(i, "host", *args)[0] + 1])
    i = instance(s, RECURSIVE, [host])
    assert call(i, "host", 20) == [20]


def test_a_hosts_exception_passes_unchanged_through_every_frame(tier: str) -> None:
    s = store(tier)
    raised = KeyError("mine")

    def host(args: Sequence[int]) -> Sequence[int]:
        if args[0] == 0:
            raise raised
        try:
            return call(i, "host", *args)
        finally:
            seen.append(args[0])

    seen: list[int] = []
    i = instance(s, RECURSIVE, [s.host_function(I32_TO_I32, host)])
    with pytest.raises(KeyError) as caught:
        call(i, "host", 4)
    assert caught.value is raised
    assert seen == [1, 2, 3]  # every Python frame between was unwound by Python
    with pytest.raises(Trap):  # a trap inside a callback reaches the outer entry as itself
        call(i, "deep", 0)


def test_instances_share_what_they_import(tier: str) -> None:
    s = store(tier)
    a = instance(
        s,
        """(module (memory (export "m") 1) (table (export "t") 2 funcref)
          (global (export "g") (mut i64) (i64.const 1))
          (func (export "get") (result i32) (i32.load (i32.const 4)))
          (func (export "via") (param i32) (result i32)
            (call_indirect (param i32) (result i32) (local.get 0) (i32.const 1)))
          (func (export "size") (result i32) (memory.size)))""",
    )
    b = instance(
        s,
        """(module (import "" "m" (memory 1)) (import "" "t" (table 2 funcref))
          (import "" "g" (global $g (mut i64)))
          (import "" "get" (func $get (result i32))) (global $mine i32 (i32.const 100))
          (func $f (param i32) (result i32) (i32.add (global.get $mine) (i32.add (local.get 0) (call $get))))
          (elem (i32.const 1) $f)
          (func (export "set") (i32.store (i32.const 4) (i32.const 7)) (global.set $g (i64.const -2)))
          (func (export "grow") (result i32) (memory.grow (i32.const 2))))""",
        [x for x in (a.export("m"), a.export("t"), a.export("g"), a.export("get")) if x is not None],
    )
    call(b, "set")
    assert call(a, "get") == [7]
    assert call(a, "via", 1) == [108]
    assert call(b, "grow") == [1]
    assert call(a, "size") == [3]
    shared = a.export("g")
    assert isinstance(shared, Global)
    assert shared.value == 2**64 - 2


def test_references_keep_their_identity(tier: str) -> None:
    s = store(tier)
    i = instance(
        s,
        """(module (table (export "t") 1 externref)
          (func $f (export "f") (result i32) (i32.const 3)) (elem declare func $f)
          (func (export "put") (param externref) (table.set 0 (i32.const 0) (local.get 0)))
          (func (export "take") (result externref) (table.get 0 (i32.const 0)))
          (func (export "grow") (param externref i32) (result i32) (table.grow 0 (local.get 0) (local.get 1)))
          (func (export "ref") (result funcref) (ref.func $f))
          (func (export "null") (param externref) (result i32) (ref.is_null (local.get 0))))""",
    )
    thing = object()
    handle = s.extern_handle(thing)
    assert s.extern_handle(thing) == handle
    call(i, "put", handle)
    assert s.extern(call(i, "take")[0]) is thing
    assert call(i, "null", handle) == [0]
    assert call(i, "null", s.extern_handle(None)) == [1]
    assert s.function_at(call(i, "ref")[0]) is i.functions[0]
    assert call(i, "grow", handle, 3) == [1]
    table = i.export("t")
    assert isinstance(table, Table)
    assert [table.get(k) for k in range(4)] == [handle] * 4
    assert call(i, "grow", 0, 0xFFFF_FFFF) == [0xFFFF_FFFF]


def test_values_cross_the_border_bit_by_bit(tier: str) -> None:
    s = store(tier)
    type = FuncType(
        (ValType.F32, ValType.F64, ValType.I64), (ValType.I64, ValType.F64, ValType.F32, ValType.I32)
    )
    seen: list[list[int]] = []

    def host(args: Sequence[int]) -> Sequence[int]:
        seen.append(list(args))
        return [args[2], args[1], args[0], 0xFFFF_FFFF]

    i = instance(
        s,
        """(module (type $t (func (param f32 f64 i64) (result i64 f64 f32 i32)))
          (import "" "h" (func $h (type $t)))
          (func (export "f") (type $t) (call $h (local.get 0) (local.get 1) (local.get 2))))""",
        [s.host_function(type, host)],
    )
    signalling32, signalling64 = 0x7FA0_1234, 0xFFF4_0000_0000_0001
    assert call(i, "f", signalling32, signalling64, 2**64 - 1) == [
        2**64 - 1,
        signalling64,
        signalling32,
        0xFFFF_FFFF,
    ]
    assert seen == [[signalling32, signalling64, 2**64 - 1]]


def test_a_store_and_its_memories_go_when_nobody_holds_them(tier: str) -> None:
    s = store(tier)
    i = instance(s, '(module (memory (export "m") 1) (func (export "f") (result i32) (i32.const 1)))')
    assert call(i, "f") == [1]
    gone = weakref.ref(s), weakref.ref(i.memories[0]), weakref.ref(i.module)
    del s, i
    gc.collect()
    assert [reference() for reference in gone] == [None, None, None]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("unreachable", TrapCode.UNREACHABLE),
        ("(drop (i32.load (i32.const -4)))", TrapCode.MEMORY_OUT_OF_BOUNDS),
    ],
)
def test_a_trap_tells_the_frames_from_the_inside_out(tier: str, body: str, code: TrapCode) -> None:
    s = store(tier, whole_module_bytes=0, batch_bytes=1)  # one function a batch, so that none is inlined
    i = instance(
        s,
        f"""(module $program (memory 1) (table funcref (elem $middle))
          (func $inner {body}) (func $middle (param i32) (call $inner) (drop (i32.const 1)))
          (func $outer (export "f")
            (call_indirect (param i32) (i32.const 5) (i32.const 0)) (drop (i32.const 1))))""",
    )
    for _ in range(2):
        with pytest.raises(Trap) as caught:
            call(i, "f")
        assert caught.value.code is code
        assert [(f.function_index, f.function_name, f.module_name) for f in caught.value.frames] == [
            (0, "inner", "program"),
            (1, "middle", "program"),
            (2, "outer", "program"),
        ]
