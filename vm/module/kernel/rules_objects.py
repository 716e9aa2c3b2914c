"""Rules of managed objects: structures and arrays (spec 3.4.8)."""

from __future__ import annotations

from vm.module.kernel.bytes import fail, known, u32
from vm.module.kernel.faults import (
    ARRAY_TYPES,
    IMMUTABLE_ARRAY,
    IMMUTABLE_FIELD,
    NOT_A_STRUCT,
    NOT_AN_ARRAY,
    NOT_DEFAULTABLE,
    NOT_NUMBERS,
    NOT_PACKED,
    PACKED,
    SEGMENT_TYPES,
    UNKNOWN_FIELD,
)
from vm.module.kernel.layout import (
    ALL_DEFAULT,
    DEFINED_KIND,
    FIELD_COUNT,
    FIELDS,
    HEIGHT,
    OPERANDS,
    UNREACHABLE,
)
from vm.module.kernel.operands import pop, push
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.rules_memory import data_index, element_type
from vm.module.kernel.words import (
    ARRAY,
    DEFINED,
    I8,
    I16,
    I32,
    REFERENCE,
    STRUCT,
    definition,
    matches,
    reference,
)


@kernel("i:i")
def unpacked(storage: int) -> int:
    """The type that a field's content has on the stack."""
    return I32 if storage == I8 or storage == I16 else storage


@kernel("i:i")
def defaultable(storage: int) -> int:
    """Whether a field can start as zero or null."""
    return 1 if storage < REFERENCE or storage & 1 else 0


@kernel("wi:i")
def aggregate(w: Work, kind: int) -> int:
    """A type index that must mean a structure, or an array; -1, no definition, if it does not: parameters
    are listed more tightly than fields, and must not be read as such.
    """
    found = u32(w)
    number = known(w, found)
    if definition(w, number, DEFINED_KIND) != kind:
        fail(w, NOT_A_STRUCT if kind == STRUCT else NOT_AN_ARRAY, found, 0)
        return -1
    return number


@kernel("wi:i")
def struct_new_rule(w: Work, default: int) -> int:
    """``struct.new`` and ``struct.new_default``, of thousands of fields, perhaps, in three bytes."""
    number = aggregate(w, STRUCT)
    at, i = definition(w, number, FIELDS), definition(w, number, FIELD_COUNT) - 1
    if default and definition(w, number, ALL_DEFAULT):
        i = -1
    while i >= 0:
        if default == 0 and w.state[UNREACHABLE] and w.state[OPERANDS] <= w.state[HEIGHT]:
            i = 0  # unreachable code makes up all that is left
        storage = w.facts[at + 2 * i]
        if default == 0:
            pop(w, unpacked(storage))
        elif defaultable(storage) == 0:
            fail(w, NOT_DEFAULTABLE, storage, 0)
        i -= 1
    return push(w, reference(DEFINED + number, 0))


@kernel("wii:i")
def read_as(w: Work, at: int, packed: int) -> int:
    """The type that reading a field gives; ``packed``: with a sign."""
    storage = w.facts[at]
    if storage == I8 or storage == I16:
        if packed == 0:
            fail(w, PACKED, storage, 0)
    elif packed:
        fail(w, NOT_PACKED, storage, 0)
    return unpacked(storage)


@kernel("wi:i")
def field(w: Work, number: int) -> int:
    """Where the facts of the field lie that an index names."""
    found = u32(w)
    count = definition(w, number, FIELD_COUNT)
    if found >= count:
        fail(w, UNKNOWN_FIELD, found, count)
        return -1
    return definition(w, number, FIELDS) + 2 * found


@kernel("wi:i")
def struct_get_rule(w: Work, packed: int) -> int:
    """``struct.get``, ``struct.get_s`` and ``struct.get_u``."""
    number = aggregate(w, STRUCT)
    at = field(w, number)
    if at < 0:
        return 0
    pop(w, reference(DEFINED + number, 1))
    return push(w, read_as(w, at, packed))


@kernel("w:i")
def struct_set_rule(w: Work) -> int:
    """``struct.set``."""
    number = aggregate(w, STRUCT)
    at = field(w, number)
    if at < 0:
        return 0
    if w.facts[at + 1] == 0:
        fail(w, IMMUTABLE_FIELD, (at - definition(w, number, FIELDS)) >> 1, 0)
    pop(w, unpacked(w.facts[at]))
    pop(w, reference(DEFINED + number, 1))
    return 0


@kernel("w:i")
def array_type(w: Work) -> int:
    """The definition of an array type; its element is its first field."""
    return aggregate(w, ARRAY)


@kernel("wi:i")
def element_at(w: Work, number: int) -> int:
    """Where the facts of an array type's element lie."""
    return definition(w, number, FIELDS)


@kernel("wi:i")
def array_new_rule(w: Work, default: int) -> int:
    """``array.new`` and ``array.new_default``."""
    number = array_type(w)
    storage = w.facts[element_at(w, number)]
    pop(w, I32)
    if default == 0:
        pop(w, unpacked(storage))
    elif defaultable(storage) == 0:
        fail(w, NOT_DEFAULTABLE, storage, 0)
    return push(w, reference(DEFINED + number, 0))


@kernel("w:i")
def array_new_fixed_rule(w: Work) -> int:
    """``array.new_fixed``."""
    number = array_type(w)
    word = unpacked(w.facts[element_at(w, number)])
    count = u32(w)
    while count > 0 and w.state[OPERANDS] > w.state[HEIGHT]:
        pop(w, word)
        count -= 1
    if count > 0:
        pop(w, word)  # a fault, or made up like all the others
    return push(w, reference(DEFINED + number, 0))


@kernel("wi:i")
def numbers(w: Work, number: int) -> int:
    """Check that an array holds numbers or vectors, which can come from data."""
    storage = w.facts[element_at(w, number)]
    if storage >= REFERENCE:
        fail(w, NOT_NUMBERS, storage, 0)
    return 0


@kernel("wi:i")
def takes_elements(w: Work, number: int) -> int:
    """An element segment's index, whose references must fit the array."""
    wanted, found = w.facts[element_at(w, number)], element_type(w)
    if matches(w, found, wanted) == 0:
        fail(w, SEGMENT_TYPES, wanted, found)
    return 0


@kernel("wi:i")
def array_new_segment_rule(w: Work, data: int) -> int:
    """``array.new_data`` and ``array.new_elem``."""
    number = array_type(w)
    if data:
        numbers(w, number)
        data_index(w)
    else:
        takes_elements(w, number)
    pop(w, I32)
    pop(w, I32)
    return push(w, reference(DEFINED + number, 0))


@kernel("wi:i")
def array_get_rule(w: Work, packed: int) -> int:
    """``array.get``, ``array.get_s`` and ``array.get_u``."""
    number = array_type(w)
    pop(w, I32)
    pop(w, reference(DEFINED + number, 1))
    return push(w, read_as(w, element_at(w, number), packed))


@kernel("w:i")
def settable_array(w: Work) -> int:
    """The definition of an array type whose elements can be set."""
    number = array_type(w)
    if w.facts[element_at(w, number) + 1] == 0:
        fail(w, IMMUTABLE_ARRAY, number, 0)
    return number


@kernel("w:i")
def array_set_rule(w: Work) -> int:
    """``array.set``."""
    number = settable_array(w)
    pop(w, unpacked(w.facts[element_at(w, number)]))
    pop(w, I32)
    pop(w, reference(DEFINED + number, 1))
    return 0


@kernel("w:i")
def array_len_rule(w: Work) -> int:
    """``array.len``."""
    pop(w, reference(ARRAY, 1))
    return push(w, I32)


@kernel("w:i")
def array_fill_rule(w: Work) -> int:
    """``array.fill``."""
    number = settable_array(w)
    pop(w, I32)
    pop(w, unpacked(w.facts[element_at(w, number)]))
    pop(w, I32)
    pop(w, reference(DEFINED + number, 1))
    return 0


@kernel("w:i")
def array_copy_rule(w: Work) -> int:
    """``array.copy``."""
    target = settable_array(w)
    source = array_type(w)
    wanted, found = w.facts[element_at(w, target)], w.facts[element_at(w, source)]
    if matches(w, found, wanted) == 0:
        fail(w, ARRAY_TYPES, wanted, found)
    pop(w, I32)
    pop(w, I32)
    pop(w, reference(DEFINED + source, 1))
    pop(w, I32)
    pop(w, reference(DEFINED + target, 1))
    return 0


@kernel("wi:i")
def array_init_rule(w: Work, data: int) -> int:
    """``array.init_data`` and ``array.init_elem``."""
    number = settable_array(w)
    if data:
        numbers(w, number)
        data_index(w)
    else:
        takes_elements(w, number)
    pop(w, I32)
    pop(w, I32)
    pop(w, I32)
    pop(w, reference(DEFINED + number, 1))
    return 0


@kernel("wi:i")
def object_rule(w: Work, rule: int) -> int:
    """A rule of this family, by its number."""
    if rule == 93:
        return struct_new_rule(w, 0)
    if rule == 94:
        return struct_new_rule(w, 1)
    if rule == 95:
        return struct_get_rule(w, 0)
    if rule == 96:
        return struct_get_rule(w, 1)
    if rule == 97:
        return struct_set_rule(w)
    if rule == 98:
        return array_new_rule(w, 0)
    if rule == 99:
        return array_new_rule(w, 1)
    if rule == 100:
        return array_new_fixed_rule(w)
    if rule == 101:
        return array_new_segment_rule(w, 1)
    if rule == 102:
        return array_new_segment_rule(w, 0)
    if rule == 103:
        return array_get_rule(w, 0)
    if rule == 104:
        return array_get_rule(w, 1)
    if rule == 105:
        return array_set_rule(w)
    if rule == 106:
        return array_len_rule(w)
    if rule == 107:
        return array_fill_rule(w)
    if rule == 108:
        return array_copy_rule(w)
    if rule == 109:
        return array_init_rule(w, 1)
    return array_init_rule(w, 0)


OBJECT_RULES: dict[str, int] = {
    "struct.new": 93,
    "struct.new_default": 94,
    "struct.get": 95,
    "struct.get_s": 96,
    "struct.get_u": 96,
    "struct.set": 97,
    "array.new": 98,
    "array.new_default": 99,
    "array.new_fixed": 100,
    "array.new_data": 101,
    "array.new_elem": 102,
    "array.get": 103,
    "array.get_s": 104,
    "array.get_u": 104,
    "array.set": 105,
    "array.len": 106,
    "array.fill": 107,
    "array.copy": 108,
    "array.init_data": 109,
    "array.init_elem": 110,
}
"""The rules' numbers, by instruction name."""
