"""Which value is in which register.

Hot locals have a register for the whole function; between calls and labels other slots' values stay in the
registers that they were computed in, as long as there is room, and go to their slots only when they must: an
operand that is consumed before never does.
"""

from __future__ import annotations

from vm.module.kernel.restricted import kernel
from vm.tiers.baseline.kinds import (
    A_SHIFT,
    B_SHIFT,
    D_SHIFT,
    F32,
    F64,
    FIRST_EXIT,
    HOLE_0,
    HOLE_1,
    HOLE_2,
    HOLE_3,
    RECORD_CELLS,
    SIZE,
    STENCIL,
    STENCIL_CELLS,
    TARGET,
    TRAP_CODES,
    TRAPS,
)
from vm.tiers.baseline.registers import VECTORS
from vm.tiers.baseline.work import (
    EXITS,
    FAULT,
    FIRST,
    HERE,
    LOAD_F,
    LOAD_I,
    LOCKED,
    MOVE_FF,
    MOVE_FI,
    MOVE_IF,
    MOVE_II,
    PINNED,
    POSITION,
    RECORDS,
    STORE_F32,
    STORE_F64,
    STORE_I,
    TOO_FEW_REGISTERS,
    TURN,
    Work,
)


@kernel("wiiiiii:i")
def emit(w: Work, stencil: int, registers: int, hole_0: int, hole_1: int, hole_2: int, target: int) -> int:
    """Append a stencil; ``target`` is the word that it jumps to, or the complement of an exit's number."""
    at = w.state[RECORDS]
    w.state[RECORDS] = at + RECORD_CELLS
    w.records[at + STENCIL] = stencil | registers
    w.records[at + HOLE_0] = hole_0
    w.records[at + HOLE_1] = hole_1
    w.records[at + HOLE_2] = hole_2
    w.records[at + HOLE_3] = 0
    w.records[at + TARGET] = target
    w.records[at + FIRST_EXIT] = w.state[EXITS]
    row = stencil * STENCIL_CELLS
    w.state[POSITION] += w.stencils[row + SIZE]
    count = w.stencils[row + TRAPS]
    i = 0
    while i < count:
        leave_to(w, w.raisers[w.stencils[row + TRAP_CODES + i]], w.state[HERE])
        i += 1
    return 0


@kernel("wii:i")
def leave_to(w: Work, handler: int, word: int) -> int:
    """A new exit; gives the complement of its number."""
    number = w.state[EXITS]
    w.exits[2 * number] = handler
    w.exits[2 * number + 1] = word
    w.state[EXITS] = number + 1
    return -1 - number


@kernel("wiiiii:i")
def put(w: Work, fixed: int, a: int, b: int, d: int, hole: int) -> int:
    """Append one of the fixed stencils."""
    registers = (a & 15) << A_SHIFT | (b & 15) << B_SHIFT | (d & 15) << D_SHIFT
    return emit(w, w.fixed[fixed], registers, hole, hole, hole, 0)


@kernel("i:i")
def is_vector(register: int) -> int:
    """Whether it is a vector register."""
    return 1 if register >= VECTORS else 0


@kernel("wi:i")
def store(w: Work, register: int) -> int:
    """Let the slot of what a register holds have it, too."""
    fixed = STORE_I
    if register >= VECTORS:
        fixed = STORE_F32 if w.kind[register] == F32 else STORE_F64
    w.dirty[register] = 0
    return put(w, fixed, register, 0, 0, 8 * w.held[register])


@kernel("wi:i")
def forget(w: Work, register: int) -> int:
    """A register no longer holds anything."""
    slot = w.held[register]
    if slot >= 0:
        w.where[slot] = -1
    w.held[register] = -1
    w.dirty[register] = 0
    return 0


@kernel("wiiii:i")
def bind(w: Work, slot: int, register: int, type: int, dirty: int) -> int:
    """A register holds a slot's value from now on; what held it before does not."""
    before = w.where[slot]
    if before >= 0 and before != register:
        forget(w, before)
    w.where[slot] = register
    w.held[register] = slot
    w.kind[register] = type
    w.dirty[register] = dirty
    return 0


@kernel("wii:i")
def move(w: Work, source: int, target: int) -> int:
    """Copy between registers of any classes."""
    if source == target:
        return 0
    if source >= VECTORS:
        return put(w, MOVE_FF if target >= VECTORS else MOVE_FI, source, 0, target, 0)
    return put(w, MOVE_IF if target >= VECTORS else MOVE_II, source, 0, target, 0)


@kernel("wii:i")
def load(w: Work, slot: int, register: int) -> int:
    """Get a slot's value from memory."""
    return put(w, LOAD_F if register >= VECTORS else LOAD_I, 0, 0, register, 8 * slot)


@kernel("wi:i")
def lock(w: Work, register: int) -> int:
    """Keep a register for the present instruction."""
    w.state[LOCKED] |= 1 << register
    return register


@kernel("wii:i")
def take(w: Work, vector: int, avoided: int) -> int:
    """A register that nothing is in, locked; another value may have to give way."""
    first = 0
    if vector:
        while w.pool[first] >= 0:
            first += 1
        first += 1
    unusable = w.state[LOCKED] | avoided
    at = first
    while w.pool[at] >= 0:
        register = w.pool[at]
        if w.held[register] < 0 and unusable >> register & 1 == 0:
            return lock(w, register)
        at += 1
    count = at - first
    tried = 0
    while tried < count:
        w.state[TURN] += 1
        register = w.pool[first + w.state[TURN] % count]
        if unusable >> register & 1 == 0:
            if w.dirty[register]:
                store(w, register)
            forget(w, register)
            return lock(w, register)
        tried += 1
    w.state[FAULT] = TOO_FEW_REGISTERS
    return lock(w, w.pool[first])


@kernel("wii:i")
def fetch(w: Work, slot: int, vector: int) -> int:
    """The register of this class that a slot's value is in, or -1 when it is in memory."""
    register = w.where[slot]
    if register < 0:
        register = w.pins[slot]
        if register < 0 or is_vector(register) != vector:
            return -1
        load(w, slot, register)
        bind(w, slot, register, w.types[slot], 0)
        return register
    if is_vector(register) == vector:
        return register
    if w.dirty[register]:
        store(w, register)
    if w.pins[slot] < 0:
        forget(w, register)
    return -1


@kernel("wiii:i")
def need(w: Work, slot: int, type: int, avoided: int) -> int:
    """A slot's value in a register for the present instruction."""
    vector = 1 if type >= F32 else 0
    register = fetch(w, slot, vector)
    if register >= 0 and avoided >> register & 1 == 0:
        return lock(w, register)
    if register >= 0:
        lock(w, register)
    found = take(w, vector, avoided)
    if register >= 0:
        move(w, register, found)
        return found
    load(w, slot, found)
    if w.pins[slot] < 0:
        bind(w, slot, found, type, 0)
    return found


@kernel("wi:i")
def consume(w: Work, slot: int) -> int:
    """An operand that was read for the last time needs no place any more."""
    if slot >= w.state[FIRST]:
        register = w.where[slot]
        if register >= 0:
            forget(w, register)
    return 0


@kernel("wii:i")
def target_for(w: Work, slot: int, vector: int) -> int:
    """The register for a result, if it has one for good: else -1."""
    register = w.pins[slot]
    if register >= 0 and is_vector(register) == vector:
        return register
    return -1


@kernel("wiii:i")
def finish(w: Work, slot: int, register: int, type: int) -> int:
    """What an instruction computed for a slot is in a register.

    A pinned slot may get a value of another type than its local's only as a result of the function.
    """
    pin = w.pins[slot]
    if pin < 0:
        return bind(w, slot, register, type, 1)
    if register >= VECTORS > pin:
        if w.where[slot] >= 0:
            forget(w, pin)
        return put(w, STORE_F32 if type == F32 else STORE_F64, register, 0, 0, 8 * slot)
    if pin != register:
        move(w, register, pin)
    if pin >= VECTORS > register:
        type = F64
    return bind(w, slot, pin, type, 1)


@kernel("wi:i")
def flush(w: Work, top: int) -> int:
    """Write operands below slot ``top``, and locals without a register, to their slots; they stay, too."""
    at = 0
    ends = 0
    while ends < 2:
        register = w.pool[at]
        at += 1
        if register < 0:
            ends += 1
        elif w.held[register] >= 0 and w.dirty[register] and w.held[register] < top:
            store(w, register)
    return 0


@kernel("w:i")
def drop(w: Work) -> int:
    """Registers that are nobody's own hold nothing any more."""
    at = 0
    ends = 0
    while ends < 2:
        register = w.pool[at]
        at += 1
        if register < 0:
            ends += 1
        elif w.held[register] >= 0:
            forget(w, register)
    return 0


@kernel("w:i")
def settle_pins(w: Work) -> int:
    """All pinned slots are in their registers."""
    i = 0
    while i < w.state[PINNED]:
        slot = w.pinned[i]
        if w.where[slot] < 0:
            load(w, slot, w.pins[slot])
            bind(w, slot, w.pins[slot], w.types[slot], 0)
        i += 1
    return 0


@kernel("w:i")
def save_pins(w: Work) -> int:
    """All pinned slots have their values in memory."""
    i = 0
    while i < w.state[PINNED]:
        register = w.where[w.pinned[i]]
        if register >= 0 and w.dirty[register]:
            store(w, register)
        i += 1
    return 0


@kernel("w:i")
def lose_pins(w: Work) -> int:
    """Their registers are somebody else's now; they will be loaded when they are needed."""
    i = 0
    while i < w.state[PINNED]:
        register = w.where[w.pinned[i]]
        if register >= 0:
            forget(w, register)
        i += 1
    return 0


@kernel("w:i")
def arrive(w: Work) -> int:
    """The state at every label: pinned slots in their registers, everything else in memory."""
    drop(w)
    i = 0
    while i < w.state[PINNED]:
        slot = w.pinned[i]
        bind(w, slot, w.pins[slot], w.types[slot], w.written[slot])
        i += 1
    return 0
