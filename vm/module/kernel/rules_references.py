"""Rules of references: null, functions, casts, unboxed integers (spec 3.4.7, 3.4.8)."""

from __future__ import annotations

from vm.module.kernel.bytes import fail, heap_type, index
from vm.module.kernel.faults import (
    CAST_ACROSS,
    UNDECLARED,
)
from vm.module.kernel.layout import (
    DECLARED,
    DEFINED_KIND,
    FUNCTION_COUNT,
    FUNCTIONS,
    SCOPE,
)
from vm.module.kernel.operands import pop, push
from vm.module.kernel.restricted import Work, kernel
from vm.module.kernel.rules_control import popped_reference
from vm.module.kernel.words import (
    ANY,
    ANYTHING,
    BOTTOM,
    DEFINED,
    EQ,
    EXTERN,
    I31,
    I32,
    definition,
    heap_of,
    non_null,
    reference,
)


@kernel("w:i")
def ref_null_rule(w: Work) -> int:
    """``ref.null``."""
    return push(w, reference(heap_type(w), 1))


@kernel("w:i")
def ref_is_null_rule(w: Work) -> int:
    """``ref.is_null``."""
    popped_reference(w)
    return push(w, I32)


@kernel("w:i")
def ref_func_rule(w: Work) -> int:
    """``ref.func``."""
    found = index(w, FUNCTION_COUNT)
    if w.facts[w.facts[DECLARED] + found] == 0 and w.state[SCOPE] < 0:
        return fail(w, UNDECLARED, found, 0)
    return push(w, reference(DEFINED + w.facts[w.facts[FUNCTIONS] + found], 0))


@kernel("w:i")
def ref_as_non_null_rule(w: Work) -> int:
    """``ref.as_non_null``."""
    return push(w, non_null(popped_reference(w)))


@kernel("w:i")
def ref_eq_rule(w: Work) -> int:
    """``ref.eq``."""
    pop(w, reference(EQ, 1))
    pop(w, reference(EQ, 1))
    return push(w, I32)


@kernel("wii:i")
def cast_rule(w: Work, nullable: int, test: int) -> int:
    """``ref.test`` and ``ref.cast``: the operand is of any type of the same hierarchy, as one is that
    unreachable code made up.
    """
    target = reference(heap_type(w), nullable)
    found = popped_reference(w)
    if found != ANYTHING and heap_of(found) != BOTTOM and top(w, found) != top(w, target):
        fail(w, CAST_ACROSS, target, found)
    return push(w, I32 if test else target)


@kernel("wi:i")
def top(w: Work, word: int) -> int:
    """The uppermost heap type above a reference's."""
    heap = heap_of(word)
    if heap >= DEFINED:
        heap = definition(w, heap - DEFINED, DEFINED_KIND)
    return _TOPS[heap]


_TOPS = (0, 0, 0, 0, 0, 0, 6, 6, 8, 8, 10, 10, 12)
"""For each abstract heap type: any, func, extern, exn."""


@kernel("wii:i")
def convert_rule(w: Work, source: int, target: int) -> int:
    """``any.convert_extern`` and ``extern.convert_any``: null stays what it is."""
    found = pop(w, reference(source, 1))
    return push(w, reference(target, 0 if found == ANYTHING else found & 1))


@kernel("w:i")
def ref_i31_rule(w: Work) -> int:
    """``ref.i31``."""
    pop(w, I32)
    return push(w, reference(I31, 0))


@kernel("w:i")
def i31_get_rule(w: Work) -> int:
    """``i31.get_s`` and ``i31.get_u``."""
    pop(w, reference(I31, 1))
    return push(w, I32)


@kernel("wi:i")
def reference_rule(w: Work, rule: int) -> int:
    """A rule of this family, by its number."""
    if rule == 80:
        return ref_null_rule(w)
    if rule == 81:
        return ref_is_null_rule(w)
    if rule == 82:
        return ref_func_rule(w)
    if rule == 83:
        return ref_as_non_null_rule(w)
    if rule == 84:
        return ref_eq_rule(w)
    if rule == 85:
        return cast_rule(w, 0, 1)
    if rule == 86:
        return cast_rule(w, 1, 1)
    if rule == 87:
        return cast_rule(w, 0, 0)
    if rule == 88:
        return cast_rule(w, 1, 0)
    if rule == 89:
        return convert_rule(w, EXTERN, ANY)
    if rule == 90:
        return convert_rule(w, ANY, EXTERN)
    if rule == 91:
        return ref_i31_rule(w)
    return i31_get_rule(w)


REFERENCE_RULES: dict[str, int] = {
    "ref.null": 80,
    "ref.is_null": 81,
    "ref.func": 82,
    "ref.as_non_null": 83,
    "ref.eq": 84,
    "ref.test": 85,
    "ref.test_null": 86,
    "ref.cast": 87,
    "ref.cast_null": 88,
    "any.convert_extern": 89,
    "extern.convert_any": 90,
    "ref.i31": 91,
    "i31.get_s": 92,
    "i31.get_u": 92,
}
"""The rules' numbers, by instruction name."""
