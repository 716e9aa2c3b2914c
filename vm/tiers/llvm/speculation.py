"""What code is allowed to expect, because it can be left for the machine wherever it was wrong.

A guard, or in tests any safe point, may end a function of compiled code in the middle. What its locals and
operands are goes into a frame of the machine, as it is in front of the guarded instruction, and the machine
does the rest of the function (``vm.tiers.llvm.leaving`` emits that; ``vm.tiers.tiered.departures`` gives the
machine's code, in which all operands are in their slots there). The machine's frames lie elsewhere than those
of compiled code, so nobody's is rewritten: a function that leaves calls the machine last, in the place of its
own frame, and its caller gets the results as ever. Where LLVM has put a function into its caller, that is as
true of the part that was it, so nothing says what was inlined where.

Locals that are not read any more are left out, references that nobody needs are 0. Handlers of exceptions are
taken out of force, for the machine's code has its own for the same instructions. Between places there is one
rule: what fuel or a deadline ask for at a loop's head or a function's start has been done once it is passed.

Only tier ``tiered`` has a machine to go on in: its requests say so, others' code cannot be left.
"""

from __future__ import annotations

from dataclasses import dataclass

from vm.jit.request import Request

LEAVES = "leaves"
"""The option of a request for code that can be left: at ``GUARDS``, or at ``POINTS`` that are counted."""

GUARDS, POINTS = "guards", "points"

AVOID = "avoid"
"""The option that lists, by offset, where nothing is expected any more."""


@dataclass(frozen=True, slots=True)
class Speculation:
    """Of one request: the function and loop (-1: none) that it is for, by which it is known who left; whether
    safe points count (``points``); ``avoid`` are instructions whose expectation has failed too often.
    """

    root: int
    loop: int
    points: bool
    avoid: frozenset[int]

    @classmethod
    def of(cls, request: Request) -> Speculation | None:
        """None where code cannot be left."""
        options = dict(request.options)
        if LEAVES not in options:
            return None
        avoid = frozenset(map(int, str(options.get(AVOID, "")).split()))
        points = options[LEAVES] == POINTS
        return cls(request.functions[0], int(options.get("loop", -1)), points, avoid)
