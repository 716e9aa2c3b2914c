"""Global variables: a native cell of 16 bytes each, of which scalars use the low 8."""

from __future__ import annotations

from vm.isa.types import GlobalType
from vm.memory.native import peek, poke


class Global:
    """One global: ``cell`` is the address of its value, ``value`` its bit pattern, ``owner`` its store."""

    __slots__ = ("cell", "owner", "type")

    def __init__(self, type: GlobalType, cell: int, value: int = 0, *, owner: object = None) -> None:
        self.type = type
        self.cell = cell
        self.owner = owner
        self.value = value

    @property
    def value(self) -> int:
        """The bit pattern, as unsigned integer."""
        return peek(self.cell)

    @value.setter
    def value(self, bits: int) -> None:
        poke(self.cell, bits)
