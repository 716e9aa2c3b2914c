"""Instructions that Python runs for the machine: those that have no handler, by the reference tier's steps.

Such a step works on a list of values that holds its operands, deepest first, and then its results. It is made
when an instance first needs it; instances share the plans.
"""

from __future__ import annotations

import ctypes

from vm.isa.types import ValType, ValueType
from vm.records import Record
from vm.runtime.instance import Instance
from vm.runtime.words import WORD_MASK, from_words, offsets, to_words
from vm.typed import TYPE_CHECKING, Any, Callable, NamedTuple, Sequence

if TYPE_CHECKING:
    from vm.isa.opcodes import Opcode

Step = Callable[[list[int]], None]
Maker = Callable[[Instance], Step]
"""Makes the step for an instance."""


class StepPlan(NamedTuple):
    """A step to be, and the types of its operands and results."""

    make: Maker
    params: tuple[ValueType, ...]
    results: tuple[ValueType, ...]

    def run(self, step: Step, address: int) -> None:
        """Run the step on the words at ``address``, which hold the operands and then the results."""
        count = offsets(self.params)[-1]
        operands = from_words(self.params, (ctypes.c_uint64 * count).from_address(address)[:])
        values = operands + [0] * len(self.results)
        step(values)
        words: list[ctypes.c_uint64 | int] = [*to_words(self.results, values[: len(self.results)])]
        (ctypes.c_uint64 * len(words)).from_address(address)[:] = words


class OfReference(Record, frozen=True):
    """Makes the reference tier's step of an instruction, known by its code, with ``count`` operands."""

    opcode: int
    immediates: tuple[Any, ...]
    count: int

    def __call__(self, instance: Instance) -> Step:
        """A ``Maker``."""
        if self.opcode == _MEMORY_GROW:
            return _memory_grow(instance, self.immediates[0])
        from vm.isa.opcodes import BY_CODE  # most programs never come here
        from vm.tiers.reference.translate import step_of

        return step_of(instance, BY_CODE[self.opcode], self.immediates, self.count)


_MEMORY_GROW = 0x40
"""The opcode of what most programs do once or twice: importing all steps would take longer than they run."""


def _memory_grow(instance: Instance, index: int) -> Step:
    memory = instance.memories[index]
    mask = 0xFFFF_FFFF if memory.type.address is ValType.I32 else WORD_MASK

    def step(values: list[int]) -> None:
        values[0] = memory.grow(values[0]) & mask

    return step


def of_reference(opcode: Opcode, immediates: Sequence[Any], count: int) -> Maker:
    """The reference tier's step of an instruction with ``count`` operands."""
    return OfReference(opcode.code, tuple(immediates), count)
