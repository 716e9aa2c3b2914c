"""What can be wrong with a body, by number; beside it, what the two numbers noted with it are.

The messages stand in ``errors``.
"""

from __future__ import annotations

MALFORMED = 1
"""Bytes that mean nothing; ``vm.module.instructions.read`` says what is wrong with them."""
UNKNOWN = 2
"""An index that names nothing: which space (a place in the facts' head) and the index."""
EMPTY = 3
"""The block's stack is empty; the type that was wanted."""
MISMATCH = 4
"""The types wanted and found."""
TOO_MANY_OPERANDS = 5
LEFT_OVER = 6
"""A block leaves values beside its results: how many, and how many operands lie below them."""
UNKNOWN_LABEL = 7
NOT_A_FUNCTION_TYPE = 8
NO_IF = 9
ARM_LEAVES = 10
"""The first arm of an ``if`` leaves values beside its results."""
NO_ELSE = 11
"""An ``if`` without ``else`` whose parameters are not its results."""
TOO_MANY_LABELS = 12
LABEL_ARITY = 13
"""Labels of one table take different numbers of values: the depth and how many were expected."""
NOT_FUNCTIONS = 14
"""A table that does not hold functions: its index."""
NOT_A_REFERENCE = 15
"""A number where a reference is wanted: its type."""
TAIL_RESULTS = 16
"""A tail call's function gives something else than the caller."""
UNKNOWN_LOCAL = 17
UNSET_LOCAL = 18
"""A local that cannot be null is read before it is set."""
IMMUTABLE_GLOBAL = 19
SELECT_REFERENCES = 20
SELECT_DIFFERENT = 21
"""``select`` between values of two types."""
SELECT_ARITY = 22
ALIGNMENT = 23
"""An alignment larger than natural: its log2."""
EXACT_ALIGNMENT = 24
"""An atomic access whose alignment is not natural."""
OFFSET = 25
"""An offset that addresses of 32 bits do not reach."""
NO_LANE = 26
NO_DATA_COUNT = 27
TABLE_TYPES = 28
"""References that do not fit a table: the types wanted and found."""
UNDECLARED = 29
NOT_A_STRUCT = 30
NOT_AN_ARRAY = 31
UNKNOWN_FIELD = 32
IMMUTABLE_FIELD = 33
IMMUTABLE_ARRAY = 34
NOT_DEFAULTABLE = 35
PACKED = 36
"""A packed field read without a sign: its storage type."""
NOT_PACKED = 37
NOT_NUMBERS = 38
"""An array of references filled from data."""
ARRAY_TYPES = 39
"""Elements that do not fit an array: the types wanted and found."""
SEGMENT_TYPES = 40
"""An element segment that does not fit an array: the types wanted and found."""
NO_REFERENCE_LABEL = 41
"""A branch takes a reference along to a label that takes none: its depth."""
CAST_ACROSS = 42
"""A cast between hierarchies: the types wanted and found."""
LEFT_TO_ARM = 43
"""A legacy arm leaves values beside its results."""
NO_TRY = 44
"""``catch``, ``catch_all`` or ``delegate`` without an open ``try``."""
NOT_CATCHING = 45
"""A ``rethrow`` whose label is that of no catch block."""
CLAUSE_TYPES = 46
"""A clause gives its label other values than it takes: the label's depth."""
TOO_MANY_TRIES = 47
NOT_CONSTANT = 48
MUTABLE_GLOBAL = 49
"""A constant expression reads a global that can change: its index."""
UNKNOWN_GLOBAL = 50
"""A constant expression reads a global that stands behind it: its index and how many there are."""
NO_END = 51
BEHIND_END = 52
"""Bytes behind the body's last ``end``: how many."""
TOO_MANY_LOCALS = 53
