"""The stack of open blocks, the branches to them, and the side table (``vm.module.body.Branch``)."""

from __future__ import annotations

from vm.module.kernel.bytes import byte, fail, known, signed, single, value_type
from vm.module.kernel.faults import LEFT_OVER, MALFORMED, NOT_A_FUNCTION_TYPE, UNKNOWN_LABEL
from vm.module.kernel.layout import (
    AT,
    BLOCK_CELLS,
    BLOCK_HEIGHT,
    BLOCK_SETS,
    BLOCK_UNREACHABLE,
    BLOCKS,
    CLAUSE,
    CLAUSE_CELLS,
    CLAUSE_ENTRY,
    CLAUSE_TARGET,
    CLOSED,
    DEFINED_RESULT_COUNT,
    DEFINED_RESULTS,
    DROPPED,
    ENTRIES,
    ENTRY,
    ENTRY_CELLS,
    FALSE_BRANCH,
    FIELD_COUNT,
    FIELDS,
    FORWARD,
    HANDLER,
    HANDLER_CELLS,
    HANDLER_END,
    HANDLER_OUTER,
    HANDLER_PLACE,
    HEIGHT,
    IF,
    INSTRUCTION,
    KEPT,
    KIND,
    LOCALS,
    LOOP,
    OPERANDS,
    PARAM_COUNT,
    PARAMS,
    RESULT_COUNT,
    RESULTS,
    SETS,
    START,
    START_ENTRY,
    TARGET,
    TRIES,
    UNREACHABLE,
)
from vm.module.kernel.operands import peek_all, pop, pop_all, push_all
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.words import FUNC, I32, definition


@kernel("wi:i")
def block_at(w: Work, depth: int) -> int:
    """Where the record of the block lies to which a branch of this depth goes."""
    open_blocks = w.state[BLOCKS]
    if depth >= open_blocks:
        return fail(w, UNKNOWN_LABEL, depth, open_blocks)
    return BLOCK_CELLS * (open_blocks - 1 - depth)


@kernel("wi:i")
def label_types(w: Work, block: int) -> int:
    """Where the types lie that a branch to this block carries."""
    return w.blocks[block + PARAMS] if w.blocks[block + KIND] == LOOP else w.blocks[block + RESULTS]


@kernel("wi:i")
def label_count(w: Work, block: int) -> int:
    """How many values a branch to this block carries."""
    return w.blocks[block + PARAM_COUNT] if w.blocks[block + KIND] == LOOP else w.blocks[block + RESULT_COUNT]


@kernel("wiiiii:i")
def open_block(w: Work, kind: int, params: int, param_count: int, results: int, result_count: int) -> int:
    """Open a block whose parameters are off the stack already; they are on it again afterwards."""
    block = BLOCK_CELLS * w.state[BLOCKS]
    if w.state[BLOCKS] > 0:
        w.blocks[block - BLOCK_CELLS + BLOCK_UNREACHABLE] = w.state[UNREACHABLE]
    w.blocks[block + KIND] = kind
    w.blocks[block + PARAMS] = params
    w.blocks[block + PARAM_COUNT] = param_count
    w.blocks[block + RESULTS] = results
    w.blocks[block + RESULT_COUNT] = result_count
    w.blocks[block + BLOCK_HEIGHT] = w.state[OPERANDS]
    w.blocks[block + START] = w.state[AT]
    w.blocks[block + START_ENTRY] = w.state[ENTRIES]
    w.blocks[block + FALSE_BRANCH] = 0
    w.blocks[block + FORWARD] = 0
    w.blocks[block + BLOCK_SETS] = w.state[SETS]
    w.blocks[block + HANDLER] = w.blocks[block - BLOCK_CELLS + HANDLER] if w.state[BLOCKS] > 0 else 0
    w.blocks[block + CLAUSE] = 0
    w.state[BLOCKS] += 1
    w.state[HEIGHT] = w.state[OPERANDS]
    w.state[UNREACHABLE] = 0
    return push_all(w, params, param_count)


@kernel("wi:i")
def enter(w: Work, kind: int) -> int:
    """Open a block with the type that stands in the code; an ``if`` takes its condition first."""
    start = w.state[AT]
    code = byte(w)
    if code & 0xC0 != 0x40:  # a type index: as a signed number not negative
        w.state[AT] = start
        found = signed(w, 33)
        if found < 0:  # in two bytes or more, which no value type takes
            return fail(w, MALFORMED, 0, 0)
        return enter_typed(w, kind, function_type(w, found))
    results = 0
    if code != 0x40:
        w.state[AT] = start
        results = single(w, value_type(w))
    if kind == IF:
        pop(w, I32)
    return open_block(w, kind, 0, 0, results, 1 if results else 0)


@kernel("wii:i")
def enter_typed(w: Work, kind: int, number: int) -> int:
    """Open a block with the function type of a definition."""
    if kind == IF:
        pop(w, I32)
    params, count = definition(w, number, FIELDS), definition(w, number, FIELD_COUNT)
    pop_all(w, params, count)
    results = definition(w, number, DEFINED_RESULTS)
    return open_block(w, kind, params, count, results, definition(w, number, DEFINED_RESULT_COUNT))


@kernel("wi:i")
def function_type(w: Work, found: int) -> int:
    """The definition that a type index means, which must be of functions."""
    number = known(w, found)
    if definition(w, number, 0) != FUNC:
        return fail(w, NOT_A_FUNCTION_TYPE, found, 0)
    return number


@kernel("w:i")
def leave(w: Work) -> int:
    """Close the innermost block, whose results must be all that is on the stack; gives its record's place."""
    block = BLOCK_CELLS * (w.state[BLOCKS] - 1)
    pop_all(w, w.blocks[block + RESULTS], w.blocks[block + RESULT_COUNT])
    if w.state[OPERANDS] != w.state[HEIGHT]:
        fail(w, LEFT_OVER, w.state[OPERANDS] - w.state[HEIGHT], w.state[HEIGHT])
    forget_sets(w, w.blocks[block + BLOCK_SETS])
    w.state[BLOCKS] -= 1
    if w.state[BLOCKS] > 0:
        outer = block - BLOCK_CELLS
        w.state[HEIGHT] = w.blocks[outer + BLOCK_HEIGHT]
        w.state[UNREACHABLE] = w.blocks[outer + BLOCK_UNREACHABLE]
    return block


@kernel("wi:i")
def forget_sets(w: Work, count: int) -> int:
    """Take the values from the locals that got one since ``count`` had."""
    base = w.state[LOCALS]
    while w.state[SETS] > count:
        w.state[SETS] -= 1
        w.unset[w.unset[base + w.state[SETS]]] = 1
    return 0


@kernel("wiii:i")
def entry(w: Work, target: int, kept: int, dropped: int) -> int:
    """Add an entry to the side table; gives its number plus one."""
    at = ENTRY_CELLS * w.state[ENTRIES]
    w.table[at + TARGET] = target
    w.table[at + KEPT] = kept
    w.table[at + DROPPED] = dropped
    w.table[at + ENTRY] = 0
    w.state[ENTRIES] += 1
    return w.state[ENTRIES]


@kernel("wi:i")
def branch(w: Work, block: int) -> int:
    """Add a branch to ``block``, whose values are on the stack (or made up)."""
    kept = label_count(w, block)
    depth = w.state[OPERANDS]
    if depth < w.state[HEIGHT] + kept:
        depth = w.state[HEIGHT] + kept
    dropped = depth - kept - w.blocks[block + BLOCK_HEIGHT]
    if dropped < 0:
        dropped = 0
    if w.blocks[block + KIND] == LOOP:
        number = entry(w, w.blocks[block + START], kept, dropped)
        w.table[ENTRY_CELLS * (number - 1) + ENTRY] = w.blocks[block + START_ENTRY]
    else:
        w.blocks[block + FORWARD] = entry(w, w.blocks[block + FORWARD], kept, dropped)
    return 0


@kernel("wii:i")
def land(w: Work, number: int, target: int) -> int:
    """Let a chain of entries, and of clauses by negative numbers, go to ``target``, now that it is known."""
    while number != 0:
        if number > 0:
            at = ENTRY_CELLS * (number - 1)
            number = w.table[at + TARGET]
            w.table[at + TARGET] = target
            w.table[at + ENTRY] = w.state[ENTRIES]
        else:
            at = CLAUSE_CELLS * (-number - 1)
            number = w.clauses[at + CLAUSE_TARGET]
            w.clauses[at + CLAUSE_TARGET] = target
            w.clauses[at + CLAUSE_ENTRY] = w.state[ENTRIES]
    return 0


@kernel("wi:i")
def take_label(w: Work, depth: int) -> int:
    """The block a branch of this depth goes to, once its values are known to be on the stack."""
    block = block_at(w, depth)
    peek_all(w, label_types(w, block), label_count(w, block))
    return block


@kernel("wi:i")
def retype(w: Work, block: int) -> int:
    """Give the values that a branch carries the types of its label."""
    pop_all(w, label_types(w, block), label_count(w, block))
    return push_all(w, label_types(w, block), label_count(w, block))


@kernel("wi:i")
def end_protection(w: Work, block: int) -> int:
    """The block's handler, which ends before this instruction; gives its number."""
    number = w.blocks[block + HANDLER] - 1
    at = HANDLER_CELLS * number
    w.handlers[at + HANDLER_END] = w.state[INSTRUCTION]
    w.handlers[at + HANDLER_PLACE] = w.state[CLOSED]
    w.state[CLOSED] += 1
    w.state[TRIES] -= 1
    w.blocks[block + HANDLER] = w.handlers[at + HANDLER_OUTER]
    return number
