"""Guard pages: wild accesses become traps, and everything else that faults is left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest
import wasmtime

from tests.vm.engines import binary, call, instance, store
from vm.errors import Trap, TrapCode

MODES = pytest.mark.parametrize("guard", ["checked", "guard"])

ACCESSES = """(module (memory (export "m") 1) (table 1 externref)
  (global $g (export "g") (mut i32) (i32.const 0))
  (func (export "load") (param i32) (result i64) (i64.load offset=0xfffffff0 (local.get 0)))
  (func (export "unused") (param i32) (drop (i32.load (local.get 0))))
  (func (export "store") (param i32) (i64.store (local.get 0) (i64.const -1)))
  (func (export "before") (param i32)
    (i32.store (i32.const 8) (i32.const 1)) (global.set $g (i32.const 1))
    (drop (i32.load (local.get 0)))
    (i32.store (i32.const 8) (i32.const 2)) (global.set $g (i32.const 2)))
  (func (export "after") (param i32)
    (i32.store (local.get 0) (i32.const 1))
    (global.set $g (i32.const 3)) (i32.store (i32.const 8) (i32.const 3)))
  (func (export "loop") (param i32) (result i32) (local i32 i32)
    (loop (local.set 1 (i32.add (local.get 1) (i32.load (local.get 2))))
      (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 4))) (local.get 0))))
    (local.get 1)))"""


@MODES
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("load", 0),
        ("load", 2**32 - 1),
        ("unused", 65533),
        ("unused", 2**31),
        ("unused", 2**32 - 1),
        ("store", 65529),
        ("store", 2**32 - 8),
        ("loop", 65540),
    ],
)
def test_a_wild_access_is_a_trap_wherever_it_goes(guard: str, name: str, address: int) -> None:
    i = instance(store("llvm", memory_guard=guard), ACCESSES)
    for _ in range(3):
        with pytest.raises(Trap) as caught:
            call(i, name, address)
        assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS
    assert call(i, "loop", 65536) == [0]


@MODES
def test_what_came_before_a_trap_is_done_and_what_comes_after_is_not(guard: str) -> None:
    i = instance(store("llvm", memory_guard=guard), ACCESSES)
    memory, variable = i.memories[0], i.globals[0]
    with pytest.raises(Trap):
        call(i, "before", 70000)
    assert (memory.view[8], variable.value) == (1, 1)
    with pytest.raises(Trap):
        call(i, "after", 70000)
    assert (memory.view[8], variable.value) == (1, 1)


def test_each_stores_traps_are_its_own_while_they_call_each_other() -> None:
    outer, inner = store("llvm", memory_guard="guard"), store("llvm", memory_guard="guard")
    deep = instance(inner, ACCESSES)

    def host(args: object) -> list[int]:
        with pytest.raises(Trap):
            call(deep, "unused", 65536)
        return []

    from vm.isa.types import FuncType

    shallow = instance(
        outer,
        """(module (import "" "h" (func $h)) (memory 2)
          (func (export "f") (call $h) (i32.store (i32.const 70000) (i32.const 1))
            (call $h) (drop (i32.load (i32.const 140000)))))""",
        [outer.host_function(FuncType(), host)],
    )
    with pytest.raises(Trap) as caught:
        call(shallow, "f")
    assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS


def test_another_engines_guard_pages_go_on_working() -> None:
    i = instance(store("llvm", memory_guard="guard"), ACCESSES)
    engine = wasmtime.Engine()
    s = wasmtime.Store(engine)
    theirs = wasmtime.Instance(s, wasmtime.Module(engine, binary(ACCESSES)), []).exports(s)["unused"]
    for _ in range(3):
        with pytest.raises(wasmtime.Trap):
            theirs(s, 65536)  # type: ignore[operator]
        with pytest.raises(Trap):
            call(i, "unused", 65536)


CRASH = """
    import faulthandler, ctypes
    from tests.vm.engines import call, instance, store
    from tests.vm.test_llvm_guard import ACCESSES
    from vm.errors import Trap
    {before}
    i = instance(store("llvm", memory_guard="guard"), ACCESSES)
    {after}
    try:
        call(i, "unused", 65536)
    except Trap as trap:
        print(trap, flush=True)
    ctypes.string_at(0)
"""


@pytest.mark.parametrize(
    ("before", "after", "report"),
    [
        ("", "", False),
        ("faulthandler.enable()", "", True),
        ("", "faulthandler.enable()", True),
        ("faulthandler.enable()", "faulthandler.disable()", False),
        ("faulthandler.enable()", "instance(store('llvm', memory_guard='guard'), ACCESSES)", True),
    ],
)
def test_a_real_crash_is_still_a_crash(before: str, after: str, report: bool) -> None:
    code = textwrap.dedent(CRASH).format(before=before, after=after)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "out of bounds memory access\n"
    assert done.returncode == -signal.SIGSEGV
    assert ("Fatal Python error: Segmentation fault" in done.stderr) is report


INSIDE = """
    import faulthandler
    from tests.vm.engines import call, instance, store
    from vm.errors import Trap
    from vm.isa.types import FuncType
    s = store("llvm", memory_guard="guard")
    switches = [faulthandler.enable, faulthandler.disable, faulthandler.enable]
    host = s.host_function(FuncType(), lambda args: (switches.pop()(), [])[1])
    i = instance(s, '''(module (import "" "h" (func $h)) (memory 1)
      (func (export "f") (param i32) (call $h) (drop (i32.load (local.get 0)))))''', [host])
    for _ in range(3):
        try:
            call(i, "f", 65536)
        except Trap as trap:
            print(trap, flush=True)
"""


def test_a_host_function_may_switch_the_fault_handler() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(INSIDE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("out of bounds memory access\n" * 3, 0), done.stderr
    assert done.stderr == ""


INTERRUPT = """
    import os, signal, threading
    from tests.vm.engines import call, instance, store
    i = instance(store("llvm"), '''(module (memory 1)
      (func (export "spin") (i32.store (i32.const 0) (i32.const 1)) (loop (br 0)))
      (func (export "ok") (result i32) (i32.const 6)))''')

    def stop():
        while not i.memories[0].view[0]:
            pass
        os.kill(os.getpid(), signal.SIGINT)

    for _ in range(3):
        i.memories[0].view[0] = 0
        threading.Thread(target=stop).start()
        try:
            call(i, "spin")
        except KeyboardInterrupt:
            print("interrupted", call(i, "ok"), flush=True)
"""


def test_ctrl_c_stops_an_endless_loop_and_leaves_the_store_usable() -> None:
    code = textwrap.dedent(INTERRUPT)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("interrupted [6]\n" * 3, 0), done.stderr
