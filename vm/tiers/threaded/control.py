"""Translation of control flow and calls."""

from __future__ import annotations

from vm.isa.types import DefType, FuncType, ValType
from vm.runtime.instance import Instance
from vm.runtime.words import width
from vm.tiers.threaded.exceptions import ENDS
from vm.tiers.threaded.steps import Maker, Step
from vm.tiers.threaded.translate import Condition, Fixup, Translate, Translator, pack
from vm.typed import Any, NamedTuple

I64 = ValType.I64


def _nop(t: Translator, _: tuple[Any, ...]) -> None:
    pass


def _unreachable(t: Translator, _: tuple[Any, ...]) -> bool:
    t.emit(t.handlers["raise UNREACHABLE"])
    return True


def _block(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.settle(0)
    t.open("block", t.block_type(immediates[0]))


def _loop(t: Translator, immediates: tuple[Any, ...]) -> None:
    t.settle(0)
    t.labels.append((len(t.code), t.top))
    t.open("loop", t.block_type(immediates[0]))
    t.loop_head()


def _if(t: Translator, immediates: tuple[Any, ...]) -> None:
    condition = t.pop_condition()
    t.settle(0)
    control = t.open("if", t.block_type(immediates[0]))
    control.otherwise = t.branch(condition, when=False)


def _else(t: Translator, _: tuple[Any, ...]) -> None:
    control = t.control[-1]
    if not t.dead:
        t.settle(control.height)
        control.forward.append(t.jump())
    t.dead = False
    assert control.otherwise is not None
    t.reset(control, control.type.params)
    t.land([control.otherwise])
    control.otherwise = None


def _end(t: Translator, _: tuple[Any, ...]) -> bool:
    """Whether what follows is unreachable."""
    before = ENDS.get(t.control[-1].kind)
    if before is not None:
        before(t)
    return t.end_block()


def _br(t: Translator, immediates: tuple[Any, ...]) -> bool:
    t.leave(t.control[-1 - immediates[0]])
    return True


def branch_if(t: Translator, condition: Condition, depth: int, *, when: bool) -> None:
    """Branch to a label, with the topmost operands, when the condition is ``when``."""
    control = t.control[-1 - depth]
    if control is t.control[0] or t.carry(control):
        skip = t.branch(condition, when=not when)
        t.leave(control)
        t.land([skip])
    else:
        t.aim(t.branch(condition, when=when), control)


def _br_if(t: Translator, immediates: tuple[Any, ...]) -> None:
    branch_if(t, t.pop_condition(), immediates[0], when=True)


def _br_table(t: Translator, immediates: tuple[Any, ...]) -> bool:
    labels, default = immediates
    index = t.pop()
    at = len(t.code)
    t.emit(t.handlers["table jump"], index | len(labels) << 32, *[0] * (len(labels) + 1))
    trampolines: dict[int, list[Fixup]] = {}
    for i, depth in enumerate((*labels, default)):
        trampolines.setdefault(depth, []).append(Fixup(at, at + 2 + i, None))
    for depth, fixups in trampolines.items():
        control = t.control[-1 - depth]
        if control is t.control[0] or t.carry(control):
            t.land(fixups)
            t.leave(control)
        else:
            for fixup in fixups:
                t.aim(fixup, control)
    return True


def _return(t: Translator, _: tuple[Any, ...]) -> bool:
    t.leave_function()
    return True


# calls


class Site(NamedTuple):
    """A call to be: where the arguments lie, and what the handlers need to know of it."""

    base: int
    extent: int
    arguments: int
    tail: bool

    def words(self, *fields: int) -> list[int]:
        """The instruction's fields."""
        return pack([self.base, self.extent, *fields, *((self.arguments,) if self.tail else ())])


def call_site(t: Translator, type: FuncType, *, tail: bool, beyond: int = 0) -> Site:
    """Put the arguments in place, and make the results the topmost operands.

    ``beyond`` is a slot that the instruction needs as well, and that is no operand any more.
    """
    before = max(t.top, beyond)
    count = len(type.params)
    t.settle(len(t.operands) - count)
    arguments = t.top - t.homes[-count] if count else 0
    t.discard(count)
    base = t.top
    for result in type.results:
        t.push(width(result))
    return Site(base, t.reserve(max(before, t.top)), arguments, tail)


def _call(*, tail: bool) -> Translate:
    name = "return_call" if tail else "call"

    def translate(t: Translator, immediates: tuple[Any, ...]) -> bool:
        index = immediates[0]
        site = call_site(t, t.module.function_type(index), tail=tail)
        if index < t.module.imported_functions:
            t.emit(t.handlers[f"{name} import"], *site.words(t.layout.function_pointer(index)))
        else:
            t.emit(t.handlers[name], *site.words(t.layout.record(index)))
        return tail

    return translate


def _call_indirect(*, tail: bool) -> Translate:
    name = "return_call_indirect" if tail else "call_indirect"

    def translate(t: Translator, immediates: tuple[Any, ...]) -> bool:
        wanted = t.module.types[immediates[0]]
        index = t.pop()
        site = call_site(t, wanted.func, tail=tail, beyond=t.top + 1)
        step = 0
        if not wanted.final:
            step = t.add_step(extends(wanted), (I64,), (I64,))
            t.places.portable = False  # this step is no plain data
        words = site.words(index, t.layout.table_pointer(immediates[1]))
        t.places.types[len(t.code) + 1 + len(words)] = immediates[0]
        t.emit(t.handlers[name if wanted.final else f"{name} open"], *words, wanted.id, step)
        return tail

    return translate


def _call_ref(*, tail: bool) -> Translate:
    name = "return_call_ref" if tail else "call_ref"

    def translate(t: Translator, immediates: tuple[Any, ...]) -> bool:
        reference = t.pop()
        site = call_site(t, t.module.signature(immediates[0]), tail=tail, beyond=t.top + 1)
        t.emit(t.handlers[name], *site.words(reference))
        return tail

    return translate


def extends(wanted: DefType) -> Maker:
    """What makes the step that says whether a function's type is ``wanted`` or a subtype."""

    def make(instance: Instance) -> Step:
        def step(values: list[int]) -> None:
            values[0] = int(instance.store.function_at(values[0]).definition.extends(wanted))

        return step

    return make


TABLE: dict[str, Translate] = {
    "nop": _nop,
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
    "call": _call(tail=False),
    "call_indirect": _call_indirect(tail=False),
    "call_ref": _call_ref(tail=False),
    "return_call": _call(tail=True),
    "return_call_indirect": _call_indirect(tail=True),
    "return_call_ref": _call_ref(tail=True),
}
"""By instruction name."""
