"""Which registers stencils pass on to each other: ``preserve_nonecc``'s parameters, in its order.

The machine's five stay where the threaded tier has them, except that nothing keeps ``pc``: its register is
one more for values. A register's number is the processor's; vector registers count from ``VECTORS`` on.
"""

from __future__ import annotations

FRAME, CONTEXT, CONTROL, MEMORY = 13, 14, 15, 7
PASSED = (12, FRAME, CONTEXT, CONTROL, MEMORY, 6, 2, 1, 8, 9, 11, 0)
"""General registers by place among the parameters: R12 to R15, RDI, RSI, RDX, RCX, R8, R9, R11, RAX."""

PINS = (6, 12, 9, 1)
"""General registers that locals may have for a whole function: those first that few stencils use."""

VECTORS = 16
VECTOR_COUNT = 8

OPERANDS = (8, 9, 11)
"""Where a stencil is compiled to have its general operands: a, b, and a result that is not in a's place."""

VECTOR_OPERANDS = (4, 5, 6)
"""The same for vector registers."""

MACHINE = {FRAME: "%fr", CONTEXT: "%ctx", CONTROL: "%cs", MEMORY: "%mem"}
"""What the machine's registers are called in a stencil's text."""
