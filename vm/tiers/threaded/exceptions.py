"""Translation of instructions that throw and catch. What catches is data about the code, so that a try costs
nothing that nothing is thrown through; Python looks there for a throw (``vm.tiers.threaded.unwinding``).
"""

from __future__ import annotations

from collections.abc import Callable

from vm.errors import Trap, TrapCode
from vm.isa.types import EXNREF, ValType, ValueType
from vm.runtime.instance import Instance
from vm.tiers.threaded.steps import Maker, Step
from vm.tiers.threaded.translate import Control, Translate, Translator
from vm.tiers.threaded.unwinding import Clause, Guard
from vm.typed import Any

Immediates = tuple[Any, ...]

_WORD = (ValType.I64,)


def _params(t: Translator, tag: int) -> tuple[ValueType, ...]:
    """What exceptions of a tag bring along."""
    return t.module.tags[tag].definition.func.params


# throwing


def _throw(t: Translator, immediates: Immediates) -> bool:
    params, index = _params(t, immediates[0]), immediates[0]

    def make(instance: Instance) -> Step:
        tag, store = instance.tags[index], instance.store

        def step(values: list[int]) -> None:
            raise store.exception(tag, values)

        return step

    t.step(make, params, ())
    return True


def _raise() -> Maker:
    """What makes the step that throws the exception that its operand refers to."""

    def make(instance: Instance) -> Step:
        store = instance.store

        def step(values: list[int]) -> None:
            if not values[0]:
                raise Trap(TrapCode.NULL_EXCEPTION)
            raise store.exception_at(values[0]).again()

        return step

    return make


def _throw_ref(t: Translator, _: Immediates) -> bool:
    t.step(_raise(), _WORD, ())
    return True


def _rethrow(t: Translator, immediates: Immediates) -> bool:
    t.push_at(t.control[-1 - immediates[0]].kept, 1)
    return _throw_ref(t, ())


# catching


def _protect(t: Translator, kind: str, immediates: Immediates) -> Control:
    t.settle(0)
    control = t.open(kind, t.block_type(immediates[0]))
    control.guard = Guard(len(t.code), control.guard)
    return control


def _end_protection(t: Translator, control: Control) -> Guard:
    """What was translated since the block's start is what its guard covers."""
    guard = control.guard
    assert guard is not None
    guard.end = len(t.code)
    t.guards.append(guard)
    control.guard = guard.outer
    return guard


def _skip(t: Translator, control: Control) -> None:
    """At the end of what can be reached: go behind the block, with its results."""
    if not t.dead:
        t.settle(control.height)
        control.forward.append(t.jump())
    t.dead = False


def _try_table(t: Translator, immediates: Immediates) -> None:
    _protect(t, "try_table", immediates)
    t.control[-1].clauses = immediates[1]


def end_try_table(t: Translator) -> None:
    """Before a ``try_table`` is closed: code for each clause, which goes to its label."""
    control = t.control[-1]
    guard = _end_protection(t, control)
    _skip(t, control)
    for clause in control.clauses:
        values: list[ValueType] = [] if clause.tag is None else list(_params(t, clause.tag))
        if clause.with_ref:
            values.append(EXNREF)
        t.last = -1
        guard.clauses.append(Clause(clause.tag, clause.with_ref, control.base, len(t.code)))
        t.reset(control, values)
        t.leave(t.control[-2 - clause.depth])
    t.reset(control, ())
    t.dead = True


def _try(t: Translator, immediates: Immediates) -> None:
    _protect(t, "try", immediates)


def _catch(t: Translator, immediates: Immediates) -> None:
    """The arm before it ends; this one is entered by exceptions only."""
    control = t.control[-1]
    if control.kind == "try":
        control.kind, control.caught = "catch", _end_protection(t, control)
        control.kept = t.keep_slot()
    _skip(t, control)
    tag = immediates[0] if immediates else None
    t.last = -1
    assert control.caught is not None
    control.caught.clauses.append(Clause(tag, False, control.base, len(t.code), control.kept))
    t.reset(control, () if tag is None else _params(t, tag))


def _delegate(t: Translator, immediates: Immediates) -> bool:
    control = t.control[-1]
    guard = _end_protection(t, control)
    guard.outer = t.control[-2 - immediates[0]].guard
    return t.end_block()


def _end_try(t: Translator) -> None:
    """A ``try`` without clauses catches nothing."""
    if t.control[-1].kind == "try":
        _end_protection(t, t.control[-1])


ENDS: dict[str, Callable[[Translator], None]] = {"try_table": end_try_table, "try": _end_try}
"""What happens before blocks of these kinds are closed."""

TABLE: dict[str, Translate] = {
    "throw": _throw,
    "throw_ref": _throw_ref,
    "rethrow": _rethrow,
    "try_table": _try_table,
    "try": _try,
    "catch": _catch,
    "catch_all": _catch,
    "delegate": _delegate,
}
"""By instruction name."""
