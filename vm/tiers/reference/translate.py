"""From a validated body to linked basic blocks.

One walk over the code. The validator's side table says where branches go and what they do to the operand
stack; this walk follows the stack's height, so that every step knows its slots. Code that cannot be
reached is skipped: nothing is known of its stack, and nothing runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vm.errors import Trap, TrapCode
from vm.isa.opcodes import Opcode
from vm.isa.types import FuncType
from vm.module.body import FunctionInfo
from vm.module.fuel import costs
from vm.module.handlers import Branch, Catch
from vm.module.instructions import block_type, read
from vm.module.validator import validate_function
from vm.runtime.casts import tester
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.tiers.reference.code import Block, Ending, Frame, FunctionCode, Step
from vm.tiers.reference.guards import Guards
from vm.tiers.reference.numeric import MEANINGS
from vm.tiers.reference.steps import STACK_EFFECTS, STEPS
from vm.tiers.reference.throwing import THROWING
from vm.tiers.reference.vectors import VECTOR_MEANINGS


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
            _leave(self, self.current, self.bottom)
        elif construct.guarded:  # what follows is not covered, so it is another block
            self.block_at(following)

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


Control = Callable[[Translator, tuple[Any, ...], int], None]
"""Translates an instruction that ends or opens blocks, given its immediates and the next one's offset."""


def _unreachable(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    def step(frame: Frame) -> None:
        raise Trap(TrapCode.UNREACHABLE)

    if t.current is not None:
        t.current.steps.append(step)
        t.current = None


def _block(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    t.enter(immediates)


def _loop(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    t.enter(immediates)
    if t.current is not None:
        t.checkpoint(t.block_at(following), following)


def _if(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    skip = next(t.side_table)
    if t.current is not None:
        t.top -= 1
        t.current = _choose(t, t.current, t.top, t.block_at(skip.target), None, following, when=False)
        t.enter(immediates)
        t.current = t.blocks[following]
    else:
        t.enter(immediates)


def _else(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    skip = next(t.side_table)
    construct = t.open[-1]
    if t.current is not None:
        t.goto(t.block_at(skip.target))
    if not construct.dead:
        t.top = construct.bottom + len(construct.type.params)


def _end(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    t.close(following)


def _leave(t: Translator, block: Block, base: int) -> None:
    block.ending = Ending.RETURN
    block.base = base
    t.current = None


def _choose(
    t: Translator, block: Block, slot: int, taken: Block, move: Step | None, following: int, *, when: bool
) -> Block:
    """End ``block`` with a branch to ``taken`` when slot ``slot`` is true (``when``) or false; else go on."""
    onward = t.block_at(following)

    def choose(frame: Frame) -> Block:
        if bool(frame[slot]) is not when:
            return onward
        if move is not None:
            move(frame)
        return taken

    block.ending = Ending.BRANCH
    block.choose = choose
    return onward


def _br(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    branch = next(t.side_table)
    if t.current is None:
        return
    target, move = t.taken(branch)
    if move is not None:
        t.current.steps.append(move)
    t.goto(target)


def _br_if(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    branch = next(t.side_table)
    if t.current is None:
        return
    t.top -= 1
    target, move = t.taken(branch)
    t.current = _choose(t, t.current, t.top, target, move, following, when=True)


def _br_table(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    branches = [next(t.side_table) for _ in range(len(immediates[0]) + 1)]
    if t.current is None:
        return
    t.top -= 1
    slot, last = t.top, len(branches) - 1
    ways = [t.taken(branch) for branch in branches]

    def choose(frame: Frame) -> Block:
        target, move = ways[min(frame[slot], last)]
        if move is not None:
            move(frame)
        return target

    t.current.ending = Ending.BRANCH
    t.current.choose = choose
    t.current = None


def _return(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    next(t.side_table)
    if t.current is not None:
        _leave(t, t.current, t.top - len(t.function.type.results))


_Finder = Callable[[Translator, tuple[Any, ...]], tuple[FuncType, Callable[[Frame], Function]]]
"""What a calling instruction calls: as which type, and how to find it."""


def _named(t: Translator, immediates: tuple[Any, ...]) -> tuple[FuncType, Callable[[Frame], Function]]:
    function = t.instance.functions[immediates[0]]
    return function.type, lambda frame: function


def _in_table(t: Translator, immediates: tuple[Any, ...]) -> tuple[FuncType, Callable[[Frame], Function]]:
    wanted = t.module.types[immediates[0]]
    table, store = t.instance.tables[immediates[1]], t.instance.store
    t.top -= 1
    slot = t.top

    def callee(frame: Frame) -> Function:
        index = frame[slot]
        if index >= table.size:
            raise Trap(TrapCode.UNDEFINED_ELEMENT)
        reference = table.get(index)
        if reference == 0:
            raise Trap(TrapCode.UNINITIALIZED_ELEMENT)
        function = store.function_at(reference)
        if not function.definition.extends(wanted):
            raise Trap(TrapCode.BAD_SIGNATURE)
        return function

    return wanted.func, callee


def _referenced(t: Translator, immediates: tuple[Any, ...]) -> tuple[FuncType, Callable[[Frame], Function]]:
    store = t.instance.store
    t.top -= 1
    slot = t.top

    def callee(frame: Frame) -> Function:
        if frame[slot] == 0:
            raise Trap(TrapCode.NULL_FUNCTION_REFERENCE)
        return store.function_at(frame[slot])

    return t.module.signature(immediates[0]), callee


def _br_on_null(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    branch = next(t.side_table)
    if t.current is None:
        return
    t.top -= 1  # the reference does not go along
    target, move = t.taken(branch)
    t.current = _choose(t, t.current, t.top, target, move, following, when=False)
    t.top += 1


def _br_on_non_null(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    branch = next(t.side_table)
    if t.current is None:
        return
    target, move = t.taken(branch)
    t.top -= 1
    t.current = _choose(t, t.current, t.top, target, move, following, when=True)


def _br_on_cast(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    _branch_on_cast(t, immediates, following, when=True)


def _br_on_cast_fail(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
    _branch_on_cast(t, immediates, following, when=False)


def _branch_on_cast(t: Translator, immediates: tuple[Any, ...], following: int, *, when: bool) -> None:
    """Branch when the topmost reference fits the type (``when``) or does not; it stays where it is."""
    branch = next(t.side_table)
    if t.current is None:
        return
    target, move = t.taken(branch)
    onward, slot = t.block_at(following), t.top - 1
    fits = tester(t.instance.store, t.module.reference_type(immediates[2]))

    def choose(frame: Frame) -> Block:
        if fits(frame[slot]) is not when:
            return onward
        if move is not None:
            move(frame)
        return target

    t.current.ending = Ending.BRANCH
    t.current.choose = choose
    t.current = onward


def _calling(find: _Finder) -> Control:
    def call(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
        if t.current is not None:
            t.call(*find(t, immediates), following)

    return call


def _leaving(find: _Finder) -> Control:
    def call(t: Translator, immediates: tuple[Any, ...], following: int) -> None:
        if t.current is not None:
            t.tail_call(*find(t, immediates))

    return call


CONTROL: dict[str, Control] = {
    "unreachable": _unreachable,
    "block": _block,
    "loop": _loop,
    "if": _if,
    "else": _else,
    "end": _end,
    "br": _br,
    "br_if": _br_if,
    "br_table": _br_table,
    "return": _return,
    "call": _calling(_named),
    "call_indirect": _calling(_in_table),
    "call_ref": _calling(_referenced),
    "return_call": _leaving(_named),
    "return_call_indirect": _leaving(_in_table),
    "return_call_ref": _leaving(_referenced),
    "br_on_null": _br_on_null,
    "br_on_non_null": _br_on_non_null,
    "br_on_cast": _br_on_cast,
    "br_on_cast_fail": _br_on_cast_fail,
    **THROWING,
}
"""Instructions that end or open blocks, by name."""
