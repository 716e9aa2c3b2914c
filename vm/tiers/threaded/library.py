"""The machine's code: every handler's text, compiled into one object, and where each handler lies."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from itertools import chain

from vm.isa.semantics import DECLARATIONS
from vm.isa.vectors.intrinsics import VECTOR_DECLARATIONS
from vm.native import arena
from vm.native.code import Code, Costs, build
from vm.native.glue import glue
from vm.tiers.threaded import derived, invocation, machine, moves, plain
from vm.tiers.threaded.text import HandlerText
from vm.tiers.threaded.translate import Table

_LEVEL = 2

_HEAD = """\
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i64 @llvm.usub.sat.i64(i64, i64)
declare void @leave(ptr, i64) #2
attributes #0 = { nounwind "no-builtins" }
attributes #1 = { nounwind noinline cold "no-builtins" }
attributes #2 = { nounwind cold }
!0 = !{!10, !10, i64 0}
!4 = !{!"branch_weights", i32 1, i32 1048575}
!10 = !{!"memory", !14, i64 0}
!14 = !{!"WebAssembly"}
"""


class Library:
    """The machine in this process: addresses of ``handlers`` by name, of ``interpret`` and of ``halt``."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self.handlers: Mapping[str, int] = code.symbols
        self.interpret = code.symbols["interpret"]
        self.halt = code.symbols["halt"]
        self._fusions = plain.fusions(self.handlers)

    @functools.cache  # noqa: B019 - there is one library a process
    def table(self, mode: str) -> Table:
        """What translates each opcode, where memory 0 is accessed as ``mode`` says."""
        return Table(self.handlers, self._fusions, plain.table(self.handlers, mode))


@functools.cache
def library() -> Library:
    """The process's library."""
    return Library(build(source(), _LEVEL, arena.bodies(), glue().externals, Costs()))


def source() -> str:
    """The whole machine as LLVM IR text."""
    texts = (handler.text() for handler in chain(derived.handlers(), _by_hand()))
    return "".join((DECLARATIONS, VECTOR_DECLARATIONS, _HEAD, machine.support(), *texts))


def _by_hand() -> Iterator[HandlerText]:
    for name, write in (moves.HANDLERS | invocation.HANDLERS).items():
        handler = HandlerText(name)
        write(handler)
        yield handler
