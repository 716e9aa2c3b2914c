"""Backtraces: frames on traps, notes on what host functions raise, in every tier."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import wasmtime

from tests.vm.engines import binary, call, instance, store
from vm.errors import ExitTrap, Trap, TrapCode
from vm.isa.types import FuncType
from vm.runtime.backtrace import MOST, SHOWN
from vm.runtime.instance import Instance
from vm.tiers import TIERS

WAT = """(module $app
  (import "" "h" (func $h))
  (table 1 funcref)
  (memory 1)
  (data $d "abc")
  (func $inner (call $h))
  (func $outer (export "outer") (call $inner))
  (func $leaf (unreachable))
  (func $again (export "again") (call $leaf))
  (func $init (export "init") (memory.init $d (i32.const 0) (i32.const 2) (i32.const 2)))
  (func $deep (export "deep") (call $deep)))"""


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(tier: str, host: Callable[[Instance], None]) -> Instance:
    """An instance whose import runs ``host``; nothing is inlined, so that every call has a frame."""
    s = store(tier, opt_level=0)
    made_here: list[Instance] = []

    def run(args: Sequence[int]) -> Sequence[int]:
        host(made_here[0])
        return []

    made_here.append(instance(s, WAT, [s.host_function(FuncType(), run)]))
    return made_here[0]


def names(error: Trap) -> list[str | None]:
    return [frame.function_name for frame in error.frames]


def test_what_a_host_function_raises_arrives_unchanged_with_the_frames_in_its_notes(tier: str) -> None:
    error = KeyError("mine")

    def fail(_: Instance) -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        call(made(tier, fail), "outer")
    assert caught.value is error
    (note,) = error.__notes__
    lines = note.splitlines()
    assert lines[0] == "wasm backtrace:"
    assert [line.split(" - ")[1] for line in lines[1:]] == ["app!inner", "app!outer"]


def test_frames_of_every_stretch_of_webassembly_are_there(tier: str) -> None:
    """outer, inner, the host, then again and leaf: innermost first, in one note."""

    def reenter(i: Instance) -> None:
        call(i, "again")

    i = made(tier, reenter)
    with pytest.raises(Trap) as caught:
        call(i, "outer")
    assert names(caught.value) == ["leaf", "again", "inner", "outer"]
    (note,) = caught.value.__notes__
    assert note.count("app!") == 4


def test_traps_of_instructions_that_the_runtime_does_have_frames(tier: str) -> None:
    with pytest.raises(Trap) as caught:
        call(made(tier, lambda _: None), "init")
    assert caught.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS
    assert names(caught.value) == ["init"]


def test_a_long_backtrace_is_cut(tier: str) -> None:
    with pytest.raises(Trap) as caught:
        call(made(tier, lambda _: None), "deep")
    assert SHOWN < len(caught.value.frames) <= MOST
    (note,) = caught.value.__notes__
    assert note.splitlines()[-1].strip() == f"and {len(caught.value.frames) - SHOWN} or more"


def test_other_notes_stay_and_a_program_that_ends_gets_none(tier: str) -> None:
    noted, ended = ValueError("x"), ExitTrap(3)
    noted.add_note("mine")
    for error in (noted, ended):

        def fail(_: Instance, error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error)):
            call(made(tier, fail), "outer")
    assert noted.__notes__[0] == "mine"
    assert len(noted.__notes__) == 2
    assert not hasattr(ended, "__notes__")


@dataclass(frozen=True)
class Frozen(Exception):
    """An exception that nothing can be attached to."""

    why: str


def test_exceptions_that_take_no_notes_pass_too(tier: str) -> None:
    def fail(_: Instance) -> None:
        raise Frozen("so")

    with pytest.raises(Frozen):
        call(made(tier, fail), "outer")


@pytest.mark.parametrize("kibibytes", [32, 64, 256, 1024])
def test_deep_recursion_traps_on_small_stacks_too(tier: str, kibibytes: int) -> None:
    """Compiling, calling and calling the host all happen on a thread with little room."""
    ends: list[object] = []

    def run() -> None:
        i = made(tier, lambda _: None)
        call(i, "outer")
        for _ in range(2):
            with pytest.raises(Trap) as caught:
                call(i, "deep")
            ends.append(caught.value.code)

    before = threading.stack_size(kibibytes << 10)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert ends == [TrapCode.STACK_OVERFLOW] * 2


OFFSETS = """(module $app
  (table 1 funcref) (elem (i32.const 0) $inner)
  (type $t (func (param i32)))
  (memory 1)
  (func $inner (param i32) (nop) (drop (i32.const 77)) (drop (i32.load (local.get 0))) (drop (i32.const 5)))
  (func $direct (export "direct") (param i32) (local i32) (local.set 1 (i32.const 3))
    (if (local.get 0) (then (call $inner (i32.mul (local.get 0) (i32.const 65536))))))
  (func $indirect (export "indirect") (param i32) (nop)
    (call_indirect (type $t) (i32.const -1) (local.get 0)))
  (func $looping (export "looping") (param i32)
    (loop (call $direct (i32.sub (local.get 0) (i32.const 9)))
      (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 0)))
  (func $divide (export "divide") (param i32)
    (block (drop (i32.div_s (i32.const 1) (local.get 0)))) (unreachable))
  (func $never (export "never") (param i32) (unreachable)))"""


@pytest.mark.parametrize(
    ("name", "arg"),
    [
        ("direct", 1),
        ("indirect", 1),
        ("indirect", 1 << 20),
        ("looping", 9),
        ("divide", 0),
        ("divide", 1),
        ("never", 0),
    ],
)
@pytest.mark.parametrize(
    ("tier", "knobs"),
    [
        ("reference", {}),
        ("threaded", {}),
        ("threaded", {"memory_guard": "checked"}),
        ("llvm", {"debug_info": True}),
        ("llvm", {"debug_info": True, "opt_level": 0}),
        ("llvm", {"debug_info": True, "memory_guard": "checked"}),
        ("llvm", {"debug_info": True, "whole_module_bytes": 0}),
    ],
)
def test_frames_and_offsets_are_another_engines(
    tier: str, knobs: dict[str, object], name: str, arg: int
) -> None:
    engine = wasmtime.Engine()
    their_store = wasmtime.Store(engine)
    instance_there = wasmtime.Instance(their_store, wasmtime.Module(engine, binary(OFFSETS)), [])
    with pytest.raises(wasmtime.Trap) as theirs:
        instance_there.exports(their_store)[name](their_store, arg)  # type: ignore[operator]
    with pytest.raises(Trap) as ours:
        call(instance(store(tier, **knobs), OFFSETS), name, arg)
    assert [
        (frame.func_index, frame.func_name, frame.module_offset, frame.func_offset)
        for frame in ours.value.frames
    ] == [
        (frame.func_index, frame.func_name, frame.module_offset, frame.func_offset)
        for frame in theirs.value.frames
    ]
