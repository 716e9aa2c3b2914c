"""The machine's text: every handler, and what they need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from vm.isa.semantics import DECLARATIONS
from vm.isa.vectors.intrinsics import VECTOR_DECLARATIONS
from vm.native.tallying import TARGETS_IR
from vm.tiers.threaded import derived, invocation, machine, moves, tallies
from vm.tiers.threaded.text import HandlerText

HEAD = """\
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i64 @llvm.usub.sat.i64(i64, i64)
declare ptr @llvm.frameaddress.p0(i32)
declare void @leave(ptr, i64) #2
declare void @stop(ptr, i64, ptr, i64) #2
declare void @rethrow(ptr) #2
declare void @trace(ptr, i64, ptr) #2
declare void @walk(ptr, i64, ptr, i64) #2
declare i32 @catch_point(ptr) #4
@stencils = external global i8
attributes #0 = { nounwind "no-builtins" }
attributes #1 = { nounwind noinline cold "no-builtins" }
attributes #2 = { nounwind cold }
attributes #3 = { nounwind noinline cold "frame-pointer"="all" "no-builtins" }
attributes #4 = { nounwind returns_twice }
!0 = !{!10, !10, i64 0}
!4 = !{!"branch_weights", i32 1, i32 1048575}
!10 = !{!"memory", !14, i64 0}
!14 = !{!"WebAssembly"}
"""
"""What definitions of handlers, and of what else is written with the meanings, refer to."""


def source() -> str:
    """The whole machine as LLVM IR text."""
    texts = (handler.text() for handler in handlers())
    return "".join((DECLARATIONS, VECTOR_DECLARATIONS, HEAD, machine.support(), TARGETS_IR, *texts))


def handlers() -> Iterator[HandlerText]:
    """Every handler, but for those that trap."""
    return chain(derived.handlers(), _by_hand())


def _by_hand() -> Iterator[HandlerText]:
    for name, write in (moves.HANDLERS | invocation.HANDLERS | tallies.HANDLERS).items():
        handler = HandlerText(name)
        write(handler)
        yield handler
