"""Types as integers, and which type matches which (spec 3.3).

A word is a number type (1 to 5), a packed type, or a reference: ``REFERENCE + 2 * heap + nullable``, with a
heap type that is abstract (0 to 12) or ``DEFINED`` plus the number of a definition.
"""

from __future__ import annotations

from vm.module.kernel.layout import DEFINED_KIND, DEFINITION_CELLS, DEFINITION_COUNT, DEFINITIONS, SUPERTYPE
from vm.module.kernel.restricted import Work, kernel

ANYTHING = 0
"""What unreachable code made up; it matches every type."""
I32 = 1
I64 = 2
F32 = 3
F64 = 4
V128 = 5
I8 = 6
I16 = 7
REFERENCE = 8

ANY = 0
EQ = 1
I31 = 2
STRUCT = 3
ARRAY = 4
NONE = 5
FUNC = 6
NOFUNC = 7
EXTERN = 8
NOEXTERN = 9
EXN = 10
NOEXN = 11
BOTTOM = 12
DEFINED = 16

_NOTHING = -1


def _above(*heaps: int) -> int:
    return sum(1 << heap for heap in heaps)


_SUPERTYPES = (
    _above(ANY),
    _above(EQ, ANY),
    _above(I31, EQ, ANY),
    _above(STRUCT, EQ, ANY),
    _above(ARRAY, EQ, ANY),
    _above(NONE, I31, STRUCT, ARRAY, EQ, ANY),
    _above(FUNC),
    _above(NOFUNC, FUNC),
    _above(EXTERN),
    _above(NOEXTERN, EXTERN),
    _above(EXN),
    _above(NOEXN, EXN),
    (1 << 13) - 1,
)
"""For each abstract heap type, a bit for every one that it matches."""


@kernel("ii:i")
def reference(heap: int, nullable: int) -> int:
    """The word of a reference."""
    return REFERENCE + 2 * heap + nullable


@kernel("i:i")
def heap_of(word: int) -> int:
    """What a reference refers to."""
    return (word - REFERENCE) >> 1


@kernel("i:i")
def non_null(word: int) -> int:
    """The same reference without null; ``ANYTHING`` becomes a reference to the bottom type."""
    if word == ANYTHING:
        return REFERENCE + 2 * BOTTOM
    return word & ~1


@kernel("wii:i")
def definition(w: Work, number: int, field: int) -> int:
    """A cell of a definition's record; 0 where there is no such definition, which only a fault leads to."""
    if number < 0 or number >= w.facts[DEFINITION_COUNT]:
        return 0
    return w.facts[w.facts[DEFINITIONS] + DEFINITION_CELLS * number + field]


@kernel("wii:i")
def heap_matches(w: Work, found: int, wanted: int) -> int:
    """Whether one heap type is below another (spec 3.3.3)."""
    if found == wanted or found == BOTTOM:
        return 1
    if found > BOTTOM and found < DEFINED:
        return 0
    if wanted < DEFINED:
        if found >= DEFINED:
            found = definition(w, found - DEFINED, DEFINED_KIND)
        return (_SUPERTYPES[found] >> wanted) & 1
    if found < DEFINED:
        kind = definition(w, wanted - DEFINED, DEFINED_KIND)
        if kind == FUNC:
            return 1 if found == NOFUNC else 0
        return 1 if found == NONE else 0
    number = found - DEFINED
    while number != _NOTHING:
        if number == wanted - DEFINED:
            return 1
        number = definition(w, number, SUPERTYPE)
    return 0


@kernel("wii:i")
def matches(w: Work, found: int, wanted: int) -> int:
    """Whether a value of one type can stand where the other is wanted."""
    if found == wanted or found == ANYTHING:
        return 1
    if found < REFERENCE or wanted < REFERENCE:
        return 0
    if found & 1 and not wanted & 1:
        return 0
    return heap_matches(w, heap_of(found), heap_of(wanted))
