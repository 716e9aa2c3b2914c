"""What makes code in tests of the parallel compiler: as ``vm.tiers.llvm.emission``, but for accidents."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import llvmlite.binding as llvm

from vm.jit.artefact import Artefact
from vm.jit.request import Request
from vm.jit.worker import MEMORY
from vm.native.pipeline import target
from vm.tiers.llvm import emission

BAD_IR = """
declare fastcc i32 @g(i32, i32, i32, i32, i32, i32, i32, i32, i32)
define i32 @f(i32 %x) {
  %a = musttail call fastcc i32 @g(i32 1, i32 1, i32 1, i32 1, i32 1, i32 1, i32 1, i32 1, i32 1)
  ret i32 %x
}"""
"""A tail call that is none; LLVM's verifier would say so."""


def killed_once(request: Request) -> Artefact:
    """Ends the process the first time, as ``kill -9`` does; the option says where to note that it did."""
    noted = Path(str(request.options[0][1]))
    if not noted.exists():
        noted.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return emission.make(request)


def aborted(request: Request) -> Artefact:
    """Ends the process by one of LLVM's assertions, every time."""
    machine = target(2).machine
    module = llvm.parse_assembly(BAD_IR)
    machine.emit_object(module)
    raise AssertionError(f"LLVM takes it: {request.functions}")


def greedy(request: Request) -> Artefact:
    """Wants more memory than a compiler may have."""
    assert len(bytearray(MEMORY)) == MEMORY
    return emission.make(request)


def until_told(request: Request) -> Artefact:
    """Notes that it has begun in one named pipe, and goes on when another is opened."""
    begun, told = (str(value) for _, value in request.options)
    Path(begun).write_text("begun")
    Path(told).read_text()
    return emission.make(request)
