"""The ladder's arithmetic, and that its Winch is Winch."""

from __future__ import annotations

import pytest
import wasmtime

from benchmarks import ladder, winch
from benchmarks.corpus import programs

TAIL = '(module (func $f (export "f") (param i32) (result i32) (return_call $f (local.get 0))))'
"""What Winch does not compile."""


def test_winch_takes_cranelifts_place() -> None:
    wasmtime.Module(wasmtime.Engine(wasmtime.Config()), TAIL)
    with pytest.raises(wasmtime.WasmtimeError, match="tail calls support is not enabled"):
        winch.Module(winch.Engine(winch.Config()), TAIL)
    store = winch.Store(winch.Engine(winch.Config()))
    module = winch.Module(store.engine, '(module (func (export "f") (result i32) (i32.const 7)))')
    assert winch.Instance(store, module, []).exports(store)["f"](store) == 7


def test_engines_run_in_turns_and_their_ratios_have_a_mean() -> None:
    pairs = [("cranelift", "winch"), ("winch", "cranelift")]
    ratios, faults = ladder.compare(programs()["fib"], pairs, rounds=1, warm_up=0.0, settle=1.0)
    assert not faults
    assert ratios[pairs[0]] * ratios[pairs[1]] == pytest.approx(1)
    rows = {"a": {("baseline", "winch"): 0.5}, "b": {("baseline", "winch"): 2.0, ("tiered", "baseline"): 0.9}}
    assert ladder.means(rows) == pytest.approx({("baseline", "winch"): 1.0, ("tiered", "baseline"): 0.9})


def test_an_unknown_program_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        ladder.main(["fibonacci"])
    assert "unknown program 'fibonacci'; there are: fib" in capsys.readouterr().err
