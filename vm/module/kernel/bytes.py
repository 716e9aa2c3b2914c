"""The cursor over a body: LEB128 numbers as strict as ``vm.module.leb``, indices, types (spec 5.2, 5.3).

A malformed byte is only noted (``MALFORMED``): ``vm.module.instructions.read`` says what is wrong with it.
"""

from __future__ import annotations

from vm.module.kernel.faults import MALFORMED, UNKNOWN
from vm.module.kernel.layout import (
    AT,
    END,
    FAULT,
    FAULT_A,
    FAULT_AT,
    FAULT_B,
    INSTRUCTION,
    SINGLES,
    TYPE_COUNT,
    TYPES,
)
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.words import ANYTHING, BOTTOM, DEFINED, F32, F64, I32, I64, V128, reference


@kernel("wiii:i")
def fail(w: Work, fault: int, a: int, b: int) -> int:
    """Note a fault at the instruction at hand, unless there was one before; gives 0."""
    if w.state[FAULT] == 0:
        w.state[FAULT] = fault
        w.state[FAULT_A] = a
        w.state[FAULT_B] = b
        w.state[FAULT_AT] = w.state[INSTRUCTION]
    return 0


@kernel("w:i")
def byte(w: Work) -> int:
    """One byte; 0 at the end of the body, which is malformed."""
    state = w.state
    at = state[AT]
    if at >= state[END]:
        return fail(w, MALFORMED, 0, 0)
    state[AT] = at + 1
    return w.code[at] & 0xFF


@kernel("wi:i")
def skip(w: Work, count: int) -> int:
    """Move over ``count`` bytes."""
    if w.state[END] - w.state[AT] < count:
        return fail(w, MALFORMED, 0, 0)
    w.state[AT] += count
    return 0


@kernel("w:i")
def u32(w: Work) -> int:
    """An unsigned number of 32 bits."""
    state = w.state
    at = state[AT]
    if at >= state[END]:
        return fail(w, MALFORMED, 0, 0)
    state[AT] = at + 1
    value = w.code[at] & 0xFF
    if value < 0x80:  # nearly all are this short
        return value
    value &= 0x7F
    shift = 7
    while shift < 35:
        part = byte(w)
        value |= (part & 0x7F) << shift
        shift += 7
        if part < 0x80:
            if value >> 32:
                break
            return value
    return fail(w, MALFORMED, 0, 0)


@kernel("w:i")
def u64_is_wide(w: Work) -> int:
    """An unsigned number of 64 bits, of which only this is asked: whether it needs more than 32."""
    state = w.state
    at = state[AT]
    if at < state[END] and w.code[at] < 0x80:
        state[AT] = at + 1
        return 0
    wide = shift = 0
    while shift < 70:
        part = byte(w)
        if shift == 63 and part > 1:
            break
        if shift == 28:
            wide |= (part & 0x7F) >> 4
        elif shift > 28:
            wide |= part & 0x7F
        shift += 7
        if part < 0x80:
            return 1 if wide else 0
    return fail(w, MALFORMED, 0, 0)


@kernel("wi:i")
def signed(w: Work, bits: int) -> int:
    """A signed number of ``bits`` bits; the value counts up to 33 bits."""
    value = shift = 0
    while shift < bits:
        part = byte(w)
        rest = bits - shift
        if rest < 7:  # the last byte: bits beyond the number repeat its sign
            beyond = (part & 0x7F) >> (rest - 1)
            if beyond != 0 and beyond != 0x7F >> (rest - 1):
                break
        if shift < 35:
            value |= (part & 0x7F) << shift
        shift += 7
        if part < 0x80:
            if shift < 42 and part & 0x40:
                value -= 1 << shift
            return value
    return fail(w, MALFORMED, 0, 0)


@kernel("wi:i")
def index(w: Work, space: int) -> int:
    """An index into the space whose size is cell ``space`` of the facts; a fault, and 0, if there is none."""
    found = u32(w)
    if found >= w.facts[space]:
        return fail(w, UNKNOWN, space, found)
    return found


@kernel("wi:i")
def known(w: Work, found: int) -> int:
    """The definition that a type index means."""
    if found >= w.facts[TYPE_COUNT]:
        return fail(w, UNKNOWN, TYPE_COUNT, found)
    return w.facts[w.facts[TYPES] + found]


@kernel("i:i")
def abstract_heap(code: int) -> int:
    """The abstract heap type of a byte, or -1."""
    if code < 0x69 or code > 0x74:
        return -1
    return _HEAPS[code - 0x69]


_HEAPS = (10, 4, 3, 2, 1, 0, 8, 6, 5, 9, 7, 11)
"""exn array struct i31 eq any extern func none noextern nofunc noexn, from byte 0x69 (spec 5.3.3)."""


@kernel("w:i")
def heap_type(w: Work) -> int:
    """A heap type: a byte, or a type index as a signed number of 33 bits."""
    start = w.state[AT]
    heap = abstract_heap(byte(w))
    if heap >= 0:
        return heap
    w.state[AT] = start
    found = signed(w, 33)
    if found < 0:
        fail(w, MALFORMED, 0, 0)
        return BOTTOM
    return DEFINED + known(w, found)


@kernel("w:i")
def value_type(w: Work) -> int:
    """A value type, as a word."""
    code = byte(w)
    if code >= 0x7B and code <= 0x7F:
        return _NUMBERS[code - 0x7B]
    if code == 0x63 or code == 0x64:
        return reference(heap_type(w), 1 if code == 0x63 else 0)
    heap = abstract_heap(code)
    if heap < 0:
        fail(w, MALFORMED, 0, 0)
        return ANYTHING
    return reference(heap, 1)


_NUMBERS = (V128, F64, F32, I64, I32)


@kernel("wi:i")
def single(w: Work, word: int) -> int:
    """Where a list of just this type lies in the facts."""
    return w.facts[SINGLES] + word
