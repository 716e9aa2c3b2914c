"""What ``assemble`` does, in restricted Python: for the native compiler, which writes code in place."""

from __future__ import annotations

from vm.module.kernel.restricted import kernel
from vm.tiers.baseline.kinds import (
    A_SHIFT,
    ADDEND,
    BIT,
    BYTE_AT,
    CODE,
    COMPILED,
    CONSTANT,
    FIRST_EXIT,
    FLIP_CELLS,
    FLIP_COUNT,
    FLIPS,
    HOLE_0,
    HOLE_1,
    HOLE_CELLS,
    HOLE_COUNT,
    HOLE_KIND,
    HOLES,
    MASK,
    OFFSET,
    OPERAND,
    POOL,
    RECORD_CELLS,
    SIZE,
    SOURCE,
    STENCIL,
    STENCIL_CELLS,
    TABLE_AT,
    TAKEN,
    TARGET,
    TRAP,
)
from vm.tiers.baseline.stencil import ABSOLUTE_64, BYTE, NEGATED, NEGATED_BYTE, PC_RELATIVE
from vm.tiers.baseline.work import ADDRESS, BASE, CONSTANTS, END, EXITS, LEAVE, RECORDS, SIZE_NOW, Work

_STENCIL_BITS = 0xFFFF


@kernel("wi:i")
def lay(w: Work, record: int) -> int:
    """Append a record's stencil, with its registers in place."""
    key = w.records[record + STENCIL]
    row = (key & _STENCIL_BITS) * STENCIL_CELLS
    start, source, size = w.state[SIZE_NOW], w.stencils[row + CODE], w.stencils[row + SIZE]
    i = 0
    while i < size:
        w.out[start + i] = w.library[source + i]
        i += 1
    flip = w.stencils[row + FLIPS] * FLIP_CELLS
    end = flip + w.stencils[row + FLIP_COUNT] * FLIP_CELLS
    while flip < end:
        if key >> A_SHIFT + 5 * w.flips[flip + OPERAND] + w.flips[flip + BIT] & 1 != w.flips[flip + COMPILED]:
            at = start + w.flips[flip + BYTE_AT]
            w.out[at] = w.out[at] ^ w.flips[flip + MASK]
        flip += FLIP_CELLS
    w.state[SIZE_NOW] = start + size
    return 0


@kernel("wii:i")
def put_4(w: Work, at: int, value: int) -> int:
    """A number into the code, lowest byte first."""
    w.out[at] = value & 255
    w.out[at + 1] = value >> 8 & 255
    w.out[at + 2] = value >> 16 & 255
    w.out[at + 3] = value >> 24 & 255
    return 0


@kernel("wii:i")
def put_8(w: Work, at: int, value: int) -> int:
    """A word into the code."""
    put_4(w, at, value)
    return put_4(w, at + 4, value >> 32)


@kernel("w:i")
def link(w: Work) -> int:
    """Let the words where code is entered say where it is."""
    word = 0
    while word < w.state[END]:
        if w.entries[word]:
            w.words[word] = w.state[ADDRESS] + w.entries[word] - 1
        word += 1
    return 0


@kernel("w:i")
def lay_exits(w: Work) -> int:
    """Behind the code: a stub for each exit that has to say where it left; the exits then say where it is."""
    number = 0
    row = w.fixed[LEAVE] * STENCIL_CELLS
    while number < w.state[EXITS]:
        word = w.exits[2 * number + 1]
        if word >= 0:
            start, source, size = w.state[SIZE_NOW], w.stencils[row + CODE], w.stencils[row + SIZE]
            i = 0
            while i < size:
                w.out[start + i] = w.library[source + i]
                i += 1
            hole = w.stencils[row + HOLES] * HOLE_CELLS
            end = hole + w.stencils[row + HOLE_COUNT] * HOLE_CELLS
            while hole < end:
                at = start + w.holes[hole + OFFSET]
                if w.holes[hole + SOURCE] == TAKEN:
                    put_4(w, at, w.exits[2 * number] - w.state[ADDRESS] - at - 4)
                else:
                    put_8(w, at, w.state[BASE] + 8 * word)
                hole += HOLE_CELLS
            w.exits[2 * number] = w.state[ADDRESS] + start
            w.state[SIZE_NOW] = start + size
        number += 1
    while w.state[SIZE_NOW] & 7:
        w.out[w.state[SIZE_NOW]] = 0
        w.state[SIZE_NOW] += 1
    return 0


@kernel("wi:i")
def table(w: Work, at: int) -> int:
    """The addresses that a table jump goes to; gives where they lie."""
    start = w.state[SIZE_NOW]
    count = (w.code[at + 1] >> 32) + 1
    i = 0
    while i < count:
        target = at + (w.code[at + 2 + i] >> 3)
        put_8(w, start + 8 * i, w.state[ADDRESS] + w.labels[target] - 1)
        i += 1
    w.state[SIZE_NOW] = start + 8 * count
    return w.state[ADDRESS] + start


@kernel("wii:i")
def wanted(w: Work, record: int, source: int) -> int:
    """What fills a hole."""
    if source < TAKEN:
        return w.records[record + HOLE_0 + source]
    if source == TAKEN:
        target = w.records[record + TARGET]
        if target >= 0:
            return w.state[ADDRESS] + w.labels[target] - 1
        return w.exits[2 * (-1 - target)]
    if source == POOL:
        at = w.state[SIZE_NOW]
        put_8(w, at, w.records[record + HOLE_1])
        w.state[SIZE_NOW] = at + 8
        return w.state[ADDRESS] + at
    if source == TABLE_AT:
        return table(w, w.records[record + TARGET])
    if source == CONSTANT:
        return w.state[CONSTANTS]
    return w.exits[2 * (w.records[record + FIRST_EXIT] + source - TRAP)]


@kernel("wii:i")
def fill(w: Work, record: int, start: int) -> int:
    """The holes of a record's stencil, which lies at ``start``; gives its size."""
    row = (w.records[record + STENCIL] & _STENCIL_BITS) * STENCIL_CELLS
    hole = w.stencils[row + HOLES] * HOLE_CELLS
    end = hole + w.stencils[row + HOLE_COUNT] * HOLE_CELLS
    while hole < end:
        at = start + w.holes[hole + OFFSET]
        kind = w.holes[hole + HOLE_KIND]
        value = wanted(w, record, w.holes[hole + SOURCE]) + w.holes[hole + ADDEND]
        if kind == PC_RELATIVE:
            put_4(w, at, value - w.state[ADDRESS] - at - 4)
        elif kind == ABSOLUTE_64:
            put_8(w, at, value)
        elif kind == BYTE:
            w.out[at] = value & 63
        elif kind == NEGATED_BYTE:
            w.out[at] = -value & 63
        else:
            put_4(w, at, -value if kind == NEGATED else value)
        hole += HOLE_CELLS
    return w.stencils[row + SIZE]


@kernel("w:i")
def assemble_function(w: Work) -> int:
    """The records as code in ``Work.out``; gives its size."""
    w.state[SIZE_NOW] = 0
    record = 0
    while record < w.state[RECORDS]:
        lay(w, record)
        record += RECORD_CELLS
    lay_exits(w)
    record = 0
    start = 0
    while record < w.state[RECORDS]:
        start += fill(w, record, start)
        record += RECORD_CELLS
    link(w)
    return w.state[SIZE_NOW]
