"""Translation of the instructions that open and close blocks, and of those that branch."""

from __future__ import annotations

from vm.errors import TrapCode
from vm.isa.emit import LLVM_TYPES
from vm.module.instructions import block_type
from vm.tiers.llvm.leaving import can_leave, leave_at
from vm.tiers.llvm.translate import Control, Handler, Translator
from vm.tiers.llvm.versions import version
from vm.typed import Any

Operands = list[tuple[str, str]]
"""Names and IR types, deepest first (``vm.tiers.llvm.operands``)."""


def _block(t: Translator, immediates: tuple[Any, ...]) -> None:
    """``block``."""
    t.open("block", block_type(t.module, immediates[0]))


def _loop(t: Translator, immediates: tuple[Any, ...]) -> None:
    """``loop``: parameters go through slots, because branches come back with new ones."""
    control = t.open("loop", block_type(t.module, immediates[0]))
    t.store_carried(control)
    t.effect(f"br label %{control.label}")
    t.block(control.label)
    version(t, control)
    t.metering.checkpoint(t, t.next)
    t.load_carried(control)


def _if(t: Translator, immediates: tuple[Any, ...]) -> None:
    """``if``: both arms start with the same operands."""
    before = t.stack[:]
    condition = t.pop_condition()
    type = block_type(t.module, immediates[0])
    arguments = t.pop_many(len(type.params))
    for argument, parameter in zip(arguments, type.params, strict=True):
        t.push(argument, LLVM_TYPES[parameter])
    control = t.open("if", type)
    control.arguments = arguments
    control.otherwise = t.label("else")
    then = t.label("then")
    _go(t, before, condition, then, control.otherwise)
    t.block(then)


def _go(t: Translator, before: Operands, condition: str, yes: str, no: str) -> None:
    """Emit the branch of an instruction, in front of which operands were ``before``; a way that it never went
    when it was counted is left for the machine.
    """
    never = t.profile.never(t.here)
    if never is None or not can_leave(t, t.here):
        t.profile.branch(t, t.here, condition, yes, no)
        return
    surprise = t.label("surprise")
    t.profile.branch(t, t.here, condition, *((surprise, no) if never == 0 else (yes, surprise)))
    t.block(surprise)
    leave_at(t, t.here, before)


def _else(t: Translator, _: tuple[Any, ...]) -> None:
    """``else``: close the first arm, start the second."""
    control = t.control[-1]
    t.fall_through(control)
    _start_else(t, control)


def _start_else(t: Translator, control: Control) -> None:
    assert control.otherwise is not None
    assert control.arguments is not None
    t.block(control.otherwise)
    control.otherwise = None
    del t.stack[control.height :]
    for argument, type in zip(control.arguments, control.type.params, strict=True):
        t.push(argument, LLVM_TYPES[type])


def _exit(t: Translator, control: Control, exits: list[tuple[str, Control]]) -> str:
    """The label for a branch to ``control``: its own, or one of ``exits``, which leave tries first."""
    if len(t.tries) <= control.protected:
        return control.label
    exits.append((t.label("exit"), control))
    return exits[-1][0]


def _exit_blocks(t: Translator, exits: list[tuple[str, Control]]) -> None:
    for label, control in exits:
        t.block(label)
        t.leave_tries(control.protected)
        t.effect(f"br label %{control.label}")


def end(t: Translator) -> bool:
    """``end``; returns whether what follows is unreachable."""
    control = t.control[-1]
    if control.kind == "loop":
        t.control.pop()
        t.loops.pop()
        dead, t.dead = t.dead, False
        if control.behind is not None:
            t.effect(f"br label %{control.behind}")
            t.block(control.behind)
        return dead
    t.fall_through(control)
    if control.otherwise is not None:
        _start_else(t, control)
        t.fall_through(control)
    return t.close()


def _br(t: Translator, immediates: tuple[Any, ...]) -> bool:
    """``br``."""
    target = t.target(immediates[0])
    t.leave_tries(target.protected)
    t.effect(f"br label %{target.label}")
    return True


def _br_if(t: Translator, immediates: tuple[Any, ...]) -> None:
    """``br_if``."""
    branch_if(t, t.pop_condition(), immediates[0], None)


def branch_if(t: Translator, condition: str, depth: int, before: Operands | None) -> None:
    """Branch with the operands on the stack, or go on; they stay there. They were ``before`` in front of the
    instruction, if a way that it never went may be left for the machine.

    ``br_if`` has both: most of what it never does is short, and keeping values for the machine costs more
    than leaving that out gains (``benchmarks.informed``: programs from C took 0.98 to 1.05 of the time).
    """
    inside = t.control[-1 - depth :]
    target, following = t.target(depth), t.label("next")
    exits: list[tuple[str, Control]] = []
    to = _exit(t, target, exits)
    in_loop = any(control.kind == "loop" for control in inside)  # it may have been counted before it ended
    if before is None or in_loop:
        t.profile.branch(t, t.here, condition, to, following)
    else:
        _go(t, before, condition, to, following)
    _exit_blocks(t, exits)
    t.block(following)


_MANY = 8
"""Places a ``br_table`` goes to from which on its loop chooses (``Control.chooses``): fewer are cases."""


def _br_table(t: Translator, immediates: tuple[Any, ...]) -> bool:
    """``br_table``."""
    labels, default = immediates
    index = t.pop()
    exits: list[tuple[str, Control]] = []
    targets = {depth: _exit(t, t.target(depth), exits) for depth in dict.fromkeys((*labels, default))}
    if t.loops:
        t.loops[-1].chooses |= len(targets) >= _MANY
        t.choices = max(t.choices, len(targets))
    t.profile.switch(t, t.here, index, [targets[depth] for depth in (*labels, default)])
    _exit_blocks(t, exits)
    return True


def _return(t: Translator, _: tuple[Any, ...]) -> bool:
    """``return``: a branch to the outermost block."""
    return _br(t, (len(t.control) - 1,))


def _unreachable(t: Translator, _: tuple[Any, ...]) -> bool:
    """``unreachable``."""
    t.trap(TrapCode.UNREACHABLE)
    return True


HANDLERS: dict[str, Handler] = {
    "unreachable": _unreachable,
    "block": _block,
    "loop": _loop,
    "if": _if,
    "else": _else,
    "br": _br,
    "br_if": _br_if,
    "br_table": _br_table,
    "return": _return,
}
"""By instruction name."""
