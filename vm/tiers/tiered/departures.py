"""Where compiled code has left its functions for the machine, and what the machine goes on with.

Compiled code that finds an expectation wrong asks for a record, as one of a function: its code is an
instruction ``resume``, which has the machine go on in the middle of the function, on a frame that compiled
code has filled (``vm.tiers.llvm.speculation``).
"""

from __future__ import annotations

import random
from weakref import WeakKeyDictionary

from vm.events import note
from vm.memory.native import WORD, Block, poke
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_CODE, RECORD_CONTEXT, RECORD_SIZE, STATE_POINTS
from vm.runtime.words import offsets
from vm.tiers.policy import Place
from vm.tiers.threaded.library import library
from vm.tiers.threaded.program import ThreadedProgram

_TRIES = 4
"""Departures from one place of one piece of code until nothing is expected there any more."""

_RENEWALS = 8
"""Times that a piece of code is made anew for that; then it is made so that it expects nothing."""


class Departures:
    """Those from one module's code; ``first`` makes the code that the machine goes on with.

    They are counted by the piece of code (a function, or a loop) that was left, and where in the binary.
    """

    def __init__(self, first: ThreadedProgram) -> None:
        self._first = first
        self._instructions: dict[tuple[int, int], Block] = {}
        self._records: WeakKeyDictionary[Instance, dict[tuple[int, int], Block]] = WeakKeyDictionary()
        self._failed: dict[tuple[Place, int], int] = {}
        self._avoided: dict[Place, list[int]] = {}
        self.count = 0
        self.demotions = 0

    def failed(self, piece: Place, offset: int) -> bool:
        """Note that code of a piece was left in front of an offset; whether it must be made anew now."""
        self._failed[piece, offset] = times = self._failed.get((piece, offset), 0) + 1
        if times != _TRIES:
            return False
        note("demoted", function=piece[0], offset=offset, loop=-1 if piece[1] is None else piece[1])
        self._avoided.setdefault(piece, []).append(offset)
        self.demotions += 1
        return True

    def avoided(self, piece: Place) -> list[int] | None:
        """Where code of a piece expects nothing; None: nowhere does it expect anything."""
        found = self._avoided.get(piece, [])
        return sorted(found) if len(found) <= _RENEWALS else None

    def record(self, instance: Instance, index: int, offset: int) -> int:
        """The address of the record that goes on for function ``index`` of ``instance`` at an offset."""
        self.count += 1
        records = self._records.setdefault(instance, {})
        if (index, offset) not in records:
            made = Block(RECORD_SIZE)
            poke(made.address + RECORD_CODE, self._instruction(instance, index, offset).address)
            poke(made.address + RECORD_CONTEXT, instance.context.address)
            records[index, offset] = made  # when nothing is missing: Ctrl-C may come any time
        return records[index, offset].address

    def _instruction(self, instance: Instance, index: int, offset: int) -> Block:
        """The ``resume`` of all instances."""
        key = index, offset
        if key not in self._instructions:
            there = self._first.resume(index, offset)
            results = offsets(instance.module.function_type(index).results)[-1]
            made = Block(4 * WORD)
            words = (there.words | results << 32, max(there.extent, there.words, results, 1), there.pc)
            for number, word in enumerate((library().handlers["resume"], *words)):
                made.words[number] = word
            self._instructions[key] = made
        return self._instructions[key]


class Points:
    """For tests: how many safe points code of a store passes before it leaves, on average ``mean``, the same
    each time.
    """

    def __init__(self, state: Block, mean: int) -> None:
        self._state = state
        self._mean = mean
        self._dice = random.Random(mean)  # noqa: S311 - it is for tests
        self.renew()

    def renew(self) -> None:
        """Begin to count anew."""
        self._state.words[STATE_POINTS // WORD] = self._dice.randint(1, 2 * self._mean - 1)
