"""Rules of the instructions that throw and catch: the standard form, and the legacy form (spec 3.4.9)."""

from __future__ import annotations

from vm.module.kernel.bytes import byte, fail, index, u32
from vm.module.kernel.control import (
    block_at,
    end_protection,
    enter,
    entry,
    forget_sets,
    label_count,
    label_types,
    land,
    leave,
)
from vm.module.kernel.faults import (
    CLAUSE_TYPES,
    LEFT_TO_ARM,
    MALFORMED,
    NO_TRY,
    NOT_CATCHING,
    TOO_MANY_TRIES,
    UNKNOWN_LABEL,
)
from vm.module.kernel.layout import (
    AT,
    BLOCK_CELLS,
    BLOCK_HEIGHT,
    BLOCK_SETS,
    BLOCKS,
    CATCH,
    CATCH_ALL,
    CAUGHT,
    CLAUSE,
    CLAUSE_BASE,
    CLAUSE_CELLS,
    CLAUSE_COUNT,
    CLAUSE_ENTRY,
    CLAUSE_HANDLER,
    CLAUSE_KEPT,
    CLAUSE_TAG,
    CLAUSE_TARGET,
    CLAUSE_WITH_REF,
    CLAUSES,
    END,
    ENTRIES,
    FAULT,
    FIELD_COUNT,
    FIELDS,
    FORWARD,
    HANDLER,
    HANDLER_CELLS,
    HANDLER_END,
    HANDLER_OUTER,
    HANDLER_START,
    HANDLERS,
    HEIGHT,
    KEPT_EXCEPTIONS,
    KIND,
    LOOP,
    OPERANDS,
    RESULT_COUNT,
    RESULTS,
    START,
    START_ENTRY,
    TAG_COUNT,
    TAGS,
    TRIES,
    TRY,
    TRY_TABLE,
    UNREACHABLE,
)
from vm.module.kernel.operands import give_up, pop, pop_all, push_all
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.words import EXN, definition, matches, reference
from vm.module.limits import MAX_TRY_DEPTH

_ANY_TAG = -1
_LAST_KIND = 3


@kernel("wi:i")
def tag_type(w: Work, tag: int) -> int:
    """The definition of a tag's type."""
    return w.facts[w.facts[TAGS] + tag]


@kernel("w:i")
def throw_rule(w: Work) -> int:
    """``throw``."""
    number = tag_type(w, index(w, TAG_COUNT))
    pop_all(w, definition(w, number, FIELDS), definition(w, number, FIELD_COUNT))
    return give_up(w)


@kernel("w:i")
def throw_ref_rule(w: Work) -> int:
    """``throw_ref``."""
    pop(w, reference(EXN, 1))
    return give_up(w)


@kernel("wi:i")
def protect(w: Work, block: int) -> int:
    """Let a handler cover the block's code from here on; gives its number."""
    number = w.state[HANDLERS]
    at = HANDLER_CELLS * number
    w.handlers[at + HANDLER_START] = w.state[AT]
    w.handlers[at + HANDLER_END] = w.state[AT]
    w.handlers[at + HANDLER_OUTER] = w.blocks[block + HANDLER]
    w.state[HANDLERS] += 1
    w.blocks[block + HANDLER] = number + 1
    w.state[TRIES] += 1
    if w.state[TRIES] > MAX_TRY_DEPTH:
        fail(w, TOO_MANY_TRIES, 0, 0)
    return number


@kernel("wiiii:i")
def add_clause(w: Work, handler: int, tag: int, with_ref: int, block: int) -> int:
    """Add a clause whose values go above the operands below a block; gives its number plus one."""
    at = CLAUSE_CELLS * w.state[CLAUSES]
    w.clauses[at + CLAUSE_HANDLER] = handler
    w.clauses[at + CLAUSE_TAG] = tag
    w.clauses[at + CLAUSE_WITH_REF] = with_ref
    w.clauses[at + CLAUSE_BASE] = w.blocks[block + BLOCK_HEIGHT]
    w.clauses[at + CLAUSE_KEPT] = -1
    w.state[CLAUSES] += 1
    return w.state[CLAUSES]


@kernel("w:i")
def try_table_rule(w: Work) -> int:
    """``try_table``: the handler covers what stands behind the clauses."""
    enter(w, TRY_TABLE)
    block = BLOCK_CELLS * (w.state[BLOCKS] - 1)
    handler = protect(w, block)
    count = u32(w)
    if count > w.state[END] - w.state[AT]:
        return fail(w, MALFORMED, 0, 0)
    while count > 0 and w.state[FAULT] == 0:
        clause_rule(w, handler)
        count -= 1
    w.blocks[block + START] = w.state[AT]
    w.handlers[HANDLER_CELLS * handler + HANDLER_START] = w.state[AT]
    return 0


@kernel("wi:i")
def clause_rule(w: Work, handler: int) -> int:
    """One clause; its label is one outside the ``try_table``, which is open already."""
    kind = byte(w)
    if kind > _LAST_KIND:
        return fail(w, MALFORMED, 0, 0)
    with_ref = kind & 1
    tag = index(w, TAG_COUNT) if kind < 2 else _ANY_TAG
    depth = u32(w)
    if depth >= w.state[BLOCKS] - 1:
        return fail(w, UNKNOWN_LABEL, depth, w.state[BLOCKS] - 1)
    block = block_at(w, depth + 1)
    given = definition(w, tag_type(w, tag), FIELD_COUNT) if tag != _ANY_TAG else 0
    gives(w, block, tag, given, with_ref, depth)
    number = add_clause(w, handler, tag, with_ref, block)
    at = CLAUSE_CELLS * (number - 1)
    w.clauses[at + CLAUSE_COUNT] = given + with_ref
    if w.blocks[block + KIND] == LOOP:
        w.clauses[at + CLAUSE_TARGET] = w.blocks[block + START]
        w.clauses[at + CLAUSE_ENTRY] = w.blocks[block + START_ENTRY]
    else:
        w.clauses[at + CLAUSE_TARGET] = w.blocks[block + FORWARD]
        w.blocks[block + FORWARD] = -number
    return 0


@kernel("wiiiii:i")
def gives(w: Work, block: int, tag: int, count: int, with_ref: int, depth: int) -> int:
    """What a clause gives must be what its label takes."""
    wanted = label_types(w, block)
    if label_count(w, block) != count + with_ref:
        return fail(w, CLAUSE_TYPES, depth, 0)
    i = 0
    while i < count:
        found = w.facts[definition(w, tag_type(w, tag), FIELDS) + i]
        if matches(w, found, w.facts[wanted + i]) == 0:
            return fail(w, CLAUSE_TYPES, depth, 0)
        i += 1
    if with_ref and matches(w, reference(EXN, 0), w.facts[wanted + count]) == 0:
        return fail(w, CLAUSE_TYPES, depth, 0)
    return 0


@kernel("w:i")
def try_rule(w: Work) -> int:
    """``try``, the legacy form."""
    enter(w, TRY)
    return protect(w, BLOCK_CELLS * (w.state[BLOCKS] - 1))


@kernel("wii:i")
def arm_rule(w: Work, kind: int, tag: int) -> int:
    """``catch`` and ``catch_all``, the legacy form's next arm: the one before it is left as by ``else``."""
    block = BLOCK_CELLS * (w.state[BLOCKS] - 1)
    before = w.blocks[block + KIND]
    if before != TRY and before != CATCH:
        return fail(w, NO_TRY, 0, 0)
    pop_all(w, w.blocks[block + RESULTS], w.blocks[block + RESULT_COUNT])
    if w.state[OPERANDS] != w.state[HEIGHT]:
        fail(w, LEFT_TO_ARM, 0, 0)
    forget_sets(w, w.blocks[block + BLOCK_SETS])
    w.blocks[block + FORWARD] = entry(w, w.blocks[block + FORWARD], w.blocks[block + RESULT_COUNT], 0)
    if before == TRY:
        w.blocks[block + CAUGHT] = end_protection(w, block) + 1
    number = add_clause(w, w.blocks[block + CAUGHT] - 1, tag, 0, block)
    at = CLAUSE_CELLS * (number - 1)
    count = definition(w, tag_type(w, tag), FIELD_COUNT) if tag != _ANY_TAG else 0
    w.clauses[at + CLAUSE_TARGET] = w.state[AT]
    w.clauses[at + CLAUSE_COUNT] = count
    w.clauses[at + CLAUSE_ENTRY] = w.state[ENTRIES]
    w.blocks[block + CLAUSE] = number
    w.blocks[block + KIND] = kind
    w.state[UNREACHABLE] = 0
    return push_all(w, definition(w, tag_type(w, tag), FIELDS), count) if count else 0


@kernel("w:i")
def delegate_rule(w: Work) -> int:
    """``delegate``: what the block throws goes to the handler of another block around it."""
    block = BLOCK_CELLS * (w.state[BLOCKS] - 1)
    if w.blocks[block + KIND] != TRY:
        return fail(w, NO_TRY, 0, 0)
    handler = end_protection(w, block)
    depth = u32(w)
    if depth >= w.state[BLOCKS] - 1:
        return fail(w, UNKNOWN_LABEL, depth, w.state[BLOCKS] - 1)
    leave(w)
    w.handlers[HANDLER_CELLS * handler + HANDLER_OUTER] = w.blocks[block_at(w, depth) + HANDLER]
    land(w, w.blocks[block + FORWARD], w.state[AT])
    return push_all(w, w.blocks[block + RESULTS], w.blocks[block + RESULT_COUNT])


@kernel("wi:i")
def rethrow_rule(w: Work, depth: int) -> int:
    """``rethrow``: the catch block keeps its exception for it."""
    number = w.blocks[block_at(w, depth) + CLAUSE]
    if number == 0:
        return fail(w, NOT_CATCHING, depth, 0)
    at = CLAUSE_CELLS * (number - 1) + CLAUSE_KEPT
    if w.clauses[at] < 0:
        w.clauses[at] = w.state[KEPT_EXCEPTIONS]
        w.state[KEPT_EXCEPTIONS] += 1
    return give_up(w)


@kernel("wi:i")
def exception_rule(w: Work, rule: int) -> int:
    """A rule of this family, by its number."""
    if rule == 120:
        return throw_rule(w)
    if rule == 121:
        return throw_ref_rule(w)
    if rule == 122:
        return try_table_rule(w)
    if rule == 123:
        return try_rule(w)
    if rule == 124:
        return arm_rule(w, CATCH, index(w, TAG_COUNT))
    if rule == 125:
        return arm_rule(w, CATCH_ALL, _ANY_TAG)
    if rule == 126:
        return delegate_rule(w)
    return rethrow_rule(w, u32(w))


EXCEPTION_RULES: dict[str, int] = {
    "throw": 120,
    "throw_ref": 121,
    "try_table": 122,
    "try": 123,
    "catch": 124,
    "catch_all": 125,
    "delegate": 126,
    "rethrow": 127,
}
"""The rules' numbers, by instruction name."""
