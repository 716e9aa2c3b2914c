"""Instructions that Python runs for the machine: those that have no handler, by the reference tier's steps.

Such a step works on a list of values that holds its operands, deepest first, and then its results. It is made
when an instance first needs it; instances share the plans.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

from vm.isa.opcodes import Opcode
from vm.isa.types import ValueType
from vm.runtime.instance import Instance
from vm.runtime.words import from_words, offsets, to_words
from vm.typed import Any, NamedTuple

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


def of_reference(opcode: Opcode, immediates: Sequence[Any], count: int) -> Maker:
    """The reference tier's step of an instruction with ``count`` operands."""

    def make(instance: Instance) -> Step:
        from vm.tiers.reference.translate import step_of  # most programs never come here

        return step_of(instance, opcode, tuple(immediates), count)

    return make
