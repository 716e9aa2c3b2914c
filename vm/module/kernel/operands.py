"""The stack of operand types (spec, appendix "Validation Algorithm"), and what the frame's slots hold."""

from __future__ import annotations

from vm.module.kernel.bytes import fail
from vm.module.kernel.faults import EMPTY, MISMATCH, TOO_MANY_OPERANDS
from vm.module.kernel.layout import (
    HEIGHT,
    MOST_OPERANDS,
    OPERANDS,
    UNREACHABLE,
)
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.words import ANYTHING, matches
from vm.module.limits import MAX_OPERANDS


@kernel("wi:i")
def push(w: Work, word: int) -> int:
    """Put one value on the stack."""
    state = w.state
    depth = state[OPERANDS]
    if depth >= MAX_OPERANDS:
        return fail(w, TOO_MANY_OPERANDS, depth + 1, 0)
    w.stack[depth] = word
    depth += 1
    state[OPERANDS] = depth
    if depth > state[MOST_OPERANDS]:
        state[MOST_OPERANDS] = depth
    return 0


@kernel("wi:i")
def pop(w: Work, wanted: int) -> int:
    """Take one value off the stack and give its type; ``ANYTHING`` takes any."""
    state = w.state
    depth = state[OPERANDS] - 1
    if depth < state[HEIGHT]:
        if state[UNREACHABLE] == 0:
            fail(w, EMPTY, wanted, 0)
        return ANYTHING
    state[OPERANDS] = depth
    found = w.stack[depth]
    if found != wanted and wanted != ANYTHING and matches(w, found, wanted) == 0:
        fail(w, MISMATCH, wanted, found)
    return found


@kernel("wiii:i")
def replace(w: Work, words: int, count: int, result: int) -> int:
    """Take ``count`` numbers off the stack, 4 bits of ``words`` each, the last lowest; put one on, if any.

    It does what ``pop`` and ``push`` would, at once: most instructions are of this kind.
    """
    state, stack = w.state, w.stack
    depth = state[OPERANDS]
    if depth - count >= state[HEIGHT]:
        while count > 0 and stack[depth - 1] == words & 15:
            words >>= 4
            depth -= 1
            count -= 1
        state[OPERANDS] = depth
    while count > 0:
        pop(w, words & 15)
        words >>= 4
        count -= 1
    return push(w, result) if result else 0


@kernel("wii:i")
def push_all(w: Work, at: int, count: int) -> int:
    """Put values of the types that the facts list at ``at`` on the stack, the last on top."""
    i = 0
    while i < count:
        push(w, w.facts[at + i])
        i += 1
    return 0


@kernel("wii:i")
def pop_all(w: Work, at: int, count: int) -> int:
    """Take values of these types off the stack, the last from the top."""
    i = count - 1
    while i >= 0:
        pop(w, w.facts[at + i])
        i -= 1
    return 0


@kernel("wii:i")
def peek_all(w: Work, at: int, count: int) -> int:
    """As ``pop_all``, but the values stay where they are, with the types they have."""
    i = 1
    while i <= count:
        depth = w.state[OPERANDS] - i
        wanted = w.facts[at + count - i]
        if depth < w.state[HEIGHT]:
            if w.state[UNREACHABLE] == 0:
                return fail(w, EMPTY, wanted, 0)
        elif matches(w, w.stack[depth], wanted) == 0:
            return fail(w, MISMATCH, wanted, w.stack[depth])
        i += 1
    return 0


@kernel("w:i")
def give_up(w: Work) -> int:
    """What follows, up to the block's end, never runs: its stack gives whatever is asked for."""
    w.state[OPERANDS] = w.state[HEIGHT]
    w.state[UNREACHABLE] = 1
    return 0
