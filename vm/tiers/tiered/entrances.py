"""The instructions by which the machine runs one module's compiled code, in place of its own."""

from __future__ import annotations

from vm.isa.types import FuncType
from vm.memory.native import Block
from vm.runtime.words import offsets
from vm.tiers.policy import Place
from vm.tiers.threaded.library import library
from vm.typed import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from vm.tiers.llvm.thunks import Thunks

_CODE = 4
"""Which word of a ``native`` is the address of the compiled code."""


class Entrances:
    """By place: a function's is what its calls run, a loop's what goes on at its head."""

    def __init__(self, thunks: Callable[[], Thunks]) -> None:
        self._thunks = thunks
        self._made: dict[Place, Block] = {}

    def at(self, place: Place) -> int:
        """The address of a place's instruction; 0: it has none."""
        made = self._made.get(place)
        return made.address if made is not None else 0

    def functions(self) -> list[tuple[int, int]]:
        """The functions that have one, with its address."""
        return [(index, made.address) for (index, loop), made in self._made.items() if loop is None]

    def loops(self) -> int:
        """How many loops have one."""
        return sum(loop is not None for _, loop in self._made)

    def lead(self, place: Place, code: int) -> bool:
        """Have a place's instruction run this code from now on; whether there is one. It stays where it is,
        for the machine may be about to run it.
        """
        made = self._made.get(place)
        if made is not None:
            made.words[_CODE] = code
        return made is not None

    def make(self, place: Place, type: FuncType, code: int) -> int:
        """The address of a new ``native`` that runs code of ``place`` in the frame of its function, which has
        this type.
        """
        thunk = self._thunks().relay(type) if place[1] is None else self._thunks().loop()
        params, results = offsets(type.params)[-1], offsets(type.results)[-1]
        made = Block(40)
        words = (params | results << 32, max(params, results, 1), thunk, code)
        for number, word in enumerate((library().handlers["native"], *words)):
            made.words[number] = word
        self._made[place] = made
        return made.address
