"""Global variables: a native cell of 16 bytes each, of which all but vectors use the low 8."""

from __future__ import annotations

from vm.isa.types import GlobalType, ValType
from vm.memory.native import WORD, peek, poke
from vm.runtime.words import WORD_MASK
from vm.typed import Callable


class Global:
    """One global: ``cell`` is the address of its value, ``value`` its bit pattern, ``owner`` its store."""

    __slots__ = ("_hold", "cell", "owner", "type")

    def __init__(
        self,
        type: GlobalType,
        cell: int,
        value: int = 0,
        *,
        owner: object = None,
        hold: Callable[[int], int] | None = None,
    ) -> None:
        """``hold`` makes references that Python holds, where values are references to managed objects."""
        self.type = type
        self.cell = cell
        self.owner = owner
        self._hold = hold
        self.value = value

    @property
    def value(self) -> int:
        """The bit pattern, as unsigned integer."""
        if self.type.content is ValType.V128:
            return peek(self.cell) | peek(self.cell + WORD) << 64
        return peek(self.cell) if self._hold is None else self._hold(peek(self.cell))

    @value.setter
    def value(self, bits: int) -> None:
        if self.type.content is ValType.V128:
            poke(self.cell + WORD, bits >> 64)
            bits &= WORD_MASK
        poke(self.cell, bits)
