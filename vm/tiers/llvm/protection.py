"""What a function that catches exceptions must know of its code beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from vm.module.instructions import read
from vm.module.model import Body, ModuleData

_TRIES = frozenset({"try", "try_table"})
_FIRST_BYTES = (b"\x06", b"\x1f")
_ARMS = frozenset({"catch", "catch_all"})


@dataclass(frozen=True, slots=True)
class Protection:
    """``volatile`` are the locals that code under a handler sets: when a handler gets control, registers are
    as they were when its ``try`` was entered, so such locals have to live in memory (as C's setjmp wants it).
    ``rethrows``: an exception has to be kept where it is caught.
    """

    volatile: frozenset[int] = frozenset()
    rethrows: bool = False


_NOTHING = Protection()


def scan(module: ModuleData, body: Body) -> Protection:
    """Look through a body; quick for the many without the bytes that a ``try`` begins with."""
    code, at = module.binary, body.start
    if all(code.find(byte, at, body.end) < 0 for byte in _FIRST_BYTES):
        return _NOTHING
    volatile: set[int] = set()
    rethrows, covered, blocks = False, 0, []
    while at < body.end:
        opcode, immediates, at = read(code, at)
        name = opcode.name
        if name in ("block", "loop", "if") or name in _TRIES:
            blocks.append(name in _TRIES)
            covered += blocks[-1]
        elif (name in _ARMS or name == "delegate" or name == "end") and blocks:
            covered -= blocks.pop()
            if name in _ARMS:
                blocks.append(False)
        elif covered and name in ("local.set", "local.tee"):
            volatile.add(immediates[0])
        rethrows |= name == "rethrow"
    return Protection(frozenset(volatile), rethrows)
