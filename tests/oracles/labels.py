"""Where branches go, found the slow way: look for the matching ``end`` by scanning, for each branch anew.

Judges the validator's side table. It knows nothing of types, heights or one-pass tricks.
"""

from __future__ import annotations

from vm.module.instructions import read

_OPENS = frozenset({"block", "loop", "if"})


def branch_targets(code: bytes, start: int, end: int) -> list[int]:
    """Targets of all branches in a body, in the order of the side table (``vm.module.body.FunctionInfo``)."""
    targets: list[int] = []
    enclosing: list[int] = []  # offsets of the open blocks' opcodes, innermost last
    at = start
    while at < end:
        opcode, immediates, following = read(code, at)
        match opcode.name:
            case "br" | "br_if":
                targets.append(_label(code, start, end, enclosing, immediates[0]))
            case "br_table":
                depths = (*immediates[0], immediates[1])
                targets += [_label(code, start, end, enclosing, depth) for depth in depths]
            case "return":
                targets.append(end - 1)
            case "if":
                targets.append(_scan(code, following, stop_at_else=True))
            case "else":
                targets.append(_scan(code, following, stop_at_else=False))
        if opcode.name in _OPENS:
            enclosing.append(at)
        elif opcode.name == "end" and enclosing:
            enclosing.pop()
        at = following
    return targets


def _label(code: bytes, start: int, end: int, enclosing: list[int], depth: int) -> int:
    """A loop's first instruction, the place behind a block's ``end``, or the function's final ``end``."""
    if depth == len(enclosing):
        return end - 1
    opcode, _, inside = read(code, enclosing[-1 - depth])
    return inside if opcode.name == "loop" else _scan(code, inside, stop_at_else=False)


def _scan(code: bytes, at: int, *, stop_at_else: bool) -> int:
    """The offset behind the ``end`` (or, if asked for, the ``else``) of the block that is open at ``at``."""
    depth = 0
    while True:
        opcode, _, at = read(code, at)
        if depth == 0 and (opcode.name == "end" or (stop_at_else and opcode.name == "else")):
            return at
        depth += (opcode.name in _OPENS) - (opcode.name == "end")
