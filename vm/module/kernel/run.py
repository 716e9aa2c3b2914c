"""Working memory for the kernel, and the kernel as Python runs it."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableSequence, Sequence

from vm.module.kernel import layout, walk
from vm.module.kernel.facts import OPCODE_ROWS, Facts
from vm.module.kernel.restricted import Work
from vm.module.limits import MAX_LOCALS, MAX_OPERANDS
from vm.once import once
from vm.typed import Protocol

KEPT_ROOM = 1 << 16
"""Bytes of the biggest body for which working memory is kept; for bigger ones it is made each time."""

LEAST_ROOM = 1 << 10
"""Bytes of the biggest body that working memory is made for at first: few programs need more to start."""

Zeros = Callable[[int], MutableSequence[int]]
"""What makes so many cells of zero: lists are quick for Python, arrays have an address."""


class Scratch(threading.local):
    """The arrays that say nothing of a module, one set for each thread."""

    def __init__(self, zeros: Zeros) -> None:
        self._zeros = zeros
        self._room = LEAST_ROOM
        self._kept = self._make(LEAST_ROOM)

    def arrays(self, room: int) -> dict[str, MutableSequence[int]]:
        """``Work.state`` to ``Work.clauses``, for bodies of up to ``room`` bytes."""
        if room > KEPT_ROOM:
            return self._make(room)
        if room > self._room:
            self._room = min(2 * room, KEPT_ROOM)
            self._kept = self._make(self._room)
        return self._kept

    def _make(self, room: int) -> dict[str, MutableSequence[int]]:
        """A block or clause takes two bytes of code at least, an entry of the side table one."""
        half = room // 2 + 2
        sizes = {
            "state": layout.STATE_CELLS,
            "stack": MAX_OPERANDS,
            "blocks": layout.BLOCK_CELLS * half,
            "table": layout.ENTRY_CELLS * (room + 2),
            "locals": MAX_LOCALS + 1,
            "unset": 2 * MAX_LOCALS + 2,
            "handlers": layout.HANDLER_CELLS * half,
            "clauses": layout.CLAUSE_CELLS * half,
        }
        return {name: self._zeros(size) for name, size in sizes.items()}


class Checker(Protocol):
    """The kernel with the arrays it works on."""

    work: Work

    def check_body(self, function: int, start: int, end: int) -> int:
        """``walk.check_body``."""

    def check_bodies(self, first: int, count: int) -> int:
        """``walk.check_bodies``."""


class Kernel(Protocol):
    """A form of the kernel."""

    def __call__(self, binary: bytes, facts: Facts, room: int, extents: Sequence[int] = ()) -> Checker:
        """A checker of bodies of up to ``room`` bytes; ``extents`` are those of a run of bodies."""


@once
def _scratch() -> Scratch:
    return Scratch(lambda count: [0] * count)


class PlainChecker:
    """The kernel as it stands, run by Python."""

    def __init__(self, binary: bytes, facts: Facts, room: int, extents: Sequence[int] = ()) -> None:
        self.work = Work(binary, OPCODE_ROWS, facts.cells, extents=extents, **_scratch().arrays(room))

    def check_constant(self, wanted: int, start: int, end: int, scope: int) -> int:
        """``walk.check_constant``."""
        return walk.check_constant(self.work, wanted, start, end, scope)

    def check_body(self, function: int, start: int, end: int) -> int:
        """``walk.check_body``."""
        return walk.check_body(self.work, function, start, end)

    def check_bodies(self, first: int, count: int) -> int:
        """``walk.check_bodies``."""
        return walk.check_bodies(self.work, first, count)
