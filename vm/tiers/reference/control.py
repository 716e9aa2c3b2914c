"""Control: instructions that open and close blocks, branch, call and return."""

from __future__ import annotations

from collections.abc import Callable

from vm.errors import Trap, TrapCode
from vm.isa.types import FuncType
from vm.runtime.casts import tester
from vm.runtime.functions import Function
from vm.tiers.reference.code import Block, Ending, Frame, Step
from vm.tiers.reference.throwing import THROWING
from vm.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.tiers.reference.translate import Translator

Control = Callable[["Translator", tuple[Any, ...], int], None]
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
        t.leave(t.current, t.top - len(t.function.type.results))


_Finder = Callable[["Translator", tuple[Any, ...]], tuple[FuncType, Callable[[Frame], Function]]]
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
