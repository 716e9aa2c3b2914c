"""What is known of places in a function's threaded code: where they come from, for backtraces, and which
slots hold references there, for the collector of the managed heap.

Nothing of it is noted while code is made: a function that it is asked about is translated once more.
"""

from __future__ import annotations

import bisect

from vm.isa.types import ValueType
from vm.module.body import operand_types
from vm.module.instructions import read
from vm.runtime.references import traced
from vm.tiers.threaded.translate import Condition, Translator


class Recorder(Translator):
    """Notes where the code of each instruction begins, and what lies in slots where a call leaves its caller,
    or Python runs an instruction.
    """

    def walk(self) -> None:
        """As its base, and look what became of each instruction."""
        self._starts, self._offsets = [0], [self._body.start]
        self._settled: dict[int, tuple[dict[int, int], int]] = {}
        self._slots: dict[tuple[int, bool], list[int]] = {}
        super().walk()

    def translate(self, at: int, end: int) -> int:
        """As its base, and note each."""
        code = self.module.binary
        while at < end and self.control:
            self.here = here = at
            before = self._shortest = len(self.code)
            opcode, immediates, at = read(code, at)
            self.next = at
            dead = self._table[opcode.code](self, immediates)
            self._note(min(before, self._shortest), here)
            if dead:
                at = self._skip(at)
        return at

    def pause(self, at: int) -> None:
        """What brings operands home is no part of the instruction before."""
        before = len(self.code)
        super().pause(at)
        self._note(before, at)

    def _note(self, start: int, offset: int) -> None:
        if len(self.code) > start:
            while self._starts[-1] >= start:  # a comparison that became part of this instruction
                del self._starts[-1], self._offsets[-1]
            self._starts.append(start)
            self._offsets.append(offset)

    def pop_condition(self) -> Condition:
        """It may take code back."""
        condition = super().pop_condition()
        self._shortest = min(self._shortest, len(self.code))
        return condition

    def loop_head(self) -> None:
        """Python may be asked where to go on; all operands are in their homes."""
        self._settled[self.here] = dict(enumerate(self.homes)), 0
        super().loop_head()

    def discard(self, count: int) -> None:
        """Calls and steps do it when their operands are in place."""
        operands = enumerate(zip(self.operands, self.homes, strict=True))
        settled = {number: home for number, (operand, home) in operands if operand == home}
        self._settled[self.here] = settled, len(self.operands) - count
        super().discard(count)

    def references(self, word: int) -> list[int]:
        """The slots that hold references while the machine is to go on at ``word``, or is inside the
        instruction that ``word`` belongs to. A call's arguments are the called function's.
        """
        number = bisect.bisect(self._starts, word - 1) - 1
        ends = [*self._starts, len(self.code)]
        key = number, word == ends[number + 1]
        if key not in self._slots:
            self._slots[key] = self._find_references(self._offsets[number], left=key[1])
        return self._slots[key]

    def _find_references(self, offset: int, *, left: bool) -> list[int]:
        types = operand_types(self.module, self.index, offset)
        settled, below = self._settled.get(offset, ({}, 0))
        shown = types[:below] if left else types
        found = [settled[i] for i, type in enumerate(shown) if i in settled and _traced(type)]
        found += [slot for slot, type in zip(self.locals, self.types, strict=False) if _traced(type)]
        return [*found, *self.kept_slots]

    def offset(self, word: int) -> int:
        """Where in the binary the instruction stands that a word of the code belongs to."""
        return self._offsets[bisect.bisect(self._starts, word) - 1]


def _traced(type: ValueType | None) -> bool:
    return type is not None and traced(type)
