"""One function: threaded code to stencils, instruction by instruction.

Pinned slots are in their registers at every label, and everything else is in memory there; so code can be
entered at a label from elsewhere once the pinned slots are loaded. Before a handler runs, everything is in
memory; pinned slots are loaded again when they are needed.
"""

from __future__ import annotations

from vm.module.kernel.restricted import kernel
from vm.tiers.baseline.allocation import (
    arrive,
    consume,
    drop,
    emit,
    flush,
    leave_to,
    load,
    lose_pins,
    need,
    settle_pins,
)
from vm.tiers.baseline.instructions import (
    access_load,
    access_store,
    access_store_k,
    avoided,
    binary,
    binary_k,
    branch,
    branch_1,
    branch_k,
    const,
    copy,
    global_get,
    global_set,
    jump,
    leave_all,
    place,
    return_many,
    return_one,
    select,
    unary,
    zero,
)
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
    ENDS,
    ENTER,
    ENTER_CLEAR,
    FORMS,
    GLOBAL_GET,
    GLOBAL_SET,
    HOLE_3,
    I32,
    I64,
    JUMP,
    KIND,
    LOAD,
    RECORD_CELLS,
    RETURN,
    RETURN_ONE,
    SELECT,
    STORE,
    STORE_K,
    TABLE,
    UNARY,
)
from vm.tiers.baseline.survey import STUB, count, destination, field, length, look, pin, shape
from vm.tiers.baseline.work import (
    BASE,
    DEAD,
    END,
    ENTER_FRAME,
    FAULT,
    HERE,
    JUMP_TO,
    LEAVE,
    LOCKED,
    LOW,
    MOST_RECORDS,
    PINNED,
    POSITION,
    RECORDS,
    STARTS,
    TOO_MANY_RECORDS,
    Work,
)

_FAR = 0x7FFF_0000
"""Offsets from here on are left to the handlers."""

_MARGIN = 200 * RECORD_CELLS
"""More than any instruction takes, with the label in front of it."""

_MANY = 24
"""Locals that are cleared one by one."""


@kernel("w:i")
def compile_function(w: Work) -> int:
    """The records of a function's code; 0, or what went wrong."""
    look(w)
    pin(w, 1 + 2 * min(count(w), 1 << 20))
    w.entries[0] = 1
    at = 0
    while at < w.state[END] and w.state[FAULT] == 0:
        if w.state[RECORDS] > w.state[MOST_RECORDS] - _MARGIN:
            w.state[FAULT] = TOO_MANY_RECORDS
        if w.marks[at] or w.doors[at]:
            label(w, at)
        row = shape(w, at)
        start(w, at)
        instruction(w, row, at)
        at += length(w, at, row)
    return lay_doors(w)


@kernel("wi:i")
def label(w: Work, at: int) -> int:
    """Jumps arrive here."""
    if w.state[DEAD] == 0:
        flush(w, w.marks[at] - 1)
        settle_pins(w)
    arrive(w)
    w.state[DEAD] = 0
    w.labels[at] = w.state[POSITION] + 1
    return 0


@kernel("wi:i")
def start(w: Work, at: int) -> int:
    """An instruction begins."""
    number = w.state[STARTS]
    w.starts[2 * number] = w.state[POSITION]
    w.starts[2 * number + 1] = at
    w.state[STARTS] = number + 1
    w.state[HERE] = at
    w.state[LOCKED] = 0
    return 0


@kernel("wii:i")
def instruction(w: Work, row: int, at: int) -> int:
    """One instruction."""
    kind = w.shapes[row + KIND]
    if kind == BINARY:
        return binary(w, row, at)
    if kind == BINARY_K:
        return binary_k(w, row, at)
    if kind == UNARY:
        return unary(w, row, at)
    if kind == COPY:
        return copy(w, at)
    if kind == CONST:
        return const(w, at)
    if kind in (LOAD, STORE, STORE_K):
        return access(w, row, at, kind)
    if kind in (BRANCH, BRANCH_K, BRANCH_1):
        return conditional(w, row, at, kind)
    if kind == SELECT:
        return select(w, row, at)
    if kind == GLOBAL_GET:
        return global_get(w, row, at)
    if kind == GLOBAL_SET:
        return global_set(w, row, at)
    if kind in (CALL, CALL_REF):
        return call(w, row, at, kind)
    if kind == CALL_INDIRECT and w.code[at + 3] < _FAR:
        return call(w, row, at, kind)
    if kind == ENTER:
        return emit(w, w.fixed[ENTER_FRAME], 0, 8 * field(w, at, 2), 0, 0, 0)
    if kind == ENTER_CLEAR and field(w, at, 3) <= _MANY:
        return enter_clear(w, at)
    return ending(w, row, at, kind)


@kernel("wiii:i")
def access(w: Work, row: int, at: int, kind: int) -> int:
    """A load or store."""
    if not 0 <= w.code[at + 2] < _FAR:
        return handler(w, row, at)
    if kind == LOAD:
        return access_load(w, row, at)
    if kind == STORE:
        return access_store(w, row, at)
    return access_store_k(w, row, at)


@kernel("wiii:i")
def conditional(w: Work, row: int, at: int, kind: int) -> int:
    """A branch."""
    target = destination(w, at, kind)
    if kind == BRANCH:
        return branch(w, row, at, target)
    if kind == BRANCH_K:
        return branch_k(w, row, at, target)
    return branch_1(w, row, at, target)


@kernel("wiii:i")
def ending(w: Work, row: int, at: int, kind: int) -> int:
    """What is not followed by the next instruction; or a handler."""
    if kind == JUMP:
        jump(w, destination(w, at, kind))
    elif kind == RETURN:
        return_many(w)
    elif kind == RETURN_ONE:
        return_one(w, at)
    elif kind == TABLE:
        table_jump(w, row, at)
    elif kind == ENDS:
        hand_over(w, at)
    elif kind == COUNT:
        return count_down(w, row, at)
    else:
        return handler(w, row, at)
    w.state[DEAD] = 1
    return 0


@kernel("wi:i")
def hand_over(w: Work, at: int) -> int:
    """Have the threaded tier's handler run an instruction; it goes on by the words that this one names."""
    leave_all(w)
    return emit(w, w.fixed[LEAVE], 0, 0, 0, w.state[BASE] + 8 * at, leave_to(w, w.code[at], -1))


@kernel("wii:i")
def handler(w: Work, row: int, at: int) -> int:
    """As ``hand_over``; it comes back by the word behind it."""
    hand_over(w, at)
    return come_back(w, at + length(w, at, row))


@kernel("wi:i")
def come_back(w: Work, at: int) -> int:
    """Code goes on here, with everything in memory."""
    drop(w)
    lose_pins(w)
    w.entries[at] = w.state[POSITION] + 1
    return 0


@kernel("wiii:i")
def call(w: Work, row: int, at: int, kind: int) -> int:
    """A call; when there is no code, the handler does it, with all operands in memory."""
    callee = 0
    if kind != CALL:
        callee = place(need(w, field(w, at, 2), I64, avoided(w, w.shapes[row + FORMS])), 0, 0)
    leave_all(w)
    back = at + length(w, at, row)
    record = w.state[RECORDS]
    miss = leave_to(w, w.code[at], at)
    where = field(w, at, 3 if kind == CALL_INDIRECT else 2)
    emit(w, w.shapes[row + FORMS], callee, 8 * field(w, at, 0), where, w.state[BASE] + 8 * back, miss)
    if kind == CALL_INDIRECT:
        w.records[record + HOLE_3] = w.code[at + 3]
    return come_back(w, back)


@kernel("wii:i")
def table_jump(w: Work, row: int, at: int) -> int:
    """A jump to one of many places."""
    x = need(w, field(w, at, 0), I32, avoided(w, w.shapes[row + FORMS]))
    consume(w, field(w, at, 0))
    top = 0
    label = at + 2
    end = at + length(w, at, row)
    while label < end:
        top = max(top, w.marks[at + (w.code[label] >> 3)])
        label += 1
    flush(w, top - 1)
    settle_pins(w)
    return emit(w, w.shapes[row + FORMS], place(x, 0, 0), field(w, at, 1), 0, 0, at)


@kernel("wi:i")
def enter_clear(w: Work, at: int) -> int:
    """The frame, and locals that begin as 0."""
    emit(w, w.fixed[ENTER_FRAME], 0, 8 * field(w, at, 2), 0, 0, 0)
    first, slots = field(w, at, 0), field(w, at, 3)
    i = 0
    while i < slots:
        zero(w, first + i)
        i += 1
    return 0


@kernel("wii:i")
def count_down(w: Work, row: int, at: int) -> int:
    """Count how often code runs; when that is enough, the handler asks where to go on."""
    flush(w, LOW)
    settle_pins(w)
    return emit(w, w.shapes[row + FORMS], 0, 0, 0, w.state[BASE] + 8 * (at + 2), at + 1)


@kernel("wi:i")
def lay_stub(w: Work, at: int) -> int:
    """Where that leads to, with registers as at a label: pinned slots that may have changed go to memory, and
    the handler runs.
    """
    w.labels[at] = w.state[POSITION] + 1
    arrive(w)
    return hand_over(w, at - 1)


@kernel("w:i")
def lay_doors(w: Work) -> int:
    """Behind the code: where it is entered at labels with everything in memory."""
    at = 0
    while at <= w.state[END] and w.state[FAULT] == 0:
        if w.state[RECORDS] > w.state[MOST_RECORDS] - _MARGIN:
            w.state[FAULT] = TOO_MANY_RECORDS
        if w.doors[at] == STUB:
            lay_stub(w, at)
        elif w.doors[at] and w.entries[at] == 0 and w.labels[at]:
            w.entries[at] = w.state[POSITION] + 1
            i = 0
            while i < w.state[PINNED]:
                slot = w.pinned[i]
                load(w, slot, w.pins[slot])
                i += 1
            emit(w, w.fixed[JUMP_TO], 0, 0, 0, 0, at)
        at += 1
    return w.state[FAULT]
