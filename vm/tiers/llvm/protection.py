"""What a function that catches exceptions must know of its code beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from vm.module.instructions import read
from vm.module.model import Body, ModuleData
from vm.typed import Any

_TRIES = frozenset({"try", "try_table"})
_BLOCKS = frozenset({"block", "loop", "if"}) | _TRIES
_FIRST_BYTES = (b"\x06", b"\x1f")
_ARMS = frozenset({"catch", "catch_all"})
_CLOSING = frozenset({"end", "delegate"})


@dataclass(frozen=True, slots=True)
class Protection:
    """``volatile`` are the locals that must live in memory: when a handler gets control, registers are as
    they were when its ``try`` was entered, so what its code has set since would be lost (as with C's setjmp).
    ``rethrows``: an exception has to be kept where it is caught.
    """

    volatile: frozenset[int] = frozenset()
    rethrows: bool = False


_NOTHING = Protection()


@dataclass(slots=True)
class _Try:
    """The bytes ``start`` to ``end`` that a handler covers, the locals set there, and whether a loop is
    around, which may enter them again.
    """

    start: int
    in_loop: bool
    end: int = 0
    sets: set[int] = field(default_factory=set)


def scan(module: ModuleData, body: Body, shown: Callable[[int], bool]) -> Protection:
    """Look through a body; quick for the many without the bytes that a ``try`` begins with.

    ``shown`` says of a local whether the collector may ask for it at any call, so that it is always read.
    """
    if all(module.binary.find(byte, body.start, body.end) < 0 for byte in _FIRST_BYTES):
        return _NOTHING
    found = _Scan(module, body)
    volatile = {
        index
        for block in found.tries
        for index in block.sets
        if shown(index) or found.read_after(index, block)
    }
    return Protection(frozenset(volatile), found.rethrows)


class _Scan:
    """What one walk finds: the tries, and from where to where each local is read."""

    def __init__(self, module: ModuleData, body: Body) -> None:
        self.tries: list[_Try] = []
        self.rethrows = False
        self._reads: dict[int, tuple[int, int]] = {}
        self._blocks: list[str] = []
        self._open: list[_Try] = []
        self._loops = 0
        at = body.start
        while at < body.end:
            here = at
            opcode, immediates, at = read(module.binary, at)
            self._step(opcode.name, immediates, here, at)

    def read_after(self, index: int, block: _Try) -> bool:
        """Whether a local may be read after the handler of ``block``, which sets it, got control."""
        if index not in self._reads:
            return False
        first, last = self._reads[index]
        return block.in_loop or first < block.start or last >= block.end

    def _step(self, name: str, immediates: tuple[Any, ...], here: int, following: int) -> None:
        if name in _BLOCKS:
            self._blocks.append(name)
            self._loops += name == "loop"
            if name in _TRIES:
                self._open.append(_Try(following, self._loops > 0))
        elif (name in _ARMS or name in _CLOSING) and self._blocks:
            self._close(here)
            if name in _ARMS:
                self._blocks.append(name)
        elif name in ("local.set", "local.tee") and self._open:
            self._open[-1].sets.add(immediates[0])
        elif name == "local.get":
            first, _ = self._reads.get(immediates[0], (here, here))
            self._reads[immediates[0]] = first, here
        self.rethrows |= name == "rethrow"

    def _close(self, here: int) -> None:
        """At the end of a block or arm. What a try sets, those around it set, too."""
        name = self._blocks.pop()
        self._loops -= name == "loop"
        if name in _TRIES:
            block = self._open.pop()
            block.end = here
            self.tries.append(block)
            if self._open:
                self._open[-1].sets |= block.sets
