"""How hard LLVM tries, given what it would have to chew: keeps compile time near linear in a module's size.

Several of LLVM's passes take time that grows with the square of a function, or worse, when the function is
made for it: instcombine asks every condition above an instruction (a thousand divisions by one number),
register allocation and loop analysis dislike deep nests, SROA dislikes thousands of variables. Its
simplifycfg even ends the process, by an assertion, when a function takes it a thousand rounds, and a round
may do away with one block only. None of them can be stopped half-way, so what goes in is bounded: up to a
size that compilers' output rarely reaches the wanted level runs, and its worst case stays below a second;
beyond it, only steps whose time was measured to grow with the size alone. The limits are in units of the
translator's own output, so that the choice is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vm.native.pipeline import PLAIN, PROMOTE


@dataclass(frozen=True, slots=True)
class Size:
    """A function's IR: lines, blocks, stack slots, and at most how many phi nodes its variables need."""

    lines: int
    blocks: int
    slots: int
    joins: int

    def __add__(self, other: Size) -> Size:
        return Size(
            self.lines + other.lines,
            self.blocks + other.blocks,
            self.slots + other.slots,
            self.joins + other.joins,
        )

    def within(self, limit: Size) -> bool:
        """Whether no part exceeds ``limit``'s."""
        return (
            self.lines <= limit.lines
            and self.blocks <= limit.blocks
            and self.slots <= limit.slots
            and self.joins <= limit.joins
        )


NOTHING = Size(0, 0, 0, 0)

ANY_LEVEL = Size(lines=10_000, blocks=960, slots=1_000, joins=50_000)
"""What LLVM gets at once at levels 0 to 3. simplifycfg's assertion allows 1,000 rounds."""

PROMOTABLE = Size(lines=1 << 40, blocks=1 << 40, slots=2_000, joins=1_000_000)
"""What SROA takes. JavaScript interpreters' and SQLite's main loops, 3,500 blocks, are within it."""


def affordable(size: Size, level: int) -> int:
    """The level (of ``vm.native.pipeline``) for code of ``size`` where ``level`` is wanted."""
    if size.within(ANY_LEVEL):
        return level
    return PROMOTE if size.within(PROMOTABLE) else PLAIN


def parts(sizes: Mapping[int, Size]) -> list[list[int]]:
    """The functions of a batch, in order, in groups that LLVM gets at once.

    A function that exceeds the limit is alone.
    """
    found: list[list[int]] = []
    total = NOTHING
    for index, size in sizes.items():
        total += size
        if not found or not total.within(ANY_LEVEL):
            found.append([])
            total = size
        found[-1].append(index)
    return found
