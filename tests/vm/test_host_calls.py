"""Host functions as native code calls them: values of every type, wrong results, exceptions, references."""

from __future__ import annotations

import ctypes
import functools
import gc
import operator
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import vm.api as w
from vm.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)

NUMBERS = "i32 i64 f32 f64 v128"
ECHO = f"""(module (import "" "f" (func $f (param {NUMBERS}) (result {NUMBERS})))
  (func (export "f") (param {NUMBERS}) (result {NUMBERS})
    (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4))))"""


def store(tier: str) -> w.Store:
    """A store on a tier."""
    config = w.Config()
    config.tier = tier
    return w.Store(w.Engine(config))


def exported(s: w.Store, wat: str, func: Callable[..., Any], params: str, results: str, **more: bool) -> Any:
    """Export "f" of a module that imports ``func``, a host function of these types."""
    type = w.FuncType(
        *([getattr(w.ValType, name)() for name in names.split()] for names in (params, results))
    )
    host = w.Func(s, type, func, **more)
    return w.Instance(s, w.Module(s.engine, wat), [host]).exports(s)["f"]


@every_tier
@pytest.mark.parametrize("form", [tuple, list])
def test_numbers_of_every_type_go_through_unchanged(tier: str, form: Callable[[Any], Any]) -> None:
    seen: list[Any] = []

    def echo(*values: Any) -> Any:
        seen.append(values)
        return form(values)

    f = exported(s := store(tier), ECHO, echo, NUMBERS, NUMBERS)
    for values in (
        (-1, -(1 << 63), 1.5, -2.25, (1 << 128) - 3),
        (2**31 - 1, 2**63 - 1, float("-inf"), float("inf"), 1 << 64),
        (True, 0, 0.0, -0.0, 0),
    ):
        assert f(s, *values) == list(values) == list(seen[-1])
    assert f(s, 1 << 32 | 7, -(1 << 70), 1e300, 1.0, 5) == [7, 0, float("inf"), 1.0, 5], "cut as ever"


@every_tier
@pytest.mark.parametrize(
    ("results", "returned", "error"),
    [
        ("", 1, "callback produced results when it shouldn't"),
        ("i32", "x", "result of the host function: i32 takes an int, got 'x'"),
        ("i32", None, "result of the host function: i32 takes an int, got None"),
        ("i32", 1.5, "result of the host function: i32 takes an int, got 1.5"),
        ("f64", 1, "result of the host function: f64 takes a float, got 1"),
        ("v128", -1, "result of the host function: v128 takes an unsigned int of 128 bits, got -1"),
        ("v128", 1 << 128, "result of the host function: v128 takes an unsigned int"),
        ("i32 f32", (1,), "callback produced 1 results, expected 2"),
        ("i32 f32", [1, 2], "result 1 of the host function: f32 takes a float, got 2"),
        ("i32 f32", 7, "object of type 'int' has no len"),
    ],
)
def test_what_a_host_function_returns_wrongly_is_said(
    tier: str, results: str, returned: Any, error: str
) -> None:
    wat = f"""(module (import "" "f" (func $f (result {results})))
      (func (export "f") (result {results}) (call $f)))"""
    f = exported(s := store(tier), wat, lambda: returned, "", results)
    with pytest.raises((TypeError, w.WasmtimeError), match=error):
        f(s)


@every_tier
def test_what_says_its_own_type_is_taken(tier: str) -> None:
    wat = '(module (import "" "f" (func $f (result i64 f32))) (func (export "f") (result i64 f32) (call $f)))'
    f = exported(s := store(tier), wat, lambda: (w.Val.i64(5), w.Val.f32(0.5)), "", "i64 f32")
    assert f(s) == [5, 0.5]


COUNT = """(module (import "" "f" (func $f (param i32 i64) (result f64)))
  (func (export "f") (param i32) (result f64) (local f64)
    (loop (local.set 1 (f64.add (local.get 1) (call $f (i32.const 100000) (i64.const 10000000000))))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"""


@every_tier
def test_a_hundred_thousand_calls_leave_no_reference_behind(tier: str) -> None:
    result, calls = 0.5, 1000 if tier == "reference" else 100_000
    host = lambda a, b: result  # noqa: E731 - its references are counted
    f = exported(s := store(tier), COUNT, host, "i32 i64", "f64")
    assert f(s, 1) == result  # compiles
    before = sys.getrefcount(result), sys.getrefcount(host), sys.getrefcount(None)
    blocks = sys.getallocatedblocks()
    assert f(s, calls) == calls / 2
    after = sys.getrefcount(result), sys.getrefcount(host), sys.getrefcount(None)
    assert all(abs(now - then) < 50 for now, then in zip(after, before, strict=True))
    assert sys.getallocatedblocks() - blocks < 500


@every_tier
def test_the_caller_comes_first_and_exceptions_pass_as_they_are(tier: str) -> None:
    error = KeyError("mine")

    def host(caller: w.Caller, number: int) -> int:
        if number == 0:
            raise error
        return int(caller["f"](caller, number - 1))

    wat = """(module (import "" "f" (func $f (param i32) (result i32)))
      (func (export "f") (param i32) (result i32) (call $f (local.get 0))))"""
    f = exported(s := store(tier), wat, host, "i32", "i32", access_caller=True)
    for depth in (0, 3):
        with pytest.raises(KeyError) as raised:
            f(s, depth)
        assert raised.value is error
        held = sys.getrefcount(error)
    del raised
    error.__traceback__ = None
    assert sys.getrefcount(error) < held


@pytest.mark.parametrize("tier", [name for name in TIERS if name not in ("reference", "tiered")])
def test_ctrl_c_at_a_callbacks_first_line_is_keyboard_interrupt(tier: str) -> None:
    # tiered runs the code of the others, and imports compilers meanwhile
    wat = """(module (import "" "f" (func $f (param i32) (result i32)))
      (func (export "f") (loop (br_if 0 (i32.eqz (call $f (i32.const 77)))))))"""
    ends = [1]
    f = exported(s := store(tier), wat, lambda number: ends[0], "i32", "i32")
    f(s)  # which compiles
    ends[0] = 0

    def run_until_it_rings() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        f(s)

    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    gc.disable()  # what is raised in its callbacks, which other tests' heaps have put there, is lost
    try:
        for _ in range(100):
            with pytest.raises(KeyboardInterrupt):
                run_until_it_rings()
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def alarm() -> Iterator[Callable[[], None]]:
    """What sends a signal, whose handler raises KeyboardInterrupt, not looking for it as ``os.kill`` does."""
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    ring = ctypes.CDLL(None)["raise"]
    ring.restype = None
    yield functools.partial(ring, int(signal.SIGALRM))
    signal.signal(signal.SIGALRM, previous)


GOES_ON = """(module (import "" "f" (func $f)) (global $on (export "on") (mut i32) (i32.const 0))
  (func (export "f") (call $f) (global.set $on (i32.const 1)))
  (func (export "set") (global.set $on (i32.const 1))))"""


@pytest.mark.parametrize("tier", [name for name in TIERS if name != "reference"])
def test_a_signal_between_python_and_compiled_code_is_not_put_off(
    tier: str, alarm: Callable[[], None]
) -> None:
    """Compiled code may go on for ever; the reference, which is Python, looks at its next instruction."""
    s = store(tier)
    instance = w.Instance(s, w.Module(s.engine, GOES_ON), [w.Func(s, w.FuncType([], []), alarm)])
    exports = instance.exports(s)
    on, set_on = exports["on"], exports["set"].bind(s)
    with pytest.raises(KeyboardInterrupt):
        exports["f"](s)
    assert on.value(s) == 0
    set_on()
    assert on.value(s) == 1
    on.set_value(s, 0)
    with pytest.raises(KeyboardInterrupt):
        list(map(operator.call, (alarm, set_on)))
    assert on.value(s) == 0
