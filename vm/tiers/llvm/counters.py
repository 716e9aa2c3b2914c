"""What code has counted (``vm.tiers.llvm.profiled``): the counters of one module, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vm.jit.counts import MOST_COUNT, Counts
from vm.memory.native import WORD, Block
from vm.module.instructions import read
from vm.module.model import ModuleData
from vm.native.tallying import COUNTERS, TARGETS, first_counted
from vm.runtime.layout import RECORD_SIZE, ContextLayout
from vm.tiers.llvm.profiled import SYMBOL

_TWO_WAYS = frozenset({"if", "br_if", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail"})
_CALLS = frozenset({"call_indirect", "call_ref"})


class Tallies:
    """What was counted in some functions, by offset: ``branches`` and ``targets`` as ``Counts`` has them,
    without those that were never met; and all ``callees`` that are called by name.
    """

    def __init__(self) -> None:
        self.branches: dict[int, Sequence[int]] = {}
        self.targets: dict[int, tuple[int, Sequence[tuple[int, int]]]] = {}
        self.callees: dict[int, None] = {}

    def branch(self, at: int, counts: Sequence[int]) -> None:
        """A branch, if it was ever met. Threads that count at once may lose what one of them adds, and then
        take it away again (``vm.tiers.threaded.observing``): what is below zero was never met.
        """
        counts = [count if count <= MOST_COUNT else 0 for count in counts]
        if any(counts):
            self.branches[at] = counts

    def target(self, at: int, total: int, most: Sequence[tuple[int, int]]) -> None:
        """An indirect call, if it was ever met."""
        if total:
            self.targets[at] = total, most

    def add(self, other: Tallies) -> None:
        """Those of other functions."""
        self.branches |= other.branches
        self.targets |= other.targets
        self.callees |= other.callees

    def counts(self, module: ModuleData, calls: Mapping[int, int]) -> Counts:
        """All of it, where functions were entered so many times."""
        return Counts(module.digest.hex(), calls, self.branches, self.targets)


class Counters:
    """Counters for every byte of a module's bodies. ``symbols`` says by what name code knows their place."""

    def __init__(self, module: ModuleData) -> None:
        extents = module.bodies.extents
        self._first = first_counted(module)
        size = extents[-1][1] - self._first if extents else 0
        self._block = Block(max(COUNTERS * WORD * size, WORD))
        self.symbols = {SYMBOL: self._block.address}

    def read(self, module: ModuleData) -> Counts:
        """What they say now, of functions that were ever entered."""
        calls: dict[int, int] = {}
        counted = Tallies()
        for number, (start, _) in enumerate(module.bodies.extents):
            (entered,) = self._words(start, 1)
            if entered:
                calls[module.imported_functions + number] = entered
                counted.add(self.function(module, number))
        return counted.counts(module, calls)

    def function(self, module: ModuleData, number: int) -> Tallies:
        """What they say now of the body with this number."""
        found = Tallies()
        layout = ContextLayout.of(module)
        body = module.bodies[number]
        at = body.start
        while at < body.end:
            opcode, immediates, after = read(module.binary, at)
            if opcode.name in _TWO_WAYS:
                found.branch(at, self._words(at, 2))
            elif opcode.name == "br_table":
                found.branch(at, self._words(at, len(immediates[0]) + 1))
            elif opcode.name in _CALLS:
                total, *pairs = self._words(at, 1 + 2 * TARGETS)
                found.target(at, total, _functions(module, layout, pairs))
            elif opcode.name in ("call", "return_call"):
                found.callees[immediates[0]] = None
            at = after
        return found

    def address(self, at: int) -> int:
        """Where the counters of the instruction at an offset lie."""
        return self._block.address + COUNTERS * WORD * (at - self._first)

    def _words(self, at: int, count: int) -> list[int]:
        start = COUNTERS * (at - self._first)
        return self._block.words[start : start + count].tolist()


def _functions(module: ModuleData, layout: ContextLayout, pairs: list[int]) -> list[tuple[int, int]]:
    """The functions whose records lie so far behind the context of the instance that calls them, with how
    often at least; those of other instances are left out.
    """
    found = []
    for apart, times in zip(pairs[::2], pairs[1::2], strict=True):
        number, rest = divmod(apart - layout.records, RECORD_SIZE)
        if times and not rest and 0 <= number < len(module.bodies):
            found.append((module.imported_functions + number, times))
    return sorted(found, key=lambda item: (-item[1], item[0]))
