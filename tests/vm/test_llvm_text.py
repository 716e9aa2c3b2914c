"""What the LLVM tier tells LLVM beside what code does: marks and levels, which change its speed alone."""

from __future__ import annotations

import pytest

from tests.vm.engines import module
from vm.config import Config
from vm.jit.request import Request
from vm.tiers.llvm import emission


def told(
    monkeypatch: pytest.MonkeyPatch, wat: str, level: int = 3, config: Config | None = None
) -> tuple[str, int]:
    """The IR of a module's first function, and its level. LLVM compiles it, and refuses what is wrong."""
    calls = []
    compile_text = emission.compile_text

    def noting(ir: str, level: int, *, widen: bool = False) -> tuple[bytes, float]:
        calls.append((ir, level))
        return compile_text(ir, level, widen=widen)

    monkeypatch.setattr(emission, "compile_text", noting)
    emission.make(Request(module(wat), (0,), config or Config(), level))
    (call,) = calls
    return call


def dispatching(kinds: int, case: str) -> str:
    """A module with a loop that goes to one of ``kinds`` places, which all do ``case``, or to its end."""
    places = " ".join(f"$case{number}" for number in range(kinds))
    opened = "".join(f"(block $case{number} " for number in range(kinds))
    return f"""(module (memory 1) (func (param $at i32) (loop $next (block $end
      {opened} (br_table {places} $end (i32.load8_u (local.get $at))) {")" * kinds} {case} (br $next)))))"""


@pytest.mark.parametrize("kinds", [6, 7])
def test_a_select_is_predicted_in_the_loop_of_an_interpreter(
    monkeypatch: pytest.MonkeyPatch, kinds: int
) -> None:
    """Its next instruction depends on it; what a loop in one of its cases selects is data."""
    case = """(loop (br_if 0 (select (i32.const 9) (local.get $at) (local.get $at))))
      (local.set $at (select (i32.const 5) (local.get $at) (i32.load (local.get $at))))"""
    ir, _ = told(monkeypatch, dispatching(kinds, case))
    selects = [line for line in ir.splitlines() if " = select " in line]
    assert [" i32 9," in line for line in selects] == [True, False]
    assert ["!prof" in line for line in selects] == [False, kinds == 7]


@pytest.mark.parametrize(
    ("kinds", "opt_level", "level"), [(44, 3, 1), (44, 0, 0), (43, 3, 0)], ids=["main", "asked", "scanner"]
)
def test_the_main_loop_of_an_interpreter_is_optimised_in_any_module(
    monkeypatch: pytest.MonkeyPatch, kinds: int, opt_level: int, level: int
) -> None:
    """A big module's code is made at level 0. (The table's other place is the end.)"""
    wat = dispatching(kinds, "(local.set $at (i32.add (local.get $at) (i32.const 1)))")
    assert told(monkeypatch, wat, 0, Config(opt_level=opt_level))[1] == level
