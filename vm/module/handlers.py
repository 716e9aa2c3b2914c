"""Where control can go from a body's instructions: branches, and the handlers of exceptions."""

from __future__ import annotations

from vm.records import Record


class Branch(Record):
    """One way a branch can go.

    ``target`` is the byte offset where execution goes on: behind the ``end`` of a block, at the first
    instruction of a loop, at the final ``end`` of the function for its outermost label. ``kept`` values
    stay on top of the operand stack, the ``dropped`` ones beneath them go. ``entry`` is the index of
    the first side table entry at or behind ``target``, for executors that walk code and table in step.
    """

    target: int
    kept: int
    dropped: int
    entry: int


class Catch(Record):
    """What a handler does with exceptions of one ``tag`` (index; None: of any).

    Their values, and a reference to the exception if ``with_ref``, become the operands above the lowest
    ``base`` ones; then execution goes on as ``branch`` says (which drops nothing more). ``kept`` is the
    number of the slot behind the operands that a ``rethrow`` reads the exception from; None: there is none.
    """

    tag: int | None
    with_ref: bool
    base: int
    branch: Branch
    kept: int | None = None


class Handler(Record, eq=False):
    """What catches exceptions that code at the byte offsets ``start`` to ``end`` (exclusive) throws.

    The first clause that fits has it, else the handler ``outer`` (None: the caller's).
    """

    start: int
    end: int
    clauses: list[Catch]
    outer: Handler | None
