"""Code of each kind of instruction: operands to where a stencil wants them, the stencil, the result."""

from __future__ import annotations

from vm.module.kernel.restricted import kernel
from vm.tiers.baseline.allocation import (
    bind,
    consume,
    emit,
    fetch,
    finish,
    flush,
    forget,
    is_vector,
    load,
    lock,
    move,
    need,
    put,
    save_pins,
    settle_pins,
    store,
    take,
    target_for,
)
from vm.tiers.baseline.kinds import (
    A_SHIFT,
    AVOIDED,
    B_SHIFT,
    D_SHIFT,
    F32,
    F64,
    FORMS,
    I32,
    I64,
    RR2,
    RR3,
    SINGLE,
    STENCIL_CELLS,
    TYPE_A,
    TYPE_B,
    TYPE_D,
    K,
    M,
    R,
)
from vm.tiers.baseline.registers import VECTORS
from vm.tiers.baseline.survey import field
from vm.tiers.baseline.work import (
    CONST_F,
    CONST_Q,
    CONST_W,
    JUMP_TO,
    RESULTS,
    RETURN_NOW,
    STORE_CONSTANT,
    STORE_F32,
    STORE_F64,
    STORE_I,
    ZERO_F,
    ZERO_I,
    Work,
)

_SMALL = 0x7FFF_FFFF


@kernel("iii:i")
def place(a: int, b: int, d: int) -> int:
    """Registers of operands, as a record has them."""
    return (a & 15) << A_SHIFT | (b & 15) << B_SHIFT | (d & 15) << D_SHIFT


@kernel("wi:i")
def avoided(w: Work, stencil: int) -> int:
    """Registers that a stencil's operands must not be in."""
    return w.stencils[stencil * STENCIL_CELLS + AVOIDED]


@kernel("wi:i")
def single(w: Work, stencil: int) -> int:
    """Whether its result may go where an operand is."""
    return w.stencils[stencil * STENCIL_CELLS + SINGLE]


@kernel("ii:i")
def fits(type: int, constant: int) -> int:
    """Whether a constant can be in an instruction."""
    return 1 if type != I64 or 0 <= constant <= _SMALL else 0


@kernel("wii:i")
def constant(w: Work, value: int, register: int) -> int:
    """Put a word into a register."""
    if register >= VECTORS:
        return put(w, CONST_F if value else ZERO_F, 0, 0, register, value)
    if value == 0:
        return put(w, ZERO_I, 0, 0, register, 0)
    return put(w, CONST_W if 0 < value <= 0xFFFF_FFFF else CONST_Q, 0, 0, register, value)


@kernel("i:i")
def vector(type: int) -> int:
    """Whether values of a type are in vector registers."""
    return 1 if type >= F32 else 0


@kernel("wii:i")
def binary(w: Work, row: int, at: int) -> int:
    """Two operands in slots."""
    slot = field(w, at, 2)
    type = w.shapes[row + TYPE_B]
    if fetch(w, slot, vector(type)) < 0 and w.shapes[row + FORMS + RR3 + M] >= 0:
        compute(w, row, at, -1, 8 * slot, M)
        return consume(w, slot) if slot != field(w, at, 0) else 0
    b = need(w, slot, type, unusable(w, row, R))
    consume(w, slot)
    return compute(w, row, at, b, 0, R)


@kernel("wii:i")
def binary_k(w: Work, row: int, at: int) -> int:
    """The second operand is a constant."""
    value = w.code[at + 2]
    type = w.shapes[row + TYPE_B]
    if fits(type, value) and w.shapes[row + FORMS + RR3 + K] >= 0:
        return compute(w, row, at, -1, value, K)
    b = take(w, vector(type), unusable(w, row, R))
    constant(w, value, b)
    return compute(w, row, at, b, 0, R)


@kernel("wii:i")
def unusable(w: Work, row: int, where: int) -> int:
    """Registers that neither form with the second operand there may have."""
    two, three = w.shapes[row + FORMS + RR2 + where], w.shapes[row + FORMS + RR3 + where]
    return avoided(w, three) | (avoided(w, two) if two >= 0 else 0)


@kernel("wiiiii:i")
def compute(w: Work, row: int, at: int, b: int, hole: int, where: int) -> int:
    """The first operand into a register, the instruction, the result."""
    result, a = field(w, at, 0), field(w, at, 1)
    two, three = w.shapes[row + FORMS + RR2 + where], w.shapes[row + FORMS + RR3 + where]
    bad = unusable(w, row, where)
    type = w.shapes[row + TYPE_D]
    x = need(w, a, w.shapes[row + TYPE_A], bad)
    consume(w, a)
    if bad and w.held[x] >= 0 and w.pins[w.held[x]] < 0:  # few registers are left: its value gives way
        if w.dirty[x]:
            store(w, x)
        forget(w, x)
    in_place = 1 if two >= 0 and (x != b or single(w, two)) else single(w, three)
    d = target_for(w, result, vector(type))
    if d >= 0:
        apart = 1 if d != b or single(w, three) else 0
        if bad >> d & 1 or (in_place if d == x else apart) == 0:
            d = -1
    elif in_place and (w.held[x] < 0 or w.held[x] == result) and is_vector(x) == vector(type):
        d = x
    if d < 0:
        d = take(w, vector(type), bad)
    stencil = two if d == x and two >= 0 and (x != b or single(w, two)) else three
    emit(w, stencil, place(x, b, d), hole, hole, 0, 0)
    return finish(w, result, d, type)


@kernel("wii:i")
def unary(w: Work, row: int, at: int) -> int:
    """One operand."""
    result, a = field(w, at, 0), field(w, at, 1)
    type_a, type = w.shapes[row + TYPE_A], w.shapes[row + TYPE_D]
    in_register, in_memory = w.shapes[row + FORMS + R], w.shapes[row + FORMS + M]
    if fetch(w, a, vector(type_a)) < 0 and in_memory >= 0:
        consume(w, a)
        d = target_for(w, result, vector(type))
        if d < 0 or avoided(w, in_memory) >> d & 1:
            d = take(w, vector(type), avoided(w, in_memory))
        emit(w, in_memory, place(0, 0, d), 8 * a, 0, 0, 0)
        return finish(w, result, d, type)
    x = need(w, a, type_a, avoided(w, in_register))
    consume(w, a)
    d = give(w, result, x, in_register, type)
    emit(w, in_register, place(x, 0, d), 0, 0, 0, 0)
    return finish(w, result, d, type)


@kernel("wiiii:i")
def give(w: Work, result: int, x: int, stencil: int, type: int) -> int:
    """A register for what is made of the value in ``x``."""
    d = target_for(w, result, vector(type))
    alone = single(w, stencil)
    if d >= 0:
        if avoided(w, stencil) >> d & 1 or (d == x and alone == 0):
            return take(w, vector(type), avoided(w, stencil))
        return d
    if alone and w.held[x] < 0 and is_vector(x) == vector(type):
        return x
    return take(w, vector(type), avoided(w, stencil))


@kernel("wiii:i")
def branch(w: Work, row: int, at: int, target: int) -> int:
    """Two operands in slots."""
    a, slot = field(w, at, 0), field(w, at, 1)
    type = w.shapes[row + TYPE_B]
    x = need(w, a, w.shapes[row + TYPE_A], 0)
    b = fetch(w, slot, vector(type))
    form = M if b < 0 and w.shapes[row + FORMS + M] >= 0 else R
    if form == R:
        b = need(w, slot, type, 0)
    consume(w, a)
    consume(w, slot)
    return fork(w, w.shapes[row + FORMS + form], place(x, b, 0), 8 * slot, target)


@kernel("wiii:i")
def branch_k(w: Work, row: int, at: int, target: int) -> int:
    """The second operand is a constant."""
    a, value = field(w, at, 0), w.code[at + 2]
    type = w.shapes[row + TYPE_B]
    x = need(w, a, w.shapes[row + TYPE_A], 0)
    consume(w, a)
    if fits(type, value) and w.shapes[row + FORMS + K] >= 0:
        return fork(w, w.shapes[row + FORMS + K], place(x, 0, 0), value, target)
    b = take(w, vector(type), 0)
    constant(w, value, b)
    return fork(w, w.shapes[row + FORMS + R], place(x, b, 0), 0, target)


@kernel("wiii:i")
def branch_1(w: Work, row: int, at: int, target: int) -> int:
    """One operand; one of 64 bits may be needed again (``br_on_null``)."""
    a = field(w, at, 0)
    type = w.shapes[row + TYPE_A]
    x = fetch(w, a, vector(type))
    if x < 0 and w.shapes[row + FORMS + M] >= 0:
        return fork(w, w.shapes[row + FORMS + M], 0, 8 * a, target)
    x = need(w, a, type, 0)
    if type != I64:
        consume(w, a)
    return fork(w, w.shapes[row + FORMS + R], place(x, 0, 0), 0, target)


@kernel("wiiii:i")
def fork(w: Work, stencil: int, registers: int, hole: int, target: int) -> int:
    """Branch, with everything where the label expects it."""
    flush(w, w.marks[target] - 1)
    settle_pins(w)
    return emit(w, stencil, registers, hole, hole, 0, target)


@kernel("wi:i")
def jump(w: Work, target: int) -> int:
    """As ``fork``, always."""
    return fork(w, w.fixed[JUMP_TO], 0, 0, target)


# memory


@kernel("wii:i")
def access_load(w: Work, row: int, at: int) -> int:
    """A load."""
    result, a = field(w, at, 0), field(w, at, 1)
    stencil, type = w.shapes[row + FORMS], w.shapes[row + TYPE_D]
    x = need(w, a, I32, avoided(w, stencil))
    consume(w, a)
    d = give(w, result, x, stencil, type)
    emit(w, stencil, place(x, 0, d), w.code[at + 2], 0, 0, 0)
    return finish(w, result, d, type)


@kernel("wii:i")
def access_store(w: Work, row: int, at: int) -> int:
    """A store of a slot's value."""
    a, slot = field(w, at, 0), field(w, at, 1)
    stencil = w.shapes[row + FORMS + R]
    x = need(w, a, I32, avoided(w, stencil))
    value = need(w, slot, w.shapes[row + TYPE_B], avoided(w, stencil))
    consume(w, a)
    consume(w, slot)
    return emit(w, stencil, place(x, value, 0), w.code[at + 2], 0, 0, 0)


@kernel("wii:i")
def access_store_k(w: Work, row: int, at: int) -> int:
    """A store of a constant."""
    a, constant_value, type = field(w, at, 0), w.code[at + 3], w.shapes[row + TYPE_B]
    with_constant, stencil = w.shapes[row + FORMS + K], w.shapes[row + FORMS + R]
    x = need(w, a, I32, avoided(w, stencil))
    consume(w, a)
    if with_constant >= 0 and fits(type, constant_value):
        return emit(w, with_constant, place(x, 0, 0), w.code[at + 2], constant_value, 0, 0)
    value = take(w, vector(type), avoided(w, stencil))
    constant(w, constant_value, value)
    return emit(w, stencil, place(x, value, 0), w.code[at + 2], 0, 0, 0)


# moves


@kernel("wi:i")
def copy(w: Work, at: int) -> int:
    """A word from slot to slot, whatever it is."""
    result, a = field(w, at, 0), field(w, at, 1)
    x = w.where[a]
    if x < 0:
        x = fetch(w, a, 1 if w.pins[a] >= VECTORS else 0)
    d = w.pins[result]
    if x >= 0:
        lock(w, x)
        if d >= 0:
            return finish(w, result, x, w.kind[x])
        d = take(w, is_vector(x), 0)
        move(w, x, d)
        return bind(w, result, d, w.kind[x], 1)
    if d < 0:
        d = take(w, 0, 0)
    load(w, a, d)
    return finish(w, result, d, I64)


@kernel("wi:i")
def const(w: Work, at: int) -> int:
    """A word."""
    result = field(w, at, 0)
    d = w.pins[result]
    if d < 0:
        d = take(w, 0, 0)
    constant(w, w.code[at + 2], d)
    return finish(w, result, d, I64)


@kernel("wii:i")
def select(w: Work, row: int, at: int) -> int:
    """The first operand if the third is not 0, else the second."""
    result, a, b, condition = field(w, at, 0), field(w, at, 1), field(w, at, 2), field(w, at, 3)
    floats = 1 if max(w.pins[result], w.pins[a], w.pins[b], w.where[a], w.where[b]) >= VECTORS else 0
    type = F64 if floats else I64
    x = need(w, a, type, 0)
    y = need(w, b, type, 0)
    kind = F32 if floats and (w.kind[x] == F32 or w.kind[y] == F32) else type
    c = need(w, condition, I32, 0)
    consume(w, a)
    consume(w, b)
    consume(w, condition)
    d = x
    if w.held[x] >= 0 or x == y:
        d = take(w, floats, 0)
        move(w, x, d)
    emit(w, w.shapes[row + FORMS + floats], place(d, y, c), 0, 0, 0, 0)
    return finish(w, result, d, kind)


@kernel("wii:i")
def global_get(w: Work, row: int, at: int) -> int:
    """A global's word."""
    result = field(w, at, 0)
    d = w.pins[result]
    floats = 1 if d >= VECTORS else 0
    if d < 0:
        d = take(w, 0, 0)
    emit(w, w.shapes[row + FORMS + floats], place(0, 0, d), field(w, at, 1), 0, 0, 0)
    return finish(w, result, d, F64 if floats else I64)


@kernel("wii:i")
def global_set(w: Work, row: int, at: int) -> int:
    """A word to a global."""
    slot = field(w, at, 0)
    x = w.where[slot]
    if x < 0:
        x = need(w, slot, F64 if w.pins[slot] >= VECTORS else I64, 0)
    form = 0
    if x >= VECTORS:
        form = 1 if w.kind[x] == F32 else 2
    consume(w, slot)
    return emit(w, w.shapes[row + FORMS + form], place(x, 0, 0), field(w, at, 1), 0, 0, 0)


# returning


@kernel("w:i")
def return_many(w: Work) -> int:
    """The results are in the frame's first slots."""
    slot = 0
    while slot < w.state[RESULTS]:
        register = w.where[slot]
        if register >= 0 and w.dirty[register]:
            store(w, register)
        slot += 1
    return put(w, RETURN_NOW, 0, 0, 0, 0)


@kernel("wi:i")
def return_one(w: Work, at: int) -> int:
    """One word, which goes to the frame's first slot."""
    slot = field(w, at, 0)
    x = w.where[slot]
    if x < 0 and slot:
        x = need(w, slot, F64 if w.pins[slot] >= VECTORS else I64, 0)
    if x >= 0:
        fixed = STORE_I
        if x >= VECTORS:
            fixed = STORE_F32 if w.kind[x] == F32 else STORE_F64
        put(w, fixed, x, 0, 0, 0)
    return put(w, RETURN_NOW, 0, 0, 0, 0)


@kernel("wi:i")
def zero(w: Work, slot: int) -> int:
    """A local begins as 0."""
    register = w.pins[slot]
    if register < 0:
        return emit(w, w.fixed[STORE_CONSTANT], 0, 8 * slot, 0, 0, 0)
    constant(w, 0, register)
    return bind(w, slot, register, w.types[slot], 1)


@kernel("w:i")
def leave_all(w: Work) -> int:
    """Everything to memory, before code runs that is not this function's."""
    flush(w, _SMALL)
    return save_pins(w)
