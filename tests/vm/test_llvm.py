"""What only the LLVM tier has: batches, images, the loader, memory modes."""

from __future__ import annotations

import gc
import struct
import threading
import weakref

import pytest

from tests.vm.engines import call, instance, module, store
from vm.errors import Trap, TrapCode, VMError
from vm.isa.types import FuncType, ValType
from vm.native import elf, help
from vm.native.arena import bodies
from vm.native.code import Costs, build
from vm.runtime.instantiate import instantiate
from vm.tiers.llvm.reach import callees, exposed

CHAIN = """(module (memory 1) (table 1 funcref) (elem (i32.const 0) $c)
  (func $a (export "a") (param i32) (result i32) (i32.add (call $b (local.get 0)) (i32.const 1)))
  (func $b (param i32) (result i32) (i32.mul (call $c (local.get 0)) (i32.const 2)))
  (func $c (param i32) (result i32) (i32.sub (local.get 0) (i32.const 3)))
  (func $lonely (export "lonely") (result i32) (i32.const 9))
  (func (export "via") (param i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))"""


@pytest.mark.parametrize(
    "knobs", [{}, {"whole_module_bytes": 0}, {"whole_module_bytes": 0, "batch_bytes": 1}]
)
@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_result_does_not_depend_on_batches_or_level(knobs: dict[str, int], level: int) -> None:
    i = instance(store("llvm", opt_level=level, **knobs), CHAIN)
    assert call(i, "a", 10) == [15]
    assert call(i, "via", 10) == [7]
    assert call(i, "lonely") == [9]


def test_a_big_module_compiles_what_is_called() -> None:
    s = store("llvm", whole_module_bytes=0, batch_bytes=1)
    i = instance(s, CHAIN)
    tier = s.runner
    functions = []
    for name, args in (("lonely", ()), ("via", (4,)), ("a", (4,))):
        call(i, name, *args)
        functions.append(tier.stats()["functions"])  # type: ignore[attr-defined]
    assert functions == [1, 3, 5]  # $c was compiled for "via", and is not compiled again for "a"


def test_another_instance_uses_the_same_code() -> None:
    s = store("llvm")
    data = module(CHAIN)
    first, second = instantiate(s, data, []), instantiate(s, data, [])
    call(first, "a", 1)
    before = s.runner.stats()  # type: ignore[attr-defined]
    call(second, "a", 1)
    assert s.runner.stats() == before  # type: ignore[attr-defined]
    assert before["code_bytes"] > 0
    assert before["compile_seconds"] > 0


def test_code_is_given_back_with_its_module() -> None:
    s = store("llvm")
    i = instance(s, CHAIN)
    call(i, "a", 1)
    gone = weakref.ref(i.module)
    free = sum(size for _, size in bodies()._free)
    del s, i
    gc.collect()
    assert gone() is None
    bodies()._take_back()
    assert sum(size for _, size in bodies()._free) > free


def test_what_can_be_reached_from_outside_is_found() -> None:
    data = module(
        """(module (func $a) (func $b) (func $c) (func $d) (func $e (call $a) (call $b) (call $a))
          (export "c" (func $c)) (global funcref (ref.func $b)) (start $a) (table funcref (elem $d)))"""
    )
    assert exposed(data) == {0, 1, 2, 3}
    assert callees(data, 4) == [0, 1]


def test_a_store_runs_in_one_thread_at_a_time() -> None:
    s = store("llvm")
    errors: list[str] = []

    def intrude() -> None:
        try:
            call(i, "lonely")
        except VMError as error:
            errors.append(str(error))

    def host(args: object) -> list[int]:
        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()
        return []

    i = instance(
        s,
        '(module (import "" "h" (func $h)) (func (export "f") (call $h)) (func (export "lonely")))',
        [s.host_function(FuncType(), host)],
    )
    call(i, "f")
    assert errors == ["this store is running in another thread: use one store per thread"]


def test_several_stores_run_in_several_threads() -> None:
    results: list[int] = []

    def run() -> None:
        i = instance(store("llvm"), CHAIN)
        results.extend(call(i, "a", k)[0] for k in range(200))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted([((k - 3) * 2 + 1) % 2**32 for k in range(200)] * 4)


def test_many_results_come_back_in_order() -> None:
    count = 40
    types = [("i32", "i64", "f32", "f64")[k % 4] for k in range(count)]
    body = " ".join(f"({t}.const {k})" for k, t in enumerate(types))
    i = instance(store("llvm"), f'(module (func (export "f") (result {" ".join(types)}) {body}))')
    packers = {"i32": "<I", "i64": "<Q", "f32": "<f", "f64": "<d"}
    expected = [
        int.from_bytes(struct.pack(packers[t], float(k) if t[0] == "f" else k), "little")
        for k, t in enumerate(types)
    ]
    assert call(i, "f") == expected


def test_the_loader_names_what_it_cannot_resolve() -> None:
    ir = "declare void @nowhere()\ndefine void @f() {\n call void @nowhere()\n ret void\n}\n"
    with pytest.raises(VMError, match="compiled code calls 'nowhere'"):
        build(ir, 1, bodies(), {}, Costs())


def test_the_loader_refuses_relocations_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    from vm.native.pipeline import emit_object

    ir = "declare void @g()\ndefine void @f() {\n call void @g()\n ret void\n}\n"
    binary = emit_object(ir, 1)
    monkeypatch.setattr(elf, "_RPLT32", 99)
    with pytest.raises(VMError, match=r"relocation type 4 in \.rela\.text"):
        elf.load(binary, lambda size: 0x1000, {"g": 1}, lambda name: 0)


def test_an_error_inside_the_runtimes_help_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: int) -> int:
        raise OSError("no pages today")

    monkeypatch.setattr(help, "NUMBERED", ((broken, 2), *help.NUMBERED[1:]))
    i = instance(
        store("llvm"), '(module (memory 1) (func (export "g") (result i32) (memory.grow (i32.const 1))))'
    )
    with pytest.raises(OSError, match="no pages today"):
        call(i, "g")


@pytest.mark.parametrize("guard", ["checked", "guard"])
def test_memory_that_moves_its_end_is_seen_in_the_same_function(guard: str) -> None:
    i = instance(
        store("llvm", memory_guard=guard),
        """(module (memory 1 3) (func (export "f") (param i32) (result i32)
          (drop (memory.grow (i32.const 1)))
          (i32.store (local.get 0) (i32.const 77)) (i32.load (local.get 0))))""",
    )
    assert call(i, "f", 2 * 65536 - 4) == [77]
    with pytest.raises(Trap) as caught:
        call(i, "f", 3 * 65536 - 3)
    assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS


def test_a_host_function_reached_through_a_table_is_compiled_on_the_way() -> None:
    s = store("llvm")
    type = FuncType((ValType.I32,), (ValType.I32,))
    host = s.host_function(type, lambda args: [args[0] * 3])
    i = instance(
        s,
        """(module (import "" "h" (func $h (param i32) (result i32)))
          (table 1 funcref) (elem (i32.const 0) $h)
          (func (export "f") (param i32) (result i32)
            (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))""",
        [host],
    )
    assert call(i, "f", 14) == [42]
