"""All of the compiler in one call: what its machine code exports."""

from __future__ import annotations

from vm.module.kernel.restricted import kernel
from vm.tiers.baseline.kinds import RECORD_CELLS
from vm.tiers.baseline.patch import assemble_function
from vm.tiers.baseline.walk import compile_function
from vm.tiers.baseline.work import BYTES as BYTES
from vm.tiers.baseline.work import END, EXITS, POSITION, RECORDS, ROOM, Work

WORK = Work
EXPORTS = ("make_function",)
"""What the machine code is made of (``vm.native.restricted``)."""

_STUB = 16


@kernel("w:i")
def bound(w: Work) -> int:
    """An upper bound of the bytes that the code takes; a table is no longer than its instruction."""
    return (
        8 * w.state[END]
        + w.state[POSITION]
        + _STUB * w.state[EXITS]
        + 8 * (w.state[RECORDS] // RECORD_CELLS + 1)
    )


@kernel("w:i")
def make_function(w: Work) -> int:
    """Compile a function and write its code; its size, -1 when that fails (``FAULT`` says why), or less: the
    complement of how much room it takes, which there is not. Called again, it goes on with what it compiled.
    """
    if w.state[POSITION] == 0 and compile_function(w):
        return -1
    size = bound(w)
    if size > w.state[ROOM]:
        return -1 - size
    return assemble_function(w)
