"""Rules of structured control, branches and calls (spec 3.4.1)."""

from __future__ import annotations

from vm.module.kernel.bytes import byte, fail, heap_type, index, u32
from vm.module.kernel.control import (
    block_at,
    branch,
    end_protection,
    enter,
    entry,
    forget_sets,
    function_type,
    label_count,
    label_types,
    land,
    leave,
    retype,
    take_label,
)
from vm.module.kernel.faults import (
    ARM_LEAVES,
    LABEL_ARITY,
    MALFORMED,
    MISMATCH,
    NO_ELSE,
    NO_IF,
    NO_REFERENCE_LABEL,
    NOT_A_REFERENCE,
    NOT_FUNCTIONS,
    TAIL_RESULTS,
    TOO_MANY_LABELS,
)
from vm.module.kernel.layout import (
    AT,
    BLOCK,
    BLOCK_CELLS,
    BLOCK_SETS,
    BLOCKS,
    DEFINED_RESULT_COUNT,
    DEFINED_RESULTS,
    ELSE,
    END,
    ENTRY_CELLS,
    FALSE_BRANCH,
    FIELD_COUNT,
    FIELDS,
    FORWARD,
    FUNCTION_COUNT,
    FUNCTIONS,
    HEIGHT,
    IF,
    INSTRUCTION,
    KIND,
    LOOP,
    OPERANDS,
    PARAM_COUNT,
    PARAMS,
    RESULT_COUNT,
    RESULTS,
    TABLE_COUNT,
    TABLES,
    TARGET,
    TRY,
    TRY_TABLE,
    UNREACHABLE,
)
from vm.module.kernel.operands import give_up, peek_all, pop, pop_all, push, push_all
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.words import (
    ANYTHING,
    DEFINED,
    FUNC,
    I32,
    REFERENCE,
    definition,
    heap_matches,
    heap_of,
    matches,
    non_null,
    reference,
)
from vm.module.limits import MAX_LABELS


@kernel("w:i")
def if_rule(w: Work) -> int:
    """``if``."""
    enter(w, IF)
    block = BLOCK_CELLS * (w.state[BLOCKS] - 1)
    w.blocks[block + FALSE_BRANCH] = entry(w, 0, w.blocks[block + PARAM_COUNT], 0)
    return 0


@kernel("w:i")
def else_rule(w: Work) -> int:
    """``else``."""
    block = BLOCK_CELLS * (w.state[BLOCKS] - 1)
    if w.blocks[block + KIND] != IF:
        return fail(w, NO_IF, 0, 0)
    pop_all(w, w.blocks[block + RESULTS], w.blocks[block + RESULT_COUNT])
    if w.state[OPERANDS] != w.state[HEIGHT]:
        fail(w, ARM_LEAVES, 0, 0)
    forget_sets(w, w.blocks[block + BLOCK_SETS])
    w.blocks[block + FORWARD] = entry(w, w.blocks[block + FORWARD], w.blocks[block + RESULT_COUNT], 0)
    land(w, w.blocks[block + FALSE_BRANCH], w.state[AT])
    w.blocks[block + FALSE_BRANCH] = 0
    w.blocks[block + KIND] = ELSE
    w.state[UNREACHABLE] = 0
    return push_all(w, w.blocks[block + PARAMS], w.blocks[block + PARAM_COUNT])


@kernel("w:i")
def end_rule(w: Work) -> int:
    """``end``."""
    innermost = BLOCK_CELLS * (w.state[BLOCKS] - 1)
    if w.blocks[innermost + KIND] == TRY_TABLE or w.blocks[innermost + KIND] == TRY:
        end_protection(w, innermost)
    block = leave(w)
    if w.blocks[block + FALSE_BRANCH] > 0:
        same_types(w, block)
        first = w.blocks[block + FALSE_BRANCH]
        w.table[ENTRY_CELLS * (first - 1) + TARGET] = w.blocks[block + FORWARD]
        w.blocks[block + FORWARD] = first
    inner = w.state[BLOCKS] > 0
    land(w, w.blocks[block + FORWARD], w.state[AT] if inner else w.state[INSTRUCTION])
    if inner:
        push_all(w, w.blocks[block + RESULTS], w.blocks[block + RESULT_COUNT])
    return 0


@kernel("wi:i")
def same_types(w: Work, block: int) -> int:
    """What an ``if`` without ``else`` must fit: its parameters are its results."""
    count = w.blocks[block + PARAM_COUNT]
    if count != w.blocks[block + RESULT_COUNT]:
        return fail(w, NO_ELSE, 0, 0)
    i = 0
    while i < count:
        found, wanted = w.facts[w.blocks[block + PARAMS] + i], w.facts[w.blocks[block + RESULTS] + i]
        if matches(w, found, wanted) == 0:
            return fail(w, NO_ELSE, 0, 0)
        i += 1
    return 0


@kernel("wi:i")
def br_rule(w: Work, depth: int) -> int:
    """``br``, and ``return`` as a branch to the outermost label."""
    branch(w, take_label(w, depth))
    return give_up(w)


@kernel("wi:i")
def br_if_rule(w: Work, depth: int) -> int:
    """``br_if``."""
    pop(w, I32)
    block = block_at(w, depth)
    retype(w, block)
    return branch(w, block)


@kernel("w:i")
def br_table_rule(w: Work) -> int:
    """``br_table``: the labels, then the default, which says how many values there are."""
    pop(w, I32)
    count = u32(w)
    if count > w.state[END] - w.state[AT]:
        return fail(w, MALFORMED, 0, 0)
    if count > MAX_LABELS:
        return fail(w, TOO_MANY_LABELS, count, 0)
    first = w.state[AT]
    i = 0
    while i < count:
        u32(w)
        i += 1
    arity = label_count(w, block_at(w, u32(w)))
    w.state[AT] = first
    seen = -1
    i = 0
    while i <= count:
        depth = u32(w)
        block = block_at(w, depth)
        if label_count(w, block) != arity:
            return fail(w, LABEL_ARITY, depth, arity)
        if label_types(w, block) != seen:  # the stack stays as it is, so once is enough
            seen = label_types(w, block)
            peek_all(w, seen, arity)
        branch(w, block)
        i += 1
    return give_up(w)


@kernel("wi:i")
def invoke(w: Work, number: int) -> int:
    """Call a function of the type that a definition gives."""
    pop_all(w, definition(w, number, FIELDS), definition(w, number, FIELD_COUNT))
    return push_all(w, definition(w, number, DEFINED_RESULTS), definition(w, number, DEFINED_RESULT_COUNT))


@kernel("wi:i")
def tail_invoke(w: Work, number: int) -> int:
    """Call it in place of the caller, whose results it must give."""
    pop_all(w, definition(w, number, FIELDS), definition(w, number, FIELD_COUNT))
    count = w.blocks[RESULT_COUNT]
    if definition(w, number, DEFINED_RESULT_COUNT) != count:
        return fail(w, TAIL_RESULTS, number, 0)
    i = 0
    while i < count:
        found, wanted = w.facts[definition(w, number, DEFINED_RESULTS) + i], w.facts[w.blocks[RESULTS] + i]
        if matches(w, found, wanted) == 0:
            return fail(w, TAIL_RESULTS, number, 0)
        i += 1
    return give_up(w)


@kernel("w:i")
def called(w: Work) -> int:
    """The type of the function that an index names."""
    return w.facts[w.facts[FUNCTIONS] + index(w, FUNCTION_COUNT)]


@kernel("w:i")
def called_indirectly(w: Work) -> int:
    """The type, and the table's index on the stack, of an indirect call."""
    found = u32(w)
    table = index(w, TABLE_COUNT)
    at = w.facts[TABLES] + 2 * table
    if heap_matches(w, heap_of(w.facts[at]), FUNC) == 0:
        fail(w, NOT_FUNCTIONS, table, 0)
    number = function_type(w, found)
    pop(w, w.facts[at + 1])
    return number


@kernel("w:i")
def called_by_reference(w: Work) -> int:
    """The type of a call through a reference, which comes off the stack."""
    number = function_type(w, u32(w))
    pop(w, reference(DEFINED + number, 1))
    return number


@kernel("wi:i")
def br_on_null_rule(w: Work, depth: int) -> int:
    """``br_on_null``."""
    found = popped_reference(w)
    block = block_at(w, depth)
    retype(w, block)
    branch(w, block)
    return push(w, non_null(found))


@kernel("wi:i")
def br_on_non_null_rule(w: Work, depth: int) -> int:
    """``br_on_non_null``: the label's last value is the reference."""
    block = block_at(w, depth)
    found = popped_reference(w)
    takes_reference(w, block, depth)
    push(w, non_null(found))
    retype(w, block)
    branch(w, block)
    pop(w, ANYTHING)
    return 0


@kernel("wii:i")
def takes_reference(w: Work, block: int, depth: int) -> int:
    """Check that the last value that a branch carries is a reference."""
    count = label_count(w, block)
    if count == 0 or w.facts[label_types(w, block) + count - 1] < REFERENCE:
        fail(w, NO_REFERENCE_LABEL, depth, 0)
    return 0


@kernel("w:i")
def popped_reference(w: Work) -> int:
    """A reference of any type off the stack."""
    found = pop(w, ANYTHING)
    if found != ANYTHING and found < REFERENCE:
        fail(w, NOT_A_REFERENCE, found, 0)
        return ANYTHING
    return found


@kernel("wi:i")
def br_on_cast_rule(w: Work, on_success: int) -> int:
    """``br_on_cast`` and ``br_on_cast_fail``: two types, of which the second must be below the first."""
    flags = byte(w)
    if flags > 3:
        return fail(w, MALFORMED, 0, 0)
    depth = u32(w)
    block = block_at(w, depth)
    source = reference(heap_type(w), flags & 1)
    target = reference(heap_type(w), flags >> 1)
    if matches(w, target, source) == 0:
        return fail(w, MISMATCH, source, target)
    rest = reference(heap_of(source), 0) if target & 1 else source
    taken, kept = (target, rest) if on_success else (rest, target)
    pop(w, source)
    takes_reference(w, block, depth)
    push(w, taken)
    retype(w, block)
    branch(w, block)
    pop(w, ANYTHING)
    return push(w, kept)


@kernel("wi:i")
def control_rule(w: Work, rule: int) -> int:
    """A rule of this family, by its number."""
    if rule == 20:
        return invoke(w, called(w))
    if rule == 21:
        return enter(w, BLOCK)
    if rule == 22:
        return enter(w, LOOP)
    if rule == 23:
        return if_rule(w)
    if rule == 24:
        return else_rule(w)
    if rule == 25:
        return end_rule(w)
    if rule == 26:
        return br_rule(w, u32(w))
    if rule == 27:
        return br_if_rule(w, u32(w))
    if rule == 28:
        return br_table_rule(w)
    if rule == 29:
        return br_rule(w, w.state[BLOCKS] - 1)
    if rule == 30:
        return give_up(w)
    if rule == 31:
        return invoke(w, called_indirectly(w))
    if rule == 32:
        return invoke(w, called_by_reference(w))
    if rule == 33:
        return tail_invoke(w, called(w))
    if rule == 34:
        return tail_invoke(w, called_indirectly(w))
    if rule == 35:
        return tail_invoke(w, called_by_reference(w))
    if rule == 36:
        return br_on_null_rule(w, u32(w))
    if rule == 37:
        return br_on_non_null_rule(w, u32(w))
    if rule == 38:
        return br_on_cast_rule(w, 1)
    return br_on_cast_rule(w, 0)


CONTROL_RULES: dict[str, int] = {
    "call": 20,
    "block": 21,
    "loop": 22,
    "if": 23,
    "else": 24,
    "end": 25,
    "br": 26,
    "br_if": 27,
    "br_table": 28,
    "return": 29,
    "unreachable": 30,
    "call_indirect": 31,
    "call_ref": 32,
    "return_call": 33,
    "return_call_indirect": 34,
    "return_call_ref": 35,
    "br_on_null": 36,
    "br_on_non_null": 37,
    "br_on_cast": 38,
    "br_on_cast_fail": 39,
}
"""The rules' numbers, by instruction name."""
