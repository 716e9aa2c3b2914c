"""From a validated body to linked basic blocks.

One walk over the code. The validator's side table says where branches go and what they do to the operand
stack; this walk follows the stack's height, so that every step knows its slots. Code that cannot be
reached is skipped: nothing is known of its stack, and nothing runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vm.isa.opcodes import Opcode
from vm.isa.types import FuncType
from vm.module.body import FunctionInfo
from vm.module.fuel import costs
from vm.module.handlers import Branch, Catch
from vm.module.instructions import block_type, read
from vm.module.validator import validate_function
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.tiers.reference.code import Block, Ending, Frame, FunctionCode, Step
from vm.tiers.reference.control import CONTROL
from vm.tiers.reference.guards import Guards
from vm.tiers.reference.numeric import MEANINGS
from vm.tiers.reference.steps import STACK_EFFECTS, STEPS
from vm.tiers.reference.vectors import VECTOR_MEANINGS
from vm.typed import Any


def translate(function: Function) -> FunctionCode:
    """The code of a defined function, validated on the way."""
    assert function.instance is not None
    info = validate_function(function.instance.module, function.index)
    entry = Translator(function.instance, function, info).run()
    return FunctionCode(function, entry, len(info.locals) + info.max_stack + info.kept_exceptions)


@dataclass(slots=True)
class Construct:
    """An open block. ``bottom`` is the first slot of its operands; ``dead`` says that nothing enters it.

    ``guarded``: a guard covers some of it; ``clause`` is the legacy clause whose code this is.
    """

    type: FuncType
    bottom: int
    dead: bool
    guarded: bool = False
    clause: Catch | None = None


class Translator:
    """State of the walk: ``top`` slots are in use; ``current`` is None where code cannot be reached."""

    def __init__(self, instance: Instance, function: Function, info: FunctionInfo) -> None:
        self.instance = instance
        self.module = instance.module
        self.function = function
        self.body = self.module.bodies[function.index - self.module.imported_functions]
        self.bottom = self.top = len(info.locals)
        self.side_table = iter(info.side_table)
        config = instance.store.config
        self.epochs = config.epoch_interruption
        self.costs = costs(self.module, function.index) if config.consume_fuel else {}
        self.blocks: dict[int, Block] = {}
        self.guards = Guards(instance, info, self.block_at)
        self.current: Block | None = None
        self.open = [Construct(FuncType((), function.type.results), self.top, False)]

    def run(self) -> Block:
        """Walk the body; gives the block where it starts."""
        at = self.body.start
        entry = self.block_at(at)
        self.checkpoint(entry, at)
        while at < self.body.end:
            self.arrive(at)
            opcode, immediates, following = read(self.module.binary, at)
            control = CONTROL.get(opcode.name)
            block = self.current
            if control is not None:
                control(self, immediates, following)
            elif block is not None:
                self.plain(block, opcode, immediates)
            if block is not None:
                block.last = at
                block.offsets += [at] * (len(block.steps) - len(block.offsets))
            at = following
        return entry

    def block_at(self, at: int) -> Block:
        """The block that starts at a byte offset; the same one for every branch to it."""
        block = self.blocks.get(at)
        if block is None:
            block = self.blocks[at] = Block()
            block.guard = self.guards.covering(at)
        return block

    def checkpoint(self, block: Block, at: int) -> None:
        """Begin ``block``, the first of a function or loop, with what the knobs ask for."""
        meters = self.instance.store.meters
        if self.epochs:
            block.steps.append(lambda frame: meters.look())
        cost = self.costs.get(at, 0)
        if cost:
            block.steps.append(lambda frame: meters.burn(cost))

    def arrive(self, at: int) -> None:
        """Where a block starts, the code before it runs on into it."""
        block = self.blocks.get(at)
        if block is None or block is self.current:
            return
        if self.current is not None:
            self.goto(block)
        self.current = block

    def goto(self, target: Block) -> None:
        """End the current block with a jump; what follows is unreachable until a block starts."""
        assert self.current is not None
        self.current.ending = Ending.GOTO
        self.current.next = target
        self.current = None

    def plain(self, block: Block, opcode: Opcode, immediates: tuple[Any, ...]) -> None:
        """An instruction without control flow: one step."""
        block.steps.append(step_of(self.instance, opcode, immediates, self.top))
        if opcode.type is None:
            effect = STACK_EFFECTS[opcode.name]
            self.top += effect if isinstance(effect, int) else effect(self.module, immediates)
        else:
            self.top += len(opcode.type.results) - len(opcode.type.params)

    def enter(self, immediates: tuple[Any, ...]) -> None:
        """Open a construct whose parameters are on the stack."""
        signature = block_type(self.module, immediates[0])
        bottom = self.top - len(signature.params)
        self.open.append(Construct(signature, bottom, self.current is None))

    def close(self, following: int) -> None:
        """Close the innermost construct, whose results are on the stack; the function's own returns."""
        construct = self.open.pop()
        if not construct.dead:
            self.top = construct.bottom + len(construct.type.results)
        if self.current is None:
            return
        if not self.open:
            self.leave(self.current, self.bottom)
        elif construct.guarded:  # what follows is not covered, so it is another block
            self.block_at(following)

    def leave(self, block: Block, base: int) -> None:
        """End ``block`` with a return of what lies from slot ``base`` on."""
        block.ending = Ending.RETURN
        block.base = base
        self.current = None

    def taken(self, branch: Branch) -> tuple[Block, Step | None]:
        """Where a branch from here goes, and the step that moves its values there (None: they lie right)."""
        target = self.block_at(branch.target)
        if not branch.dropped or not branch.kept:
            return target, None
        top, bottom = self.top, self.top - branch.kept - branch.dropped

        def move(frame: Frame) -> None:
            frame[bottom : bottom + branch.kept] = frame[top - branch.kept : top]

        return target, move

    def call(self, signature: FuncType, callee: Callable[[Frame], Function], following: int) -> None:
        """End the current block with a call whose arguments are the topmost values."""
        block = self._end_with(Ending.CALL, signature, callee)
        block.next = self.current = self.block_at(following)
        self.top = block.base + len(signature.results)

    def tail_call(self, signature: FuncType, callee: Callable[[Frame], Function]) -> None:
        """End the current block, and the function, with a call whose arguments are the topmost values."""
        assert self.current is not None
        left, self.current.ending = Block(), Ending.GOTO  # what the callee throws is not for this function
        self.current.next = self.current = left
        self._end_with(Ending.TAIL_CALL, signature, callee)
        self.current = None

    def _end_with(self, ending: Ending, signature: FuncType, callee: Callable[[Frame], Function]) -> Block:
        assert self.current is not None
        block = self.current
        block.ending = ending
        block.callee = callee
        block.arity = len(signature.params)
        block.base = self.top - block.arity
        return block


def step_of(instance: Instance, opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    """The step of an instruction without control flow, met when ``top`` slots of the frame are in use."""
    maker = STEPS.get(opcode.name)
    if maker is not None:
        return maker(instance, opcode, immediates, top)
    assert opcode.type is not None
    return _numeric(opcode, immediates, top)


def _numeric(opcode: Opcode, immediates: tuple[Any, ...], top: int) -> Step:
    """One step for any instruction whose meaning is a function of its operands and immediates."""
    assert opcode.type is not None
    meaning = _MEANINGS[opcode.name]
    first = top - len(opcode.type.params)
    second = first + 1

    def unary(frame: Frame) -> None:
        frame[first] = meaning(frame[first])

    def binary(frame: Frame) -> None:
        frame[first] = meaning(frame[first], frame[second])

    def general(frame: Frame) -> None:
        frame[first] = meaning(*frame[first:top], *immediates)

    if immediates or top - first > 2:
        return general
    return unary if second == top else binary


_MEANINGS = {**MEANINGS, **VECTOR_MEANINGS}
