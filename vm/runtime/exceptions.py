"""WebAssembly exceptions as Python exceptions: what tiers throw, and what reaches a caller uncaught."""

from __future__ import annotations

from vm.errors import Trap, TrapCode
from vm.runtime.backtrace import forget
from vm.runtime.tags import Tag
from vm.typed import Sequence


class Exn(Trap):
    """An exception of ``origin``, a tag; ``bits`` is what it brings along (patterns as in ``vm.tiers.base``).

    It is the same object wherever it goes: thrown by code, held in an exnref, caught by a host function,
    raised again. What nothing catches is a trap, with the frames from where it was thrown. ``package`` keeps
    alive the heap object that it was made from, if there is one.
    """

    def __init__(self, origin: Tag, bits: Sequence[int]) -> None:
        super().__init__(TrapCode.UNCAUGHT_EXCEPTION)
        self.origin = origin
        self.bits = tuple(bits)
        self.package = 0

    def again(self) -> Exn:
        """The same, about to be thrown anew: where it was thrown before is forgotten."""
        self.frames = ()
        forget(self)
        return self
