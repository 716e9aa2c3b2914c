"""What code costs in fuel, known before it runs and the same in every tier.

A function is charged when it is entered, a loop each time its head is reached: one unit for every instruction
that may run until the next charge of that loop or function. So a unit buys at most one instruction, and code
that does not end uses fuel up. Both arms of an ``if`` count, whichever runs (wasmtime counts what did run).
What only gives structure is free, there as here.
"""

from __future__ import annotations

from vm.module.instructions import read
from vm.module.model import ModuleData

_FREE = frozenset({"nop", "drop", "block", "loop", "else", "end"})
_OPENS = frozenset({"block", "loop", "if", "try", "try_table"})
_CLOSES = frozenset({"end", "delegate"})


def costs(module: ModuleData, index: int) -> dict[int, int]:
    """Units by place: the offset of the body's first instruction, and of each loop's.

    A body that begins with a ``loop`` still has two places: the loop's first instruction is behind it.
    """
    body = module.bodies[index - module.imported_functions]
    found = {body.start: 1}
    payers = [body.start]
    at = body.start
    while at < body.end:
        opcode, _, at = read(module.binary, at)
        if opcode.name in _OPENS:
            payers.append(at if opcode.name == "loop" else payers[-1])
            found.setdefault(payers[-1], 0)
        elif opcode.name in _CLOSES:
            payers.pop()
        if opcode.name not in _FREE:
            found[payers[-1]] += 1
    return found
