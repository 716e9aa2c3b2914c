"""What instructions on references ask of the operand and control stacks (spec 3.4.3 and 3.4.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vm.isa.types import Heap, RefType, ValType

if TYPE_CHECKING:
    from vm.module.body import BodyValidator

Immediates = tuple[Any, ...]
Rule = Callable[["BodyValidator", Immediates], None]

_UNKNOWN = RefType(Heap.BOT, False)
"""What is known of a reference that unreachable code made up."""


def pop_reference(v: BodyValidator) -> RefType:
    """Take any reference off the stack."""
    found = v.pop()
    if found is None:
        return _UNKNOWN
    if not isinstance(found, RefType):
        raise v.fail("type mismatch", f"expected a reference, found {found}")
    return found


def _null(v: BodyValidator, immediates: Immediates) -> None:
    v.push(v.value_type(immediates[0]))


def _is_null(v: BodyValidator, immediates: Immediates) -> None:
    pop_reference(v)
    v.push(ValType.I32)


def _func(v: BodyValidator, immediates: Immediates) -> None:
    v.check_index(immediates[0], v.module.functions, "function")
    if immediates[0] not in v.references:
        detail = f"function {immediates[0]} is in no export, global, table or element segment"
        raise v.fail("undeclared function reference", detail)
    v.push(RefType(v.module.types[v.module.functions[immediates[0]]], False))


def _as_non_null(v: BodyValidator, immediates: Immediates) -> None:
    v.push(pop_reference(v).non_null)


def _br_on_null(v: BodyValidator, immediates: Immediates) -> None:
    reference = pop_reference(v)
    target = v.label(immediates[0])
    v.pop_all(target.label)
    v.push_all(target.label)
    v.branch(target)
    v.push(reference.non_null)


def _br_on_non_null(v: BodyValidator, immediates: Immediates) -> None:
    """The branch takes the reference along; where there is none, nothing stays of it."""
    reference = pop_reference(v)
    target = v.label(immediates[0])
    if not target.label or not target.label[-1].is_ref:
        raise v.fail("type mismatch", f"label {immediates[0]} does not end in a reference")
    v.push(reference.non_null)
    v.pop_all(target.label)
    v.push_all(target.label)
    v.branch(target)
    v.pop()


REFERENCE_RULES: dict[str, Rule] = {
    "ref.null": _null,
    "ref.is_null": _is_null,
    "ref.func": _func,
    "ref.as_non_null": _as_non_null,
    "br_on_null": _br_on_null,
    "br_on_non_null": _br_on_non_null,
}
"""Rules by the instruction's name."""
