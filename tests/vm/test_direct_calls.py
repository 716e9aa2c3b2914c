"""Functions called again and again from Python, with no Python in between (``vm.native.entries``)."""

from __future__ import annotations

import contextlib
import gc
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import vm.api as w
from tests.conftest import ROOT
from vm.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)
native_tiers = pytest.mark.parametrize("tier", [name for name in TIERS if name != "reference"])

NUMBERS = "i32 i64 f32 f64 v128"
WAT = f"""(module
  (memory 1)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "echo") (param {NUMBERS}) (result {NUMBERS})
    local.get 0 local.get 1 local.get 2 local.get 3 local.get 4)
  (func (export "nothing"))
  (func $inner (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "outer") (param i32) (result i32) (call $inner (local.get 0)))
  (func (export "deep") (result i32) (call 5))
  (func (export "forever") (loop (br 0))))"""


WARM = {"add": (1, 2), "echo": (1, 2, 3.0, 4.0, 5), "nothing": (), "load": (0,), "outer": (0,)}
"""Arguments with which functions are called often enough that their calls hold Python's lock."""


def exports(tier: str) -> tuple[w.Store, Any]:
    """A store on a tier, and what the module in it exports, most of which was called before."""
    s = store(tier)
    found = w.Instance(s, w.Module(s.engine, WAT), []).exports(s)
    for name, arguments in WARM.items():
        for _ in range(40):
            found[name](s, *arguments)
    return s, found


def store(tier: str) -> w.Store:
    """A store on a tier."""
    config = w.Config()
    config.tier = tier
    return w.Store(w.Engine(config))


@every_tier
def test_numbers_of_every_type_go_in_and_out(tier: str) -> None:
    s, x = exports(tier)
    assert x["add"](s, -5, 3) == -2
    assert x["add"](s, 1 << 40 | 7, True) == 8
    assert x["add"](s, 2**31 - 1, 1) == -(2**31)
    assert x["nothing"](s) is None
    for values in (
        [-1, -(1 << 63), 1.5, -2.25, (1 << 128) - 3],
        [2**31 - 1, 2**63 - 1, float("-inf"), float("inf"), 1 << 64],
        [0, 0, 0.0, -0.0, 0],
    ):
        assert x["echo"](s, *values) == values
    assert x["echo"](s, 1 << 32 | 7, -(1 << 70), 1e300, 1.0, 5) == [7, 0, float("inf"), 1.0, 5]
    assert x["echo"](s, w.Val.i32(4), w.Val.i64(5), w.Val.f32(0.5), 1.0, 5) == [4, 5, 0.5, 1.0, 5]


@every_tier
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((1,), "too few parameters: given 1, expected 2"),
        ((1, 2, 3), "too many parameters: given 3, expected 2"),
        ((1, 2.0), "parameter 1: i32 takes an int, got 2.0"),
        (("x", 2), "parameter 0: i32 takes an int, got 'x'"),
        ((None, 2), "parameter 0: i32 takes an int, got None"),
        ((w.Val.i64(1), 2), "parameter 0: i32 takes a Val of that type"),
    ],
)
def test_wrong_arguments_are_said_as_at_the_first_call(
    tier: str, arguments: tuple[Any, ...], error: str
) -> None:
    s, x = exports(tier)
    for function in (lambda *given: x["add"](s, *given), x["add"].bind(s)):
        with pytest.raises((TypeError, w.WasmtimeError), match=error):
            function(*arguments)
    assert x["add"](s, 1, 2) == 3


@every_tier
@pytest.mark.parametrize("value", [-1, 1 << 128, 1.0])
def test_a_vector_out_of_range_is_an_error(tier: str, value: Any) -> None:
    s, x = exports(tier)
    with pytest.raises(TypeError, match="parameter 4: v128 takes an"):
        x["echo"](s, 0, 0, 0.0, 0.0, value)


@every_tier
def test_the_store_must_be_the_right_one(tier: str) -> None:
    s, x = exports(tier)
    other = w.Store(s.engine)
    for bad, error in ((other, w.WasmtimeError), (None, TypeError), (5, TypeError)):
        with pytest.raises(error):
            x["add"](bad, 1, 2)
        with pytest.raises(error):
            x["add"].bind(bad)
    with pytest.raises(TypeError):
        x["add"]()
    with pytest.raises(TypeError):
        x["add"](s, 1, 2, three=3)


@every_tier
def test_a_bound_function_is_called_with_values_alone(tier: str) -> None:
    s, x = exports(tier)
    add = x["add"].bind(s)
    assert [add(i, 1) for i in range(100)] == list(range(1, 101))
    assert isinstance(x["add"], w.Func)
    assert x["add"] == w.Func.of(x["add"].raw)


@every_tier
def test_no_reference_is_left_behind_or_lost(tier: str) -> None:
    s, x = exports(tier)
    add, big, half = x["add"].bind(s), 1 << 29, 0.5
    echo, calls = x["echo"], 500 if tier == "reference" else 100_000
    counted = (big, half, add, s, None)
    before, blocks = [sys.getrefcount(one) for one in counted], sys.getallocatedblocks()
    for _ in range(calls):
        add(big, 1)
        echo(s, 1, big, half, half, big)
    with contextlib.suppress(TypeError):
        for _ in range(calls):
            add(big, half)
    after = [sys.getrefcount(one) for one in counted]
    assert all(abs(now - then) < 50 for now, then in zip(after, before, strict=True))
    assert sys.getallocatedblocks() - blocks < 500


@every_tier
def test_traps_tell_where_they_happened(tier: str) -> None:
    s, x = exports(tier)
    for name, outermost in (("load", 3), ("outer", 4)):
        for _ in range(3):
            with pytest.raises(w.Trap) as trap:
                x[name](s, -1)
            assert trap.value.trap_code is w.TrapCode.MEMORY_OUT_OF_BOUNDS
            assert trap.value.frames[-1].func_index == outermost
    with pytest.raises(w.Trap) as trap:
        x["deep"](s)
    assert trap.value.trap_code is w.TrapCode.STACK_OVERFLOW
    assert x["add"](s, 1, 2) == 3


SWITCHED = """
import faulthandler
import vm.api as w
from tests.conftest import ROOT
from tests.vm.test_direct_calls import exports
s, x = exports({tier!r})
for switch in (faulthandler.enable, faulthandler.disable, faulthandler.enable):
    switch()
    try:
        x["load"](s, -1)
    except w.Trap as trap:
        print(trap.trap_code.name)
"""


@native_tiers
def test_guard_pages_work_after_faulthandler_was_switched(tier: str) -> None:
    """In a process of its own: switched off, it takes handlers away that other engines installed once."""
    command = [sys.executable, "-c", SWITCHED.format(tier=tier)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["MEMORY_OUT_OF_BOUNDS"] * 3, done.stderr


REENTRANT = """(module
  (import "" "host" (func $host (param i32) (result i32)))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "down") (param i32) (result i32) (call $host (local.get 0))))"""


def nested(tier: str, host: Any) -> tuple[w.Store, Any]:
    """A store, and a function "down" that calls a host function of a caller and an i32."""
    s = store(tier)
    i32 = w.ValType.i32()
    imported = w.Func(s, w.FuncType([i32], [i32]), host, access_caller=True)
    return s, w.Instance(s, w.Module(s.engine, REENTRANT), [imported]).exports(s)["down"]


@every_tier
def test_host_functions_call_back_with_their_caller_or_the_store(tier: str) -> None:
    def host(caller: w.Caller, n: int) -> int:
        if n == 0:
            return 0
        below: int = caller["down"](caller if n % 2 else s, n - 1)
        return int(caller["add"](caller, below, 1))

    s, down = nested(tier, host)
    assert [down(s, n) for n in (3, 10, 30)] == [3, 10, 30]


@every_tier
def test_endless_recursion_through_python_ends_in_a_clean_error(tier: str) -> None:
    s, down = nested(tier, lambda caller, n: caller["down"](caller, n + 1))
    for _ in range(2):
        with pytest.raises((RecursionError, w.Trap)):
            down(s, 0)


@every_tier
def test_what_a_host_function_raises_passes_through_every_entry(tier: str) -> None:
    error = ValueError("mine")

    def host(caller: w.Caller, n: int) -> int:
        if n == 0:
            raise error
        return int(caller["down"](caller, n - 1))

    s, down = nested(tier, host)
    for depth in (0, 0, 3, 3):
        with pytest.raises(ValueError, match="mine") as raised:
            down(s, depth)
        assert raised.value is error


@native_tiers
def test_another_thread_may_use_a_store_but_not_at_the_same_time(tier: str) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def host(caller: w.Caller, n: int) -> int:
        inside.set()
        go_on.wait()
        return n

    s, down = nested(tier, host)
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(down(s, 7)))
    thread.start()
    inside.wait()
    with pytest.raises(w.WasmtimeError, match="another thread"):
        down(s, 8)
    go_on.set()
    thread.join()
    assert results == [7]
    assert [down(s, n) for n in range(3)] == [0, 1, 2]


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """SIGINT to this thread after a while, as Ctrl-C sends it."""
    timer = threading.Timer(seconds, lambda: signal.pthread_kill(main, signal.SIGINT))
    main = threading.get_ident()
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@pytest.mark.parametrize("tier", [name for name in TIERS if name not in ("reference", "tiered")])
def test_ctrl_c_ends_a_call_that_never_returns(tier: str) -> None:
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    s, x = exports(tier)  # whose handler goes in front
    gc.disable()  # what is raised in its callbacks, which other tests' heaps have put there, is lost
    try:
        for _ in range(2):
            with alarm(0.05), pytest.raises(KeyboardInterrupt):
                x["forever"](s)
    finally:
        gc.enable()
        signal.signal(signal.SIGINT, previous)


WAITER = """(module
  (import "" "memory" (memory 1 1 shared))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "wait") (loop (br_if 0 (i32.eqz (i32.atomic.load (i32.const 0)))))))"""


@native_tiers
def test_code_that_spins_until_another_thread_acts_does_not_stop_that_thread(tier: str) -> None:
    s = store(tier)
    memory = w.SharedMemory(s.engine, w.MemoryType(w.Limits(1, 1), shared=True))
    wait = w.Instance(s, w.Module(s.engine, WAITER), [memory]).exports(s)["wait"]
    view = memory.data_ptr()
    view[0] = 1
    for _ in range(100):
        wait(s)
    view[0] = 0
    thread = threading.Thread(target=lambda: view.__setitem__(0, 1))
    timer = threading.Timer(0.05, thread.start)
    timer.start()
    wait(s)
    timer.join()
    thread.join()


@pytest.mark.usefixtures("only_what_is_new")
@every_tier
def test_a_store_goes_when_its_functions_are_gone(tier: str) -> None:
    s, x = exports(tier)
    bound = x["add"].bind(s)
    assert bound(1, 2) == 3
    known = weakref.ref(s)
    function = x["add"]
    del s, x
    gc.collect()
    assert bound(1, 2) == 3, "what is bound keeps its store"
    assert function(known(), 3, 4) == 7
    del bound, function
    gc.collect()
    assert known() is None
