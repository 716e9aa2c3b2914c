"""One function's threaded code as it was made, before it lies anywhere; and as data for the next start.

Three things in the words are of this process: addresses of handlers, numbers of types, numbers of steps. The
translator notes where they stand, so that they are put in anew elsewhere.
"""

from __future__ import annotations

import struct

from vm.isa.types import DefType, ValType, ValueType
from vm.records import Record, field
from vm.tiers.threaded.steps import OfReference, StepPlan
from vm.typed import TYPE_CHECKING, Any, Mapping, NamedTuple, Sequence, TypeAlias

if TYPE_CHECKING:
    from array import array

    from vm.tiers.threaded.unwinding import Guard

LIMIT = 2
"""Where in a ``count``, in words, it says how often it may still run."""

Packed = tuple[Any, ...]
"""What ``pack`` gives: numbers, bytes, tuples and lists of them."""


Words: TypeAlias = "array[int] | memoryview"
"""Code as the translator makes it, or as it was on disk: words of 64 bits."""


class Places(Record):
    """Where the words hold what is of this process: ``handlers``; type indices and step numbers by place.

    ``portable`` is whether that is all.
    """

    handlers: list[int] = field(default_factory=list)
    types: dict[int, int] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=dict)
    portable: bool = True


class Door(NamedTuple):
    """A way into code from outside: the word that it leads to, and how many slots of the frame are in use
    there.
    """

    entry: int
    slots: int


class Made(Record):
    """The code. Operands are in slots from ``first`` on; ``counted`` is where the ``count`` of the function's
    entry stands (-1: there is none), ``loops`` where those of loops do, with the offsets that they are for.
    ``labels`` are the places that jumps go to, and the slot behind the operands there. ``door`` is where else
    than at its start it is entered, if anywhere.
    """

    words: Words
    first: int
    counted: int
    loops: Mapping[int, int]
    labels: Sequence[tuple[int, int]]
    guards: Sequence[Guard]
    places: Places
    door: Door | None = None

    @property
    def portable(self) -> bool:
        """Whether another process can have it, as far as is known without its steps."""
        return self.places.portable and not self.guards


def pack(made: Made, base: int, steps: Sequence[StepPlan]) -> Packed | None:
    """The code as data; None when it holds what no other process could read. Handlers lie from ``base``."""
    places = made.places
    plans = [_plain(steps[number]) for number in places.steps.values()]
    if not made.portable or None in plans:
        return None
    words = memoryview(bytearray(made.words)).cast("Q")
    for at in places.handlers:
        words[at] -= base
    for at in (*places.types, *places.steps):
        words[at] &= 0xFFFF_FFFF if at in places.steps else 0
    return (
        words.tobytes(),
        struct.pack(f"{len(places.handlers)}I", *places.handlers),
        tuple(places.types.items()),
        tuple(zip(places.steps, plans, strict=True)),
        made.first,
        made.counted,
        tuple(made.loops.items()),
        tuple(made.labels),
    )


def unpack(
    packed: Packed, base: int, types: Sequence[DefType], steps: list[StepPlan], limits: tuple[int, int]
) -> Made:
    """The code for this process, whose handlers lie from ``base`` on; its steps are added to ``steps``.

    ``limits`` are how often the function's entry, and each of its loops' heads, may run.
    """
    content, handlers, numbers, plans, first, counted, loops, labels = packed
    words = memoryview(bytearray(content)).cast("Q")
    places = Places(memoryview(handlers).cast("I").tolist(), dict(numbers))
    for at in places.handlers:
        words[at] += base
    for at, number in numbers:
        words[at] = types[number].id
    for at, (opcode, immediates, count, params, results) in plans:
        places.steps[at] = len(steps)
        words[at] |= len(steps) << 32
        wide = tuple(map(ValType, params)), tuple(map(ValType, results))
        steps.append(StepPlan(OfReference(opcode, immediates, count), *wide))
    if counted >= 0:
        words[counted + LIMIT] = limits[0]
    for at, _ in loops:
        words[at + LIMIT] = limits[1]
    return Made(words, first, counted, dict(loops), labels, (), places)


def _plain(plan: StepPlan) -> Packed | None:
    """A step as data, if it is the reference tier's for an instruction on numbers."""
    make = plan.make
    if not isinstance(make, OfReference) or any(type(value) is not int for value in make.immediates):
        return None
    return make.opcode, make.immediates, make.count, _numbers(plan.params), _numbers(plan.results)


def _numbers(types: Sequence[ValueType]) -> tuple[int, ...]:
    """Types as far as a step's words depend on them: a reference is a word."""
    return tuple(type.value if isinstance(type, ValType) else ValType.I64.value for type in types)
