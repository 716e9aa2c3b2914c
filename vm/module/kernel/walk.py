"""The walk over bodies: one rule an instruction, chosen by the opcode table."""

from __future__ import annotations

from vm.module.kernel.bytes import byte, fail, signed, single, skip, u32, value_type
from vm.module.kernel.control import open_block
from vm.module.kernel.faults import BEHIND_END, MALFORMED, NO_END, NOT_CONSTANT, TOO_MANY_LOCALS
from vm.module.kernel.layout import (
    AT,
    BLOCKS,
    CLAUSES,
    CLOSED,
    CONSTANT,
    DEFINED_RESULT_COUNT,
    DEFINED_RESULTS,
    END,
    ENTRIES,
    FAULT,
    FIELD_COUNT,
    FIELDS,
    FUNCTION,
    FUNCTIONS,
    HANDLERS,
    HEIGHT,
    INSTRUCTION,
    KEPT_EXCEPTIONS,
    LANES,
    LARGEST_SUB,
    LOCALS,
    MOST_OPERANDS,
    OPCODE_CELLS,
    OPERANDS,
    PAGE_FB,
    PAGE_FC,
    PAGE_FD,
    PAGE_FE,
    RULE,
    SCOPE,
    SETS,
    TRIES,
    UNREACHABLE,
)
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.rules_control import control_rule
from vm.module.kernel.rules_exceptions import exception_rule
from vm.module.kernel.rules_memory import access_rule, lane_rule, memory_rule, operands_of
from vm.module.kernel.rules_objects import object_rule
from vm.module.kernel.rules_references import reference_rule
from vm.module.kernel.rules_variables import variable_rule
from vm.module.kernel.words import REFERENCE, definition
from vm.module.limits import MAX_LOCALS

WORK = Work
BYTES = ("code",)
EXPORTS = ("check_body", "check_bodies")
"""What the machine code of the kernel is made of (``vm.native.restricted``)."""

# rules that the row of the opcode table says all about, by immediate
PLAIN = 1
ACCESSES = 2
I32_NUMBER = 3
I64_NUMBER = 4
BYTES_4 = 5
BYTES_8 = 6
BYTES_16 = 7
LANE = 8
SHUFFLE = 9
FENCE = 10
ATOMIC_ACCESSES = 11


@kernel("w:i")
def opcode(w: Work) -> int:
    """Where the row of the next instruction lies in the opcode table."""
    code = byte(w)
    if code < 0xFB:
        return OPCODE_CELLS * code
    if code == 0xFF:
        return OPCODE_CELLS * code
    sub = u32(w)
    if sub > LARGEST_SUB or (sub > 0xFF and code != 0xFD):
        return OPCODE_CELLS * 0xFF
    if code == 0xFB:
        return OPCODE_CELLS * (PAGE_FB + sub)
    if code == 0xFC:
        return OPCODE_CELLS * (PAGE_FC + sub)
    if code == 0xFD:
        return OPCODE_CELLS * (PAGE_FD + sub)
    return OPCODE_CELLS * (PAGE_FE + sub)


@kernel("wii:i")
def plain_rule(w: Work, rule: int, row: int) -> int:
    """An instruction whose operands do not depend on context; first what its immediate is."""
    if rule == I32_NUMBER:
        signed(w, 32)
    elif rule == I64_NUMBER:
        signed(w, 64)
    elif rule == BYTES_4:
        skip(w, 4)
    elif rule == BYTES_8:
        skip(w, 8)
    elif rule == BYTES_16:
        skip(w, 16)
    elif rule == LANE:
        lane_rule(w, w.opcodes[row + LANES], 1)
    elif rule == SHUFFLE:
        lane_rule(w, w.opcodes[row + LANES], 16)
    elif rule == FENCE and byte(w) != 0:
        fail(w, MALFORMED, 0, 0)
    return operands_of(w, row)


@kernel("w:i")
def instruction(w: Work) -> int:
    """One instruction."""
    row = opcode(w)
    rule = w.opcodes[row + RULE]
    if rule == 0:
        return fail(w, MALFORMED, 0, 0)
    if w.state[SCOPE] >= 0 and w.opcodes[row + CONSTANT] == 0:
        return fail(w, NOT_CONSTANT, 0, 0)
    if rule == ACCESSES:
        return access_rule(w, row, 0)
    if rule == ATOMIC_ACCESSES:
        return access_rule(w, row, 1)
    if rule < ATOMIC_ACCESSES:
        return plain_rule(w, rule, row)
    if rule < 20:
        return variable_rule(w, rule)
    if rule < 60:
        return control_rule(w, rule)
    if rule < 80:
        return memory_rule(w, rule)
    if rule < 93:
        return reference_rule(w, rule)
    if rule < 120:
        return object_rule(w, rule)
    return exception_rule(w, rule)


@kernel("wi:i")
def declare(w: Work, number: int) -> int:
    """The locals of a function: its parameters, then the declarations at the cursor."""
    w.state[LOCALS] = 0
    count = definition(w, number, FIELD_COUNT)
    i = 0
    while i < count:
        add_locals(w, 1, w.facts[definition(w, number, FIELDS) + i])
        w.unset[i] = 0
        i += 1
    runs = u32(w)
    while runs > 0 and w.state[FAULT] == 0:
        count = u32(w)
        add_locals(w, count, value_type(w))
        runs -= 1
    return 0


@kernel("wii:i")
def add_locals(w: Work, count: int, word: int) -> int:
    """Append ``count`` locals of one type."""
    i = w.state[LOCALS]
    end = i + count
    if end > MAX_LOCALS:
        return fail(w, TOO_MANY_LOCALS, end, 0)
    unset = 1 if word >= REFERENCE and not word & 1 else 0
    while i < end:
        w.locals[i] = word
        w.unset[i] = unset
        i += 1
    w.state[LOCALS] = end
    return 0


@kernel("wii:i")
def begin(w: Work, start: int, end: int) -> int:
    """Put the cursor in front of a body, or of a constant expression, of which nothing is known yet."""
    state = w.state
    state[AT] = start
    state[END] = end
    state[INSTRUCTION] = start
    state[FAULT] = 0
    state[SCOPE] = -1
    return 0


@kernel("wii:i")
def walk(w: Work, results: int, count: int) -> int:
    """Check what stands at the cursor and leaves these results; gives its fault, or 0."""
    state = w.state
    state[OPERANDS] = 0
    state[MOST_OPERANDS] = 0
    state[HEIGHT] = 0
    state[UNREACHABLE] = 0
    state[BLOCKS] = 0
    state[ENTRIES] = 0
    state[SETS] = 0
    state[HANDLERS] = 0
    state[CLOSED] = 0
    state[CLAUSES] = 0
    state[KEPT_EXCEPTIONS] = 0
    state[TRIES] = 0
    open_block(w, FUNCTION, 0, 0, results, count)
    while state[BLOCKS] > 0 and state[FAULT] == 0:
        state[INSTRUCTION] = state[AT]
        if state[AT] < state[END]:
            instruction(w)
        else:
            fail(w, NO_END, 0, 0)
    if state[FAULT] == 0 and state[AT] != state[END]:
        state[INSTRUCTION] = state[AT]
        fail(w, BEHIND_END, state[END] - state[AT], 0)
    return state[FAULT]


@kernel("wiii:i")
def check_body(w: Work, function: int, start: int, end: int) -> int:
    """Check the body of a function, declarations first; gives its fault, or 0."""
    number = w.facts[w.facts[FUNCTIONS] + function]
    begin(w, start, end)
    declare(w, number)
    return walk(w, definition(w, number, DEFINED_RESULTS), definition(w, number, DEFINED_RESULT_COUNT))


@kernel("wiiii:i")
def check_constant(w: Work, wanted: int, start: int, end: int, scope: int) -> int:
    """Check a constant expression that gives one ``wanted`` and may read the first ``scope`` globals."""
    begin(w, start, end)
    w.state[LOCALS] = 0
    w.state[SCOPE] = scope
    return walk(w, single(w, wanted), 1)


@kernel("wii:i")
def check_bodies(w: Work, first: int, count: int) -> int:
    """Check bodies one after the other, whose extents lie in ``Work.extents``.

    Gives how many are without fault before the first that has one.
    """
    done = 0
    while done < count:
        if check_body(w, first + done, w.extents[2 * done], w.extents[2 * done + 1]) != 0:
            return done
        done += 1
    return done
