"""What code has counted (``vm.tiers.llvm.profiled``): the counters of one module, and what they say."""

from __future__ import annotations

from vm.jit.counts import Counts
from vm.memory.native import WORD, Block
from vm.module.instructions import read
from vm.module.model import ModuleData
from vm.runtime.layout import RECORD_SIZE, ContextLayout
from vm.tiers.llvm.profiled import COUNTERS, SYMBOL, TARGETS, first_counted

_TWO_WAYS = frozenset({"if", "br_if", "br_on_null", "br_on_non_null", "br_on_cast", "br_on_cast_fail"})
_CALLS = frozenset({"call_indirect", "call_ref"})


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
        branches: dict[int, list[int]] = {}
        targets: dict[int, tuple[int, list[tuple[int, int]]]] = {}
        layout = ContextLayout.of(module)
        for number, (start, _) in enumerate(module.bodies.extents):
            (entered,) = self._words(start, 1)
            if not entered:
                continue
            calls[module.imported_functions + number] = entered
            body = module.bodies[number]
            at = body.start
            while at < body.end:
                opcode, immediates, after = read(module.binary, at)
                if opcode.name in _TWO_WAYS:
                    branches[at] = self._words(at, 2)
                elif opcode.name == "br_table":
                    branches[at] = self._words(at, len(immediates[0]) + 1)
                elif opcode.name in _CALLS:
                    total, *pairs = self._words(at, 1 + 2 * TARGETS)
                    targets[at] = total, _functions(module, layout, pairs)
                at = after
        seen = {at: counts for at, counts in branches.items() if any(counts)}
        called = {at: (total, most) for at, (total, most) in targets.items() if total}
        return Counts(module.digest.hex(), calls, seen, called)

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
