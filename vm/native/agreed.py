"""What native code at the border with Python, and Python there, agree on: the texts of that code are for who
compiles it.
"""

from __future__ import annotations

from vm.isa.types import ValType, ValueType
from vm.typed import Sequence

BORDER = (
    "link",
    "pending",
    "host_call",
    "threw",
    "renew",
    "raise",
    "help",
    "compile",
    "step",
    "translate",
    "catch",
    "hot",
)
"""What a border holds: the link, its attribute's name for exceptions that wait, and its methods, the last
four only of the threaded machine's links."""

MOST = 32
"""Parameters, and results, of functions that are called without Python's help."""

VECTORCALL_AT, RECORD_AT, OBJECT_SIZE = 64, 72, 80
"""Where in an object its vectorcall function and its record's address lie: behind what its base has."""

RECORD_STORE, RECORD_COUNTS, RECORD_KINDS, RECORD_FUNCTION, RECORD_PLACE = 0, 8, 16, 24, 32
RECORD_INVOKE, RECORD_STATE, RECORD_BUDGET, RECORD_FALLBACK = 40, 48, 56, 64
RECORD_STREAK, RECORD_ENOUGH, RECORD_CALLER = 72, 80, 88
RECORD_SIZE = 96

PATIENCE = 16
"""Short calls before a function's calls hold the lock."""

WARY = 16
"""By how much one long call that held the lock multiplies that."""

RARE = 4096
"""How many short calls to one long one are enough to hold the lock nevertheless."""

SHORT = 1 << 16
"""Cycles of the time stamp counter: 20 to 30 µs, beside which 50 ns for the lock are nothing."""

SLOTS = 2 * MOST
"""Words for arguments and results: vectors have two."""

KINDS: dict[ValueType, int] = {
    ValType.I32: 1,
    ValType.I64: 2,
    ValType.F32: 3,
    ValType.F64: 4,
    ValType.V128: 5,
}
"""The byte for each type of number."""


def kinds(types: Sequence[ValueType]) -> bytes | None:
    """The kinds of values of these types; None if one of them is no number."""
    found = [KINDS.get(type) for type in types]
    return None if None in found else bytes(kind or 0 for kind in found)
