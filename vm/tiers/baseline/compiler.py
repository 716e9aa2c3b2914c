"""From a function's threaded code to machine code in place: the compiler's arrays, filled and read."""

from __future__ import annotations

import bisect
import functools
from array import array

from vm.errors import VMError
from vm.isa.types import ValType, ValueType
from vm.memory.native import WORD, Block
from vm.runtime.words import offsets
from vm.tiers.baseline import kinds
from vm.tiers.baseline.kinds import RECORD_CELLS
from vm.tiers.baseline.library import Library
from vm.tiers.baseline.room import Room
from vm.tiers.baseline.work import (
    ADDRESS,
    BASE,
    END,
    FAULT,
    FIRST,
    FIXED,
    HANDLERS,
    LOW,
    MOST_RECORDS,
    REGISTERS,
    RESULTS,
    SLOTS,
    STARTS,
    STATE_CELLS,
    TOO_MANY_RECORDS,
    Cells,
    Work,
)
from vm.typed import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from vm.tiers.baseline.assemble import Assembler
    from vm.tiers.threaded.made import Words

_TYPES: dict[ValueType, int] = {
    ValType.I32: kinds.I32,
    ValType.F32: kinds.F32,
    ValType.F64: kinds.F64,
    ValType.V128: 0,
}

MOST_WORDS = 1 << 17
"""Functions with more threaded code stay that, for the compiler's arrays take fifty times as much memory."""

_RECORDS_A_WORD = 4
_RECORDS = 1024
"""More than most functions take; when they are too few, there are twice as many the next time."""


class Compiled:
    """A function's code: ``words`` are its threaded code, in which those where code is entered from elsewhere
    say where the machine code for that place lies; so what a place in the words stands for is unchanged.
    """

    def __init__(self, words: Block, start: int, size: int, starts: array[int]) -> None:
        self.words = words
        self.start = start
        self.end = start + size
        self._starts = starts

    def word(self, address: int) -> int:
        """The address of the word whose instruction's machine code is at or before ``address``."""
        offset = address - self.start
        at = bisect.bisect(self._starts[::2], offset) - 1
        return self.words.address + WORD * self._starts[2 * at + 1]


def slot_types(types: Sequence[ValueType]) -> list[int]:
    """By slot of parameters and locals."""
    found = [0] * offsets(types)[-1]
    for type, at in zip(types, offsets(types), strict=False):
        found[at] = _TYPES.get(type, kinds.I64)
    return found


class Compiler:
    """Compiles functions of one module into ``room``."""

    def __init__(self, library: Library, room: Room) -> None:
        self._library = library
        self._room = room
        self._fixed = self._taken([library.numbers[name] for name in FIXED])
        self._size = 0
        self._records = self._cells(0)
        self._grow(256)

    def _grow(self, size: int) -> None:
        """Room for what is written before it is read, for a function of so many words."""
        if size > self._size:
            self._size = size
            self._starts = self._cells(2 * size + 2)
            self._exits = self._cells(8 * size)
        if (wanted := RECORD_CELLS * (_RECORDS_A_WORD * size + _RECORDS)) > len(self._records):
            self._records = self._cells(wanted)

    def compile(
        self,
        words: Words,
        first: int,
        types: list[int],
        labels: Sequence[tuple[int, int]],
        doors: Sequence[int],
    ) -> Compiled:
        """Code for threaded code; operands lie from slot ``first`` on. ``labels`` are the words that jumps go
        to, with the slot behind the operands there; ``doors`` those that exceptions go to.
        """
        block = Block(WORD * len(words))
        block.words[: len(words)] = memoryview(words).cast("B").cast("Q")
        code = array("q", words.tobytes())
        while True:
            w = self._work(code, block, first, types)
            for word, top in labels:
                w.marks[word] = top + 1
            for word in doors:
                w.marks[word] = LOW
                w.doors[word] = 1
            if made := self._make(w):
                break
            if w.state[FAULT] != TOO_MANY_RECORDS:
                raise VMError("the baseline compiler ran out of registers")
            self._records = self._cells(2 * len(self._records))
        address, size = made
        return Compiled(block, address, size, array("q", w.starts[: 2 * w.state[STARTS]]))

    def _make(self, w: Work) -> tuple[int, int] | None:
        """Make the code and put it in place; where it is, and how long. None: the state says why not."""
        from vm.tiers.baseline.make import bound  # what the native form does without
        from vm.tiers.baseline.patch import link
        from vm.tiers.baseline.walk import compile_function

        if compile_function(w):
            return None
        address = self._room.reserve(bound(w))
        made = self._assembler.assemble(w, address)
        self._room.write(made)
        w.state[ADDRESS] = address
        link(w)
        return address, len(made)

    @functools.cached_property
    def _assembler(self) -> Assembler:
        from vm.tiers.baseline.assemble import Assembler

        return Assembler(self._library)

    def _cells(self, count: int, value: int = 0) -> Cells:
        return [value] * count

    def _taken(self, values: list[int]) -> Cells:
        return values

    def _work(self, code: Sequence[int], block: Block, first: int, types: list[int]) -> Work:
        library, size = self._library, len(code)
        self._grow(size)
        slots = max(code[2] & LOW, first) + 2
        state = self._cells(STATE_CELLS)
        state[END], state[FIRST], state[SLOTS] = size, first, slots
        state[RESULTS], state[BASE], state[HANDLERS] = code[1] >> 32, block.address, library.base
        state[MOST_RECORDS] = len(self._records)
        return Work(
            code=code,
            words=block.words,
            shape_of=library.shape_of,
            shapes=library.shapes,
            stencils=library.rows,
            fixed=self._fixed,
            raisers=library.raisers,
            types=self._taken(types + [0] * (slots - len(types))),
            state=state,
            marks=self._cells(size + 1),
            doors=self._cells(size + 1),
            depths=self._cells(size + 1),
            scores=self._cells(slots),
            written=self._cells(slots),
            pins=self._cells(slots, -1),
            where=self._cells(slots, -1),
            held=self._cells(REGISTERS, -1),
            dirty=self._cells(REGISTERS),
            kind=self._cells(REGISTERS),
            pool=self._cells(REGISTERS + 2, -1),
            pinned=self._cells(REGISTERS),
            labels=self._cells(size + 1),
            entries=self._cells(size + 1),
            starts=self._starts,
            exits=self._exits,
            records=self._records,
            holes=library.holes,
            flips=library.flips,
            library=library.code,
            out=[],
        )
