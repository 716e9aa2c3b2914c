"""What a body becomes: basic blocks of steps, linked by how they end.

A frame is one list: locals first, then the operand stack, whose height at each instruction is known
beforehand; so a step is a closure over slot numbers that reads and writes the frame. Values are bit
patterns as in ``vm.tiers.base``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from vm.isa.opcodes import Opcode
from vm.module.model import ModuleData
from vm.runtime.exceptions import Exn
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.runtime.tags import Tag
from vm.typed import Any

Frame = list[int]
Step = Callable[[Frame], None]

Maker = Callable[[Instance, Opcode, tuple[Any, ...], int], Step]
"""Makes the step of an instruction: from the row, its immediates and the number of slots in use."""


Effect = int | Callable[[ModuleData, tuple[Any, ...]], int]
"""By how much the operand stack grows: for some instructions, their immediates say."""


class Ending(enum.Enum):
    """How a block ends."""

    GOTO = "goto"
    """Go on with ``next``."""
    BRANCH = "branch"
    """Go on with what ``choose`` says."""
    CALL = "call"
    """Call what ``callee`` says with ``arity`` values from slot ``base``; results go there; then ``next``."""
    TAIL_CALL = "tail call"
    """As ``CALL``, but in the place of the caller: results go to its caller."""
    RETURN = "return"
    """Leave the function with its results from slot ``base``."""


class Block:
    """Steps without control flow between them, and an ending. ``guard`` catches what they throw.

    ``offsets`` has for each step where its instruction lies in the binary, ``last`` the same of the ending.
    """

    __slots__ = ("arity", "base", "callee", "choose", "ending", "guard", "last", "next", "offsets", "steps")

    steps: list[Step]
    ending: Ending
    next: Block
    choose: Callable[[Frame], Block]
    callee: Callable[[Frame], Function]
    base: int
    arity: int

    def __init__(self) -> None:
        self.steps = []
        self.offsets: list[int] = []
        self.last = 0
        self.guard: Guard | None = None

    def offset(self, step: Step | None) -> int:
        """Where the instruction of ``step`` lies; None is the ending."""
        return self.last if step is None else self.offsets[self.steps.index(step)]

    def catch(self, thrown: Exn, frame: Frame) -> Block | None:
        """Where execution goes on after an exception, which is in the frame then; None if nowhere here."""
        guard = self.guard
        while guard is not None:
            for clause in guard.clauses:
                if clause.tag is None or clause.tag is thrown.origin:
                    clause.enter(frame, thrown)
                    return clause.block
            guard = guard.outer
        return None


@dataclass(slots=True)
class Clause:
    """What a guard does with exceptions of ``tag`` (None: of any): ``enter`` puts them into the frame."""

    tag: Tag | None
    enter: Callable[[Frame, Exn], None]
    block: Block


@dataclass(slots=True)
class Guard:
    """An exception handler: its clauses, and the handler around it in the same function."""

    clauses: list[Clause]
    outer: Guard | None


class FunctionCode:
    """A translated function. ``blank`` are the slots behind its parameters, as they are when it is entered.

    ``cost`` is what a frame counts against the knob ``max_wasm_stack``, in bytes.
    """

    __slots__ = ("blank", "cost", "entry", "function", "results")

    def __init__(self, function: Function, entry: Block, slots: int) -> None:
        self.function = function
        self.entry = entry
        self.results = len(function.type.results)
        self.blank = [0] * (slots - len(function.type.params))
        self.cost = _FRAME_OVERHEAD + 8 * slots


_FRAME_OVERHEAD = 64
"""Bytes a frame counts beside its slots, about what compiled code uses for a call."""
