"""Rules of memories and tables (spec 3.4.5, 3.4.6): addresses have the type of what they go into."""

from __future__ import annotations

from vm.module.kernel.bytes import byte, fail, index, u32, u64_is_wide
from vm.module.kernel.faults import (
    ALIGNMENT,
    EXACT_ALIGNMENT,
    MALFORMED,
    NO_DATA_COUNT,
    NO_LANE,
    OFFSET,
    TABLE_TYPES,
    UNKNOWN,
)
from vm.module.kernel.layout import (
    ACCESS,
    DATA_COUNT,
    ELEMENT_COUNT,
    ELEMENTS,
    LANES,
    MEMORIES,
    MEMORY_COUNT,
    OPERAND_COUNT,
    PARAM_WORDS,
    RESULT_WORDS,
    TABLE_COUNT,
    TABLES,
)
from vm.module.kernel.operands import pop, push, replace
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.words import I32, I64, matches


@kernel("wi:i")
def operands_of(w: Work, row: int) -> int:
    """Pop and push what the row of the opcode table says."""
    opcodes = w.opcodes
    results = opcodes[row + RESULT_WORDS]
    replace(w, opcodes[row + PARAM_WORDS], opcodes[row + OPERAND_COUNT], results & 15)
    return push(w, results >> 4) if results > 15 else 0


@kernel("wii:i")
def memarg(w: Work, access: int, exact: int) -> int:
    """Alignment, memory and offset of an access; gives its address type."""
    flags = u32(w)
    if flags >= 0x80:
        fail(w, MALFORMED, 0, 0)
        return I32
    memory = 0
    if flags & 0x40:
        memory = u32(w)
    alignment = flags & 0x3F
    wide = u64_is_wide(w)
    if memory >= w.facts[MEMORY_COUNT]:
        fail(w, UNKNOWN, MEMORY_COUNT, memory)
        return I32
    if alignment > access:
        fail(w, ALIGNMENT, alignment, access)
    if exact and alignment != access:
        fail(w, EXACT_ALIGNMENT, alignment, access)
    address = w.facts[w.facts[MEMORIES] + memory]
    if wide and address == I32:
        fail(w, OFFSET, 0, 0)
    return address


@kernel("wii:i")
def access_rule(w: Work, row: int, exact: int) -> int:
    """An access: the deepest operand is its address."""
    opcodes = w.opcodes
    address = memarg(w, opcodes[row + ACCESS], exact)
    if opcodes[row + LANES]:
        lane_rule(w, opcodes[row + LANES], 1)
    count = opcodes[row + OPERAND_COUNT]
    words = opcodes[row + PARAM_WORDS] + ((address - I32) << (4 * (count - 1)))
    return replace(w, words, count, opcodes[row + RESULT_WORDS])


@kernel("wii:i")
def lane_rule(w: Work, lanes: int, count: int) -> int:
    """Lane indices, if the instruction has lanes."""
    while lanes > 0 and count > 0:
        lane = byte(w)
        if lane >= lanes:
            fail(w, NO_LANE, lane, lanes)
        count -= 1
    return 0


@kernel("w:i")
def memory_address(w: Work) -> int:
    """The address type of the memory that an index names."""
    return w.facts[w.facts[MEMORIES] + index(w, MEMORY_COUNT)]


@kernel("w:i")
def memory_size_rule(w: Work) -> int:
    """``memory.size``."""
    return push(w, memory_address(w))


@kernel("w:i")
def memory_grow_rule(w: Work) -> int:
    """``memory.grow``."""
    address = memory_address(w)
    pop(w, address)
    return push(w, address)


@kernel("w:i")
def memory_fill_rule(w: Work) -> int:
    """``memory.fill``."""
    address = memory_address(w)
    pop(w, address)
    pop(w, I32)
    pop(w, address)
    return 0


@kernel("w:i")
def memory_copy_rule(w: Work) -> int:
    """``memory.copy``: the length has the smaller of the two address types."""
    target = memory_address(w)
    source = memory_address(w)
    return copied(w, target, source)


@kernel("wii:i")
def copied(w: Work, target: int, source: int) -> int:
    """The operands of a copy between address types."""
    pop(w, I64 if target == I64 and source == I64 else I32)
    pop(w, source)
    pop(w, target)
    return 0


@kernel("w:i")
def data_index(w: Work) -> int:
    """A data segment's index, which needs the count to be announced."""
    if w.facts[DATA_COUNT] < 0:
        return fail(w, NO_DATA_COUNT, 0, 0)
    return index(w, DATA_COUNT)


@kernel("w:i")
def memory_init_rule(w: Work) -> int:
    """``memory.init``."""
    segment = u32(w)
    address = memory_address(w)
    if w.facts[DATA_COUNT] < 0:
        return fail(w, NO_DATA_COUNT, 0, 0)
    if segment >= w.facts[DATA_COUNT]:
        return fail(w, UNKNOWN, DATA_COUNT, segment)
    pop(w, I32)
    pop(w, I32)
    pop(w, address)
    return 0


@kernel("w:i")
def table_at(w: Work) -> int:
    """Where the facts of the table lie that an index names."""
    return w.facts[TABLES] + 2 * index(w, TABLE_COUNT)


@kernel("w:i")
def table_get_rule(w: Work) -> int:
    """``table.get``."""
    at = table_at(w)
    pop(w, w.facts[at + 1])
    return push(w, w.facts[at])


@kernel("w:i")
def table_set_rule(w: Work) -> int:
    """``table.set``."""
    at = table_at(w)
    pop(w, w.facts[at])
    pop(w, w.facts[at + 1])
    return 0


@kernel("w:i")
def table_size_rule(w: Work) -> int:
    """``table.size``."""
    return push(w, w.facts[table_at(w) + 1])


@kernel("w:i")
def table_grow_rule(w: Work) -> int:
    """``table.grow``."""
    at = table_at(w)
    pop(w, w.facts[at + 1])
    pop(w, w.facts[at])
    return push(w, w.facts[at + 1])


@kernel("w:i")
def table_fill_rule(w: Work) -> int:
    """``table.fill``."""
    at = table_at(w)
    pop(w, w.facts[at + 1])
    pop(w, w.facts[at])
    pop(w, w.facts[at + 1])
    return 0


@kernel("w:i")
def table_copy_rule(w: Work) -> int:
    """``table.copy``."""
    target = table_at(w)
    source = table_at(w)
    if matches(w, w.facts[source], w.facts[target]) == 0:
        fail(w, TABLE_TYPES, w.facts[target], w.facts[source])
    return copied(w, w.facts[target + 1], w.facts[source + 1])


@kernel("w:i")
def element_type(w: Work) -> int:
    """The type of the element segment that an index names."""
    return w.facts[w.facts[ELEMENTS] + index(w, ELEMENT_COUNT)]


@kernel("w:i")
def table_init_rule(w: Work) -> int:
    """``table.init``."""
    segment = u32(w)
    at = table_at(w)
    if segment >= w.facts[ELEMENT_COUNT]:
        return fail(w, UNKNOWN, ELEMENT_COUNT, segment)
    found = w.facts[w.facts[ELEMENTS] + segment]
    if matches(w, found, w.facts[at]) == 0:
        fail(w, TABLE_TYPES, w.facts[at], found)
    pop(w, I32)
    pop(w, I32)
    pop(w, w.facts[at + 1])
    return 0


@kernel("w:i")
def drop_data_rule(w: Work) -> int:
    """``data.drop``."""
    data_index(w)
    return 0


@kernel("w:i")
def drop_element_rule(w: Work) -> int:
    """``elem.drop``."""
    index(w, ELEMENT_COUNT)
    return 0


@kernel("wi:i")
def memory_rule(w: Work, rule: int) -> int:
    """A rule of this family, by its number."""
    if rule == 60:
        return memory_size_rule(w)
    if rule == 61:
        return memory_grow_rule(w)
    if rule == 62:
        return memory_fill_rule(w)
    if rule == 63:
        return memory_copy_rule(w)
    if rule == 64:
        return memory_init_rule(w)
    if rule == 65:
        return drop_data_rule(w)
    if rule == 66:
        return drop_element_rule(w)
    if rule == 67:
        return table_get_rule(w)
    if rule == 68:
        return table_set_rule(w)
    if rule == 69:
        return table_size_rule(w)
    if rule == 70:
        return table_grow_rule(w)
    if rule == 71:
        return table_fill_rule(w)
    if rule == 72:
        return table_copy_rule(w)
    return table_init_rule(w)


MEMORY_RULES: dict[str, int] = {
    "memory.size": 60,
    "memory.grow": 61,
    "memory.fill": 62,
    "memory.copy": 63,
    "memory.init": 64,
    "data.drop": 65,
    "elem.drop": 66,
    "table.get": 67,
    "table.set": 68,
    "table.size": 69,
    "table.grow": 70,
    "table.fill": 71,
    "table.copy": 72,
    "table.init": 73,
}
"""The rules' numbers, by instruction name."""
