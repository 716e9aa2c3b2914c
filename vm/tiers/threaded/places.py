"""Where a function's threaded code comes from, for backtraces.

Nothing of it is noted while code is made: a function that it is asked about is translated once more.
"""

from __future__ import annotations

import bisect

from vm.module.instructions import read
from vm.tiers.threaded.translate import Condition, Translator


class Recorder(Translator):
    """Notes where the code of each instruction begins."""

    def walk(self) -> None:
        """As its base, and look what became of each instruction."""
        self._starts, self._offsets = [0], [self._body.start]
        code, at, end = self.module.binary, self._body.start, self._body.end
        while at < end and self.control:
            here = at
            before = self._shortest = len(self.code)
            opcode, immediates, at = read(code, at)
            self.next = at
            dead = self._table[opcode.code](self, immediates)
            self._note(min(before, self._shortest), here)
            if dead:
                at = self._skip(at)

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

    def offset(self, word: int) -> int:
        """Where in the binary the instruction stands that a word of the code belongs to."""
        return self._offsets[bisect.bisect(self._starts, word) - 1]
