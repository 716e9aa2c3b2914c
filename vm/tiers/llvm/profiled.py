"""What code knows of how often it runs: nothing; it counts itself; or it was counted (``vm.jit.counts``).

The translator tells of every function's start, every branch and every indirect call, and goes by the answers.
``vm.native.tallying`` says where counters lie.

Counts become LLVM's: entries of functions, weights of branches, and a summary that tells the inliner what is
hot in the whole program (``LLVM: ProfileSummaryInfo``).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from vm.isa.types import DefType
from vm.jit.counts import Counts
from vm.native.tallying import COUNTERS
from vm.tiers.llvm.reach import Foreseen
from vm.tiers.llvm.text import TextBuilder

SYMBOL = "counters"

_SUMMARY = 0x7FFE_0000
"""Numbers of the summary's metadata, between those of ``vm.tiers.llvm.text`` and ``vm.tiers.llvm.debug``."""

_CUTOFFS = (10_000, 100_000, 500_000, 900_000, 990_000, 999_000, 999_900, 999_990, 999_999)
"""Shares, in millionths, of all counts for which a summary tells how small counts are that belong to them."""

MOST_WEIGHED = 1_000
"""Labels of a ``br_table`` for which there are weights: LLVM copies all of them whenever it drops a case,
which takes minutes for 24,000. An interpreter's main loop has some hundreds."""

_MOST_WEIGHT = (1 << 32) - 2

_LIKELY = 100
"""Times that a call is taken to go to each function that it can be foreseen to go to: not ``SURE``."""

SURE = 200
"""Times that something has always gone one way, from which on code that can be left expects that it will."""


class Blind:
    """Nothing is known. ``counts``: the code itself does."""

    counts = False

    def enter(self, t: TextBuilder) -> None:
        """The function begins."""

    def definition(self) -> str:
        """What is said of the function in its definition, behind its attributes."""
        return ""

    def branch(self, t: TextBuilder, at: int, condition: str, yes: str, no: str) -> None:
        """Emit the branch of the instruction at offset ``at`` to labels ``yes`` or ``no``."""
        t.effect(f"br i1 {condition}, label %{yes}, label %{no}")

    def switch(self, t: TextBuilder, at: int, index: str, labels: Sequence[str]) -> None:
        """Emit a branch by number; the last label is for all numbers that have none of their own."""
        t.effect(_switch(index, labels))

    def called(self, t: TextBuilder, at: int, record: str) -> None:
        """The call at offset ``at`` goes to the function of ``record``."""

    def targets(self, at: int, wanted: DefType) -> Sequence[tuple[int, int, int]]:
        """Functions to expect of the call of a ``wanted`` at offset ``at``: index, how often it was, how
        often none of those so far.
        """
        return ()

    def never(self, at: int) -> int | None:
        """Which way, 0 (taken) or 1, the branch at an offset has never gone, of many times it was met."""
        return None


BLIND = Blind()


class Uncounted(Blind):
    """Nothing was counted, but the module itself says whom some calls can go to."""

    def __init__(self, foreseen: Foreseen) -> None:
        self._foreseen = foreseen

    def targets(self, at: int, wanted: DefType) -> Sequence[tuple[int, int, int]]:
        """One is as likely as the other, and any other is not."""
        found = self._foreseen.functions(wanted)
        return [(index, _LIKELY, _LIKELY * (len(found) - 1 - place)) for place, index in enumerate(found)]


def _switch(index: str, labels: Sequence[str]) -> str:
    cases = " ".join(f"i32 {number}, label %{label}" for number, label in enumerate(labels[:-1]))
    return f"switch i32 {index}, label %{labels[-1]} [ {cases} ]"


class Counting(Blind):
    """Code that counts, in a module whose first counters are for offset ``first``."""

    counts = True

    def __init__(self, first: int, entry: int) -> None:
        self._first = first
        self._entry = entry

    def _pointer(self, t: TextBuilder, at: int, word: int = 0) -> str:
        offset = 8 * (COUNTERS * (at - self._first) + word)
        return t.value(f"getelementptr i8, ptr @{SYMBOL}, i64 {offset}")

    def _count(self, t: TextBuilder, pointer: str) -> None:
        before = t.value(f"load i64, ptr {pointer}")
        t.effect(f"store i64 {t.value(f'add i64 {before}, 1')}, ptr {pointer}")

    def enter(self, t: TextBuilder) -> None:
        """One more."""
        self._count(t, self._pointer(t, self._entry))

    def branch(self, t: TextBuilder, at: int, condition: str, yes: str, no: str) -> None:
        """The first counter is for what is taken, the second for what is not."""
        which = t.value(f"select i1 {condition}, i64 0, i64 1")
        self._count(t, t.value(f"getelementptr i64, ptr {self._pointer(t, at)}, i64 {which}"))
        super().branch(t, at, condition, yes, no)

    def switch(self, t: TextBuilder, at: int, index: str, labels: Sequence[str]) -> None:
        """A counter for each label."""
        last = len(labels) - 1
        within = t.value(f"icmp ult i32 {index}, {last}")
        number = t.value(f"select i1 {within}, i32 {index}, i32 {last}")
        wide = t.value(f"zext i32 {number} to i64")
        self._count(t, t.value(f"getelementptr i64, ptr {self._pointer(t, at)}, i64 {wide}"))
        super().switch(t, at, index, labels)

    def called(self, t: TextBuilder, at: int, record: str) -> None:
        """Which function it is: where its record lies behind this instance's context."""
        address = t.value(f"ptrtoint ptr {record} to i64")
        apart = t.value(f"sub i64 {address}, {t.value('ptrtoint ptr %ctx to i64')}")
        t.effect(f"call void @count_target(ptr {self._pointer(t, at)}, i64 {apart})")


COUNTERS_IR = f"@{SYMBOL} = external global i8\n"
"""What all code that counts needs."""


class Informed(Blind):
    """Code of function ``index`` that was counted."""

    def __init__(self, counts: Counts, index: int) -> None:
        self._counts = counts
        self._entered = counts.calls.get(index, 0)

    def definition(self) -> str:
        """How often it was entered."""
        cold = "" if self._entered else " cold"
        return f'{cold} !prof !{{!"function_entry_count", i64 {self._entered}}}'

    def branch(self, t: TextBuilder, at: int, condition: str, yes: str, no: str) -> None:
        """With the weights that were counted, if it was ever met."""
        weights = _weights(self._counts.branches.get(at, ()), 2)
        t.effect(f"br i1 {condition}, label %{yes}, label %{no}{weights}")

    def switch(self, t: TextBuilder, at: int, index: str, labels: Sequence[str]) -> None:
        """LLVM names the default's weight first."""
        found = self._counts.branches.get(at, ())
        t.effect(_switch(index, labels) + _weights((*found[-1:], *found[:-1]), len(labels)))

    def never(self, at: int) -> int | None:
        """One that was not gone while the other was, often enough."""
        counts = self._counts.branches.get(at, ())
        if len(counts) != 2 or min(counts) or max(counts) < SURE:
            return None
        return 0 if counts[1] else 1

    def targets(self, at: int, wanted: DefType) -> Sequence[tuple[int, int, int]]:
        """The first, and the second, if they came often enough for the comparison to pay."""
        total, most = self._counts.targets.get(at, (0, ()))
        found, left = [], total
        for index, times in most:
            if times and 3 * times >= left:
                found.append((index, times, max(left - times, 0)))
                left -= times
        return found


def _weights(counts: Sequence[int], expected: int) -> str:
    """Metadata with these counts; none if there were none, or if they are of another instruction."""
    if len(counts) != expected or expected > MOST_WEIGHED or not any(counts):
        return ""
    return weights(counts)


def weights(counts: Sequence[int]) -> str:
    """Metadata that says how often each way was taken."""
    scale = max(counts) // _MOST_WEIGHT + 1
    return f', !prof !{{!"branch_weights", {", ".join(f"i32 {count // scale + 1}" for count in counts)}}}'


@functools.lru_cache(maxsize=4)
def summary(counts: Counts) -> str:
    """What LLVM is told of the program as a whole: how big counts are that make up how much of it."""
    every = sorted([*counts.calls.values(), *(n for ways in counts.branches.values() for n in ways)])
    every.reverse()
    total, largest = sum(every), max(every, default=0)
    details, seen, number = [], 0, 0
    for cutoff in _CUTOFFS:
        while number < len(every) and seen * 1_000_000 < total * cutoff:
            seen += every[number]
            number += 1
        least = every[number - 1] if number else 0
        details.append(f"!{{i32 {cutoff}, i64 {least}, i32 {number}}}")
    facts = {
        "TotalCount": total,
        "MaxCount": largest,
        "MaxInternalCount": max((n for ways in counts.branches.values() for n in ways), default=0),
        "MaxFunctionCount": max(counts.calls.values(), default=0),
        "NumCounts": len(every),
        "NumFunctions": len(counts.calls),
    }
    parts = ['!{!"ProfileFormat", !"InstrProf"}']
    parts += [f'!{{!"{name}", i64 {min(value, (1 << 63) - 1)}}}' for name, value in facts.items()]
    parts.append(f'!{{!"DetailedSummary", !{{{", ".join(details)}}}}}')
    return (
        f"!llvm.module.flags = !{{!{_SUMMARY}}}\n"
        f'!{_SUMMARY} = !{{i32 1, !"ProfileSummary", !{{{", ".join(parts)}}}}}\n'
    )
