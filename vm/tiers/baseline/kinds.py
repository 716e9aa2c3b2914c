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
    ENTER,
    ENTER_CLEAR,
) = range(23)

# a shape: kind, words, types of the operands and the result, stencils by form
KIND, LENGTH, TYPE_A, TYPE_B, TYPE_D, FORMS = range(6)
SHAPE_CELLS = 12

RR2, RM2, RK2, RR3, RM3, RK3 = range(6)
"""Forms of two operands; those of one are ``R3``, ``M3``, branches and accesses have the first three."""
R, M, K = 0, 1, 2

I32, I64, F32, F64 = range(1, 5)
"""Types; those from ``F32`` on are in vector registers."""

# a stencil: bytes, registers to be avoided, whether it is one instruction, how many traps, their codes
SIZE, AVOIDED, SINGLE, TRAPS, TRAP_CODES = range(5)
STENCIL_CELLS = 8

# a record of the compiler's output
STENCIL, HOLE_0, HOLE_1, HOLE_2, TARGET, FIRST_EXIT = range(6)
RECORD_CELLS = 6
A_SHIFT, B_SHIFT, D_SHIFT = 16, 21, 26
"""Where in the first cell the registers of the operands stand."""
