"""Making machine code is safe to interrupt."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys

import llvmlite.binding as llvm

from tests.conftest import ROOT
from vm.native.pipeline import _optimise, emit_object, target

IR = "define i64 @f(i64 %x0) {\n" + "".join(f"  %x{i + 1} = mul i64 %x{i}, {i}\n" for i in range(300))
IR += "  ret i64 %x300\n}\n"


class _Alarm(Exception):
    pass


def interrupt_again_and_again() -> None:
    """Compile under a timer; what an interrupted compilation leaves goes to the collector, in a cycle."""

    def ring(*_: object) -> None:
        raise _Alarm

    signal.signal(signal.SIGALRM, ring)
    emit_object(IR, 2)
    rung = 0
    for turn in range(120):
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.000_05 * (turn % 100 + 1))
                emit_object(IR, 2)
            finally:  # where the alarm may ring, too
                signal.setitimer(signal.ITIMER_REAL, 0)
        except _Alarm as alarm:
            cycle: list[object] = [alarm]
            cycle.append(cycle)
            del cycle
            rung += 1
        gc.collect()
    assert rung > 10


def test_an_interrupted_compilation_leaves_nothing_that_could_end_the_process() -> None:
    """LLVM's objects may be freed in one order only, and the collector knows none."""
    command = [sys.executable, "-c", f"from {__name__} import interrupt_again_and_again as f; f()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_vectorisers_are_on() -> None:
    """llvmlite's builder of passes copies the options that it is given: what is set later is not heard."""
    each = "".join(
        f"  %a{i} = getelementptr i32, ptr %a, i64 {i}\n  %b{i} = getelementptr i32, ptr %b, i64 {i}\n"
        f"  %x{i} = load i32, ptr %a{i}\n  %y{i} = add i32 %x{i}, 7\n  store i32 %y{i}, ptr %b{i}\n"
        for i in range(4)
    )
    host = target(3)
    ir = f"define void @f(ptr noalias %a, ptr noalias %b) {{\n{each}  ret void\n}}\n"
    with llvm.create_context() as context, llvm.parse_assembly(ir, context) as module:
        _optimise(module, host.machine, 3)
        assert "add <4 x i32>" in str(module)
