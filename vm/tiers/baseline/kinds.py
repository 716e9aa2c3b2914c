"""What the compiler needs to know of each threaded instruction and of each stencil, as rows of numbers."""

from __future__ import annotations

# kinds of threaded instructions; those without stencils are left to their handlers
(
    HANDLER,
    ENDS,
    BINARY,
    BINARY_K,
    UNARY,
    BRANCH,
    BRANCH_K,
    BRANCH_1,
    LOAD,
    STORE,
    STORE_K,
    COPY,
    CONST,
    SELECT,
    GLOBAL_GET,
    GLOBAL_SET,
    JUMP,
    TABLE,
    RETURN,
    RETURN_ONE,
    CALL,
    CALL_INDIRECT,
    CALL_REF,
    ENTER,
    ENTER_CLEAR,
    COUNT,
) = range(26)

# a shape: kind, words, types of the operands and the result, stencils by form
KIND, LENGTH, TYPE_A, TYPE_B, TYPE_D, FORMS = range(6)
SHAPE_CELLS = 12

RR2, RM2, RK2, RR3, RM3, RK3 = range(6)
"""Forms of two operands; those of one are ``R3``, ``M3``, branches and accesses have the first three."""
R, M, K = 0, 1, 2

I32, I64, F32, F64 = range(1, 5)
"""Types; those from ``F32`` on are in vector registers."""

# a stencil: bytes, registers to be avoided, whether it is one instruction, how many traps, their codes; where
# its code, its holes and what is flipped for other registers begin, how many of these there are
SIZE, AVOIDED, SINGLE, TRAPS, TRAP_CODES = range(5)
MOST_TRAPS = 3
CODE, HOLES, HOLE_COUNT, FLIPS, FLIP_COUNT = range(TRAP_CODES + MOST_TRAPS, TRAP_CODES + MOST_TRAPS + 5)
STENCIL_CELLS = FLIP_COUNT + 1

# a hole: where it is in the stencil, what fills it, how (``stencil``), a number to be added
OFFSET, SOURCE, HOLE_KIND, ADDEND = range(4)
HOLE_CELLS = 4

SOURCES = ("h0", "h1", "q0", "h2", "taken", "pool", "table", "constant", "trap_")
"""What fills holes: four cells of a record; its target; a constant of the function's; a table of the places
that the instruction at its target goes to; a constant of the library's; exits, from the last of these numbers
on."""
SAME = {"w0": "h1", "k": "h1"}
"""Symbols for the same cell."""
TAKEN, POOL, TABLE_AT, CONSTANT, TRAP = range(4, 9)

# a flip: the operand, the bit of its register's number, the byte, the mask, the bit as it was compiled
OPERAND, BIT, BYTE_AT, MASK, COMPILED = range(5)
FLIP_CELLS = 5

# a record of the compiler's output
STENCIL, HOLE_0, HOLE_1, HOLE_2, HOLE_3, TARGET, FIRST_EXIT = range(7)
RECORD_CELLS = 7
A_SHIFT, B_SHIFT, D_SHIFT = 16, 21, 26
"""Where in the first cell the registers of the operands stand."""
