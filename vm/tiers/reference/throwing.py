"""Steps and control of the instructions that throw and catch."""

from __future__ import annotations

from vm.errors import Trap, TrapCode
from vm.runtime.store import Store
from vm.tiers.reference.code import Frame, Step
from vm.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.tiers.reference.translate import Translator

Immediates = tuple[Any, ...]


def _throw(t: Translator, immediates: Immediates, following: int) -> None:
    if t.current is None:
        return
    tag, store = t.instance.tags[immediates[0]], t.instance.store
    top, first = t.top, t.top - len(tag.signature.params)

    def step(frame: Frame) -> None:
        raise store.exception(tag, frame[first:top])

    t.current.steps.append(step)
    t.current = None


def _raise(store: Store, slot: int) -> Step:
    """Throw the exception that a slot refers to."""

    def step(frame: Frame) -> None:
        if not frame[slot]:
            raise Trap(TrapCode.NULL_EXCEPTION)
        raise store.exception_at(frame[slot]).again()

    return step


def _throw_ref(t: Translator, immediates: Immediates, following: int) -> None:
    if t.current is not None:
        t.current.steps.append(_raise(t.instance.store, t.top - 1))
        t.current = None


def _rethrow(t: Translator, immediates: Immediates, following: int) -> None:
    if t.current is not None:
        clause = t.open[-1 - immediates[0]].clause
        assert clause is not None
        assert clause.kept is not None
        t.current.steps.append(_raise(t.instance.store, t.guards.slot(clause.kept)))
        t.current = None


def _try(t: Translator, immediates: Immediates, following: int) -> None:
    """A block of its own starts, for a guard covers whole blocks."""
    t.enter(immediates)
    t.open[-1].guarded = True
    if t.current is not None:
        t.block_at(following)


def _catch(t: Translator, immediates: Immediates, following: int) -> None:
    """The arm before it ends; this one is entered by exceptions only."""
    skip = next(t.side_table)
    construct = t.open[-1]
    if t.current is not None:
        t.goto(t.block_at(skip.target))
    construct.clause = t.guards.clause(following)
    if not construct.dead:
        t.block_at(following)
        t.top = construct.bottom + construct.clause.branch.kept


def _delegate(t: Translator, immediates: Immediates, following: int) -> None:
    t.close(following)


THROWING = {
    "throw": _throw,
    "throw_ref": _throw_ref,
    "rethrow": _rethrow,
    "try": _try,
    "try_table": _try,
    "catch": _catch,
    "catch_all": _catch,
    "delegate": _delegate,
}
"""By instruction name."""
