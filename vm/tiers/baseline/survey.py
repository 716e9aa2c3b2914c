"""A first look at a function: where jumps go, how often slots are used, which of them get registers."""

from __future__ import annotations

from vm.module.kernel.restricted import kernel
from vm.tiers.baseline.kinds import (
    BINARY,
    BINARY_K,
    BRANCH,
    BRANCH_1,
    BRANCH_K,
    CALL,
    CALL_INDIRECT,
    CALL_REF,
    CONST,
    COPY,
    COUNT,
    ENTER_CLEAR,
    F32,
    GLOBAL_GET,
    GLOBAL_SET,
    HANDLER,
    JUMP,
    KIND,
    LENGTH,
    LOAD,
    RETURN_ONE,
    SELECT,
    SHAPE_CELLS,
    STORE,
    STORE_K,
    TABLE,
    UNARY,
)
from vm.tiers.baseline.registers import VECTORS
from vm.tiers.baseline.work import END, FIRST, HANDLERS, LOW, PINNED, Work

STUB = 2
"""In ``Work.doors``, by a word that is no instruction: the one before leaves from behind the code."""

_MOST_DEEP = 4
_WEIGHT = 3
"""A loop's code counts for eight times as much, as a power of two."""

GENERAL_PINS = 4
VECTOR_PINS = 4


@kernel("wi:i")
def shape(w: Work, at: int) -> int:
    """Where the row of the instruction at a word begins."""
    return w.shape_of[(w.code[at] - w.state[HANDLERS]) >> 4] * SHAPE_CELLS


@kernel("wii:i")
def length(w: Work, at: int, row: int) -> int:
    """Words of an instruction."""
    if w.shapes[row + KIND] == TABLE:
        return 3 + (w.code[at + 1] >> 32 & LOW)
    return w.shapes[row + LENGTH]


@kernel("wii:i")
def field(w: Work, at: int, number: int) -> int:
    """A field of 32 bits."""
    word = w.code[at + 1 + (number >> 1)]
    return word >> 32 & LOW if number & 1 else word & LOW


@kernel("wii:i")
def distance(w: Work, at: int, number: int) -> int:
    """The word that a field, a distance, leads to."""
    found = field(w, at, number)
    return at + ((found ^ 0x8000_0000) - 0x8000_0000 >> 3)


@kernel("wii:i")
def destination(w: Work, at: int, kind: int) -> int:
    """Where a jump or branch leads to; -1 for other instructions."""
    if kind == JUMP:
        return at + (w.code[at + 1] >> 3)
    if kind == BRANCH:
        return distance(w, at, 2)
    if kind == BRANCH_K:
        return distance(w, at, 1)
    if kind == BRANCH_1:
        return distance(w, at, 1)
    return -1


@kernel("wiii:i")
def arrow(w: Work, source: int, end: int, target: int) -> int:
    """Note a jump; one backwards makes a loop."""
    if w.marks[target] == 0:
        w.marks[target] = LOW
    if target <= source:
        w.depths[target] += 1
        w.depths[end] -= 1
        w.doors[target] = 1
    return 0


@kernel("w:i")
def look(w: Work) -> int:
    """Find jumps and loops."""
    at = 0
    while at < w.state[END]:
        row = shape(w, at)
        kind = w.shapes[row + KIND]
        end = at + length(w, at, row)
        target = destination(w, at, kind)
        if target >= 0:
            arrow(w, at, end, target)
        elif kind == COUNT:
            w.doors[at + 1] = STUB
            w.doors[end] = 1
        elif kind == TABLE:
            label = at + 2
            while label < end:
                arrow(w, at, end, at + (w.code[label] >> 3))
                label += 1
        at = end
    return 0


@kernel("wiiii:i")
def use(w: Work, at: int, first: int, last: int, weight: int) -> int:
    """Count what a range of fields names."""
    while first <= last:
        slot = field(w, at, first)
        if slot < w.state[FIRST]:
            w.scores[slot] += weight
        first += 1
    return 0


@kernel("wi:i")
def write(w: Work, at: int) -> int:
    """The first field is written."""
    w.written[field(w, at, 0)] = 1
    return 0


@kernel("w:i")
def count(w: Work) -> int:
    """How often slots of parameters and locals are used; gives how often code leaves to others."""
    at = 0
    depth = 0
    left = 0
    while at < w.state[END]:
        depth += w.depths[at]
        row = shape(w, at)
        kind = w.shapes[row + KIND]
        weight = 1 << _WEIGHT * min(depth, _MOST_DEEP)
        if kind in (BINARY, SELECT):
            write(w, at)
            use(w, at, 0, 3 if kind == SELECT else 2, weight)
        elif kind in (BINARY_K, UNARY, LOAD, COPY):
            write(w, at)
            use(w, at, 0, 1, weight)
        elif kind in (CONST, GLOBAL_GET):
            write(w, at)
            use(w, at, 0, 0, weight)
        elif kind in (BRANCH, STORE):
            use(w, at, 0, 1, weight)
        elif kind in (BRANCH_K, BRANCH_1, STORE_K, GLOBAL_SET, RETURN_ONE):
            use(w, at, 0, 0, weight)
        elif kind == ENTER_CLEAR:
            clear(w, field(w, at, 0), field(w, at, 3))
        elif kind in (CALL, CALL_INDIRECT, CALL_REF, HANDLER):
            left += weight
        elif kind == TABLE:
            use(w, at, 0, 0, weight)
        at += length(w, at, row)
    return left


@kernel("wii:i")
def clear(w: Work, first: int, slots: int) -> int:
    """These are written at the start."""
    i = 0
    while i < slots:
        w.written[first + i] = 1
        i += 1
    return 0


@kernel("wi:i")
def pin(w: Work, least: int) -> int:
    """Give registers to the slots that are used most, if they are used more often than ``least``."""
    general = 0
    vector = 0
    pinned = 0
    searching = 1
    while searching:
        best = -1
        most = least
        slot = 0
        while slot < w.state[FIRST]:
            if w.scores[slot] > most and w.pins[slot] < 0 and w.types[slot]:
                room = vector < VECTOR_PINS if w.types[slot] >= F32 else general < GENERAL_PINS
                if room:
                    best = slot
                    most = w.scores[slot]
            slot += 1
        if best < 0:
            searching = 0
        elif w.types[best] >= F32:
            w.pins[best] = VECTORS + vector
            vector += 1
        else:
            w.pins[best] = general_register(general)
            general += 1
        if best >= 0:
            w.pinned[pinned] = best
            pinned += 1
    w.state[PINNED] = pinned
    return share(w, general, vector)


@kernel("i:i")
def general_register(number: int) -> int:
    """Those of ``registers.PINS``, then the others, those last that most stencils can use."""
    if number < 2:
        return 6 if number == 0 else 12
    if number < 4:
        return 9 if number == 2 else 1
    if number < 6:
        return 2 if number == 4 else 0
    return 8 if number == 6 else 11


@kernel("wii:i")
def share(w: Work, general: int, vector: int) -> int:
    """What is left is for everything else."""
    at = 0
    i = 7
    while i >= general:
        w.pool[at] = general_register(i)
        at += 1
        i -= 1
    w.pool[at] = -1
    at += 1
    i = 7
    while i >= vector:
        w.pool[at] = VECTORS + i
        at += 1
        i -= 1
    w.pool[at] = -1
    return 0
