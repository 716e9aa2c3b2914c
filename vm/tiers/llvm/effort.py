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

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from vm.native.pipeline import ALLOCATE, PLAIN, PROMOTE


@dataclass(frozen=True, slots=True)
class Size:
    """A function's IR: lines, blocks, stack slots, at most how many phi nodes its variables need, how many
    loops are open at once where most are, and lines in the longest block. Those of several functions add
    up, but for the last two.
    """

    lines: int
    blocks: int
    slots: int
    joins: int
    nest: int
    longest: int

    def __add__(self, other: Size) -> Size:
        return Size(
            self.lines + other.lines,
            self.blocks + other.blocks,
            self.slots + other.slots,
            self.joins + other.joins,
            max(self.nest, other.nest),
            max(self.longest, other.longest),
        )

    def within(self, limit: Size) -> bool:
        """Whether no part exceeds ``limit``'s."""
        return (
            self.lines <= limit.lines
            and self.blocks <= limit.blocks
            and self.slots <= limit.slots
            and self.joins <= limit.joins
            and self.nest <= limit.nest
            and self.longest <= limit.longest
        )


NOTHING = Size(0, 0, 0, 0, 0, 0)

ANY_LEVEL = Size(lines=10_000, blocks=960, slots=1_000, joins=50_000, nest=960, longest=10_000)
"""A function that LLVM gets at levels 0 to 3. simplifycfg's assertion allows 1,000 rounds."""

TOGETHER = Size(lines=30_000, blocks=2_880, slots=3_000, joins=150_000, nest=960, longest=10_000)
"""What LLVM gets at once: functions within ``ANY_LEVEL``, each of which takes its time alone. Beyond that
limit in sum, none of them may be one that only others in the group see: LLVM puts such a function into its
only caller however big both are, and they would not stay within it."""

ALLOCATABLE = Size(lines=60_000, blocks=5_000, slots=1_500, joins=1_000_000, nest=100, longest=5_000)
"""What its whole code generator gets behind SROA, so that the worst takes seconds. JavaScript interpreters'
and SQLite's main loops are within it: 35,000 lines, 3,600 blocks, the longest of 94 lines, 4 loops deep."""

PROMOTABLE = Size(lines=1 << 40, blocks=1 << 40, slots=2_000, joins=1_000_000, nest=1 << 40, longest=1 << 40)
"""What SROA takes."""


INTERPRETER = 45
"""Places that a ``br_table`` in a loop goes to from which on a program is taken to spend its time there. The
main loops of Lua have 47 to 85, SQLite's 152, QuickJS's 226; what scans and prints in them and in Graphviz,
40 at most."""


def wanted(choices: Iterable[int], level: int, most: int) -> int:
    """The level for functions whose loops choose among so many places. ``level`` is what all code of their
    module gets, ``most`` what is allowed: interpreters' main loops get a whole code generator in any module.
    """
    return max(level, min(1, most)) if any(count >= INTERPRETER for count in choices) else level


def affordable(sizes: Collection[Size], level: int) -> int:
    """The level (of ``vm.native.pipeline``) for functions of these ``sizes`` where ``level`` is wanted."""
    size = sum(sizes, NOTHING)
    if all(each.within(ANY_LEVEL) for each in sizes):
        return level
    if level > 0 and size.within(ALLOCATABLE):
        return ALLOCATE
    return PROMOTE if size.within(PROMOTABLE) else PLAIN


def parts(sizes: Mapping[int, Size]) -> list[list[int]]:
    """The functions of a batch, in order, in groups that LLVM gets at once.

    A function that exceeds ``ANY_LEVEL`` is alone.
    """
    found: list[list[int]] = []
    total = NOTHING
    for index, size in sizes.items():
        total += size
        if not found or not size.within(ANY_LEVEL) or not total.within(TOGETHER):
            found.append([])
            total = size if size.within(ANY_LEVEL) else _FULL
        found[-1].append(index)
    return found


_FULL = replace(TOGETHER, lines=TOGETHER.lines + 1)
"""Of a group that takes no more."""
