"""What the LLVM tier tells LLVM beside what code does: marks that only change how quick it is."""

from __future__ import annotations

import pytest

from tests.vm.engines import module
from vm.config import Config
from vm.jit.request import Request
from vm.tiers.llvm import emission


def told(monkeypatch: pytest.MonkeyPatch, wat: str) -> str:
    """The IR of a module's functions; LLVM compiles it, too, and would refuse what it does not understand."""
    texts = []
    compile_text = emission.compile_text

    def noting(ir: str, level: int, *, widen: bool = False) -> tuple[bytes, float]:
        texts.append(ir)
        return compile_text(ir, level, widen=widen)

    monkeypatch.setattr(emission, "compile_text", noting)
    emission.make(Request(module(wat), (0,), Config(), 3))
    return "".join(texts)


@pytest.mark.parametrize("labels", [2, 8])
def test_a_select_is_predicted_in_the_loop_of_an_interpreter(
    monkeypatch: pytest.MonkeyPatch, labels: int
) -> None:
    """Its next instruction depends on it; what a loop in one of its cases selects is data."""
    wat = f"""(module (memory 1) (func (param $at i32) (result i32)
      (loop $next
        (block $case (block $end (br_table {"$case " * labels} $end (i32.load8_u (local.get $at))))
          (return (local.get $at)))
        (loop (br_if 0 (select (i32.const 9) (local.get $at) (local.get $at))))
        (local.set $at (select (i32.const 5) (local.get $at) (i32.load (local.get $at))))
        (br $next)) unreachable))"""
    selects = [line for line in told(monkeypatch, wat).splitlines() if " = select " in line]
    assert [" i32 9," in line for line in selects] == [True, False]
    assert ["!prof" in line for line in selects] == [False, labels == 8]
