"""What restricted Python is, and the record on which all of it works.

A kernel function uses integers and the arrays of ``Work``, ``while`` and ``if``, and other kernel functions;
nothing else. Every integer fits 64 bits, signed, whatever the input. So the same source runs as it stands,
on lists and bytes, and compiled by Numba, on pointers; ``kernel`` marks what belongs to it. Faults are
numbers in ``Work.state``, as there are no exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, MutableSequence, Sequence

from vm.typed import NamedTuple, TypeVar

_F = TypeVar("_F", bound=Callable[..., object])


class Work(NamedTuple):
    """The arrays of one validation; what lies where in them stands in ``layout``."""

    code: Sequence[int]
    """The whole binary, as bytes."""
    opcodes: Sequence[int]
    """The opcode table (``facts.opcode_rows``)."""
    facts: Sequence[int]
    """The module (``facts.module_facts``)."""
    state: MutableSequence[int]
    """Where the walk is."""
    stack: MutableSequence[int]
    """Types of the operands, as words."""
    blocks: MutableSequence[int]
    """Open blocks, as records."""
    table: MutableSequence[int]
    """The side table, as records."""
    locals: MutableSequence[int]
    """Types of the locals, as words."""
    unset: MutableSequence[int]
    """For each local, whether it has no value yet; behind those, the locals set so far, in order."""
    handlers: MutableSequence[int]
    """Handlers of exceptions, as records."""
    clauses: MutableSequence[int]
    """Their clauses, as records."""
    extents: Sequence[int]
    """Where the bodies of a run start and end."""


def kernel(signature: str) -> Callable[[_F], _F]:
    """Mark a kernel function: w is the work record, i an integer; as "wi:i", parameters and result."""

    def mark(function: _F) -> _F:
        _MARKED.append((function, signature))
        return function

    return mark


_MARKED: list[tuple[Callable[..., object], str]] = []
"""Every kernel function in order of definition, callees first, with its signature."""


def marked() -> list[tuple[Callable[..., object], str]]:
    """Every kernel function of the modules imported so far, with its signature."""
    return list(_MARKED)
