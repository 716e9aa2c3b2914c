"""What lies where in the arrays of ``Work``. Cells are integers; a record is a run of cells."""

from __future__ import annotations

# Work.state
AT = 0
"""Where the next byte is read."""
END = 1
"""Where the body ends."""
INSTRUCTION = 2
"""Where the instruction at hand starts."""
OPERANDS = 3
"""How many operands are on the stack."""
MOST_OPERANDS = 4
HEIGHT = 5
"""How many of them lie below the innermost block."""
UNREACHABLE = 6
"""Whether the code at hand never runs."""
BLOCKS = 7
"""How many blocks are open."""
ENTRIES = 8
"""How many entries the side table has."""
LOCALS = 9
SETS = 10
"""How many locals that had no value got one, and keep it until their block ends."""
FAULT = 11
"""The first fault's number (``faults``), or 0."""
FAULT_A = 12
FAULT_B = 13
"""What else there is to say of it."""
FAULT_AT = 14
HANDLERS = 15
"""How many handlers of exceptions there are."""
CLOSED = 16
"""How many of them have their end."""
CLAUSES = 17
KEPT_EXCEPTIONS = 18
"""How many slots behind the operands keep an exception for ``rethrow``."""
SCOPE = 19
"""In a constant expression, how many globals it may read; -1 in a body."""
TRIES = 20
"""How many handlers cover the code at hand."""
STATE_CELLS = 21

# Work.blocks, a record
KIND = 0
PARAMS = 1
"""Where in the facts the types of its parameters lie, and how many they are."""
PARAM_COUNT = 2
RESULTS = 3
RESULT_COUNT = 4
BLOCK_HEIGHT = 5
START = 6
START_ENTRY = 7
BLOCK_UNREACHABLE = 8
FALSE_BRANCH = 9
"""The entry of an ``if`` that jumps over its first arm, plus one; 0 when there is none open."""
FORWARD = 10
"""The newest entry that waits for this block's end, plus one; each holds the next as its target."""
BLOCK_SETS = 11
HANDLER = 12
"""The handler of what its code throws now, plus one."""
CAUGHT = 13
"""In the legacy form, the handler to which its clauses belong, plus one."""
CLAUSE = 14
"""In the legacy form, the clause whose code this is, plus one."""
BLOCK_CELLS = 15

FUNCTION = 0
BLOCK = 1
LOOP = 2
IF = 3
ELSE = 4
TRY_TABLE = 5
TRY = 6
CATCH = 7
CATCH_ALL = 8

# Work.table, a record (``vm.module.body.Branch``)
TARGET = 0
KEPT = 1
DROPPED = 2
ENTRY = 3
ENTRY_CELLS = 4

# Work.handlers, a record (``vm.module.handlers.Handler``)
HANDLER_START = 0
HANDLER_END = 1
HANDLER_OUTER = 2
"""The handler around it, plus one."""
HANDLER_PLACE = 3
"""Its place among the handlers in the order of their ends."""
HANDLER_CELLS = 4

# Work.clauses, a record (``vm.module.handlers.Catch``)
CLAUSE_HANDLER = 0
CLAUSE_TAG = 1
"""The tag's index, or -1."""
CLAUSE_WITH_REF = 2
CLAUSE_BASE = 3
CLAUSE_TARGET = 4
CLAUSE_COUNT = 5
CLAUSE_ENTRY = 6
CLAUSE_KEPT = 7
"""The slot that keeps the exception, or -1."""
CLAUSE_CELLS = 8

# Work.facts: a head, then the regions that it names
FUNCTION_COUNT = 0
FUNCTIONS = 1
"""For each function, the number of its type's definition."""
TYPE_COUNT = 2
TYPES = 3
"""For each type index, the number of the definition it means; equal types have equal numbers."""
DEFINITIONS = 4
"""Definitions by number, as records."""
TABLE_COUNT = 5
TABLES = 6
"""For each table, its element's type and its address type."""
MEMORY_COUNT = 7
MEMORIES = 8
"""For each memory, its address type."""
GLOBAL_COUNT = 9
GLOBALS = 10
"""For each global, its type and whether it can be set."""
ELEMENT_COUNT = 11
ELEMENTS = 12
"""For each element segment, its type."""
DATA_COUNT = 13
"""Number of data segments, or -1 when the module does not announce it."""
TAG_COUNT = 14
TAGS = 15
"""For each tag, the number of its type's definition."""
DECLARED = 16
"""For each function, whether ``ref.func`` may name it."""
SINGLES = 17
"""The words of all types, each at its own place: the signatures of blocks with one result."""
DEFINITION_COUNT = 18
HEAD_CELLS = 19

# a definition
DEFINED_KIND = 0
"""The abstract heap type right above: ``words.FUNC``, ``words.STRUCT`` or ``words.ARRAY``."""
SUPERTYPE = 1
"""Its declared supertype's number, or -1."""
FIELDS = 2
"""Where its parameters lie, or its fields (each a storage type and whether it can be set)."""
FIELD_COUNT = 3
DEFINED_RESULTS = 4
ALL_DEFAULT = 4
"""In the place of results, for structures and arrays: whether all that they hold has a default value."""
DEFINED_RESULT_COUNT = 5
DEFINITION_CELLS = 6

# Work.opcodes, a record; the index is the byte, or a prefix's page plus the sub-opcode
RULE = 0
"""Which rule it follows (``walk``); 0 when there is no such instruction."""
PARAM_WORDS = 1
"""The types of its operands, 4 bits each, the last lowest."""
OPERAND_COUNT = 2
RESULT_WORDS = 3
"""The types of its results, 4 bits each, the first lowest."""
ACCESS = 4
"""log2 of the width of an access to memory."""
LANES = 5
CONSTANT = 6
"""Whether constant expressions may use it."""
OPCODE_CELLS = 7

PAGE_FB = 0x100
PAGE_FC = 0x200
PAGE_FD = 0x300
PAGE_FE = 0x500
OPCODE_COUNT = 0x600
LARGEST_SUB = 0x1FF
