"""Rules of locals, globals and parametric instructions (spec 3.4.2 to 3.4.4)."""

from __future__ import annotations

from vm.module.kernel.bytes import fail, index, u32, value_type
from vm.module.kernel.faults import (
    IMMUTABLE_GLOBAL,
    MUTABLE_GLOBAL,
    SELECT_ARITY,
    SELECT_DIFFERENT,
    SELECT_REFERENCES,
    UNKNOWN_GLOBAL,
    UNKNOWN_LOCAL,
    UNSET_LOCAL,
)
from vm.module.kernel.layout import GLOBAL_COUNT, GLOBALS, LOCALS, SCOPE, SETS
from vm.module.kernel.operands import pop, push
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.words import ANYTHING, I32, REFERENCE


@kernel("w:i")
def local_index(w: Work) -> int:
    """A local's index."""
    found = u32(w)
    if found >= w.state[LOCALS]:
        return fail(w, UNKNOWN_LOCAL, found, w.state[LOCALS])
    return found


@kernel("w:i")
def local_get_rule(w: Work) -> int:
    """``local.get``."""
    found = local_index(w)
    if w.unset[found]:
        fail(w, UNSET_LOCAL, found, 0)
    return push(w, w.locals[found])


@kernel("w:i")
def local_set_rule(w: Work) -> int:
    """``local.set``."""
    found = local_index(w)
    pop(w, w.locals[found])
    return has_value(w, found) if w.unset[found] else 0


@kernel("w:i")
def local_tee_rule(w: Work) -> int:
    """``local.tee``."""
    found = local_index(w)
    pop(w, w.locals[found])
    if w.unset[found]:
        has_value(w, found)
    return push(w, w.locals[found])


@kernel("wi:i")
def has_value(w: Work, local: int) -> int:
    """Note that a local has a value from here to its block's end."""
    w.unset[local] = 0
    w.unset[w.state[LOCALS] + w.state[SETS]] = local
    w.state[SETS] += 1
    return 0


@kernel("w:i")
def global_get_rule(w: Work) -> int:
    """``global.get``."""
    found = index(w, GLOBAL_COUNT)
    at = w.facts[GLOBALS] + 2 * found
    scope = w.state[SCOPE]
    if scope >= 0:  # a constant expression
        if found >= scope:
            fail(w, UNKNOWN_GLOBAL, found, scope)
        if w.facts[at + 1]:
            fail(w, MUTABLE_GLOBAL, found, 0)
    return push(w, w.facts[at])


@kernel("w:i")
def global_set_rule(w: Work) -> int:
    """``global.set``."""
    found = index(w, GLOBAL_COUNT)
    at = w.facts[GLOBALS] + 2 * found
    if w.facts[at + 1] == 0:
        return fail(w, IMMUTABLE_GLOBAL, found, 0)
    pop(w, w.facts[at])
    return 0


@kernel("w:i")
def drop_rule(w: Work) -> int:
    """``drop``."""
    pop(w, ANYTHING)
    return 0


@kernel("w:i")
def select_rule(w: Work) -> int:
    """``select`` between numbers or vectors of one type."""
    pop(w, I32)
    second = pop(w, ANYTHING)
    first = pop(w, ANYTHING)
    if first >= REFERENCE or second >= REFERENCE:
        return fail(w, SELECT_REFERENCES, 0, 0)
    if first == ANYTHING:
        return push(w, second)
    if second != ANYTHING and first != second:
        return fail(w, SELECT_DIFFERENT, second, first)
    return push(w, first)


@kernel("w:i")
def select_t_rule(w: Work) -> int:
    """``select`` with its type."""
    count = u32(w)
    if count != 1:
        return fail(w, SELECT_ARITY, count, 0)
    word = value_type(w)
    pop(w, I32)
    pop(w, word)
    pop(w, word)
    return push(w, word)


@kernel("wi:i")
def variable_rule(w: Work, rule: int) -> int:
    """A rule of this family, by its number."""
    if rule == 12:
        return local_get_rule(w)
    if rule == 13:
        return local_set_rule(w)
    if rule == 14:
        return local_tee_rule(w)
    if rule == 15:
        return drop_rule(w)
    if rule == 16:
        return select_rule(w)
    if rule == 17:
        return global_get_rule(w)
    if rule == 18:
        return global_set_rule(w)
    return select_t_rule(w)


VARIABLE_RULES: dict[str, int] = {
    "local.get": 12,
    "local.set": 13,
    "local.tee": 14,
    "drop": 15,
    "select": 16,
    "global.get": 17,
    "global.set": 18,
    "select_t": 19,
}
"""The rules' numbers, by instruction name."""
