"""What calls ask of the operand stack (spec 3.4.6): how each finds its callee's type, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vm.isa.matching import matches, matches_all
from vm.isa.types import FUNCREF, FuncType, RefType

if TYPE_CHECKING:
    from vm.module.body import BodyValidator

Immediates = tuple[Any, ...]
Rule = Callable[["BodyValidator", Immediates], None]
Finder = Callable[["BodyValidator", Immediates], FuncType]
"""The type a call is made as; takes what says which function, if that is on the stack."""


def _named(v: BodyValidator, immediates: Immediates) -> FuncType:
    v.check_index(immediates[0], v.module.functions, "function")
    return v.module.function_type(immediates[0])


def _in_table(v: BodyValidator, immediates: Immediates) -> FuncType:
    index, number = immediates
    v.check_index(number, v.module.tables, "table")
    table = v.module.tables[number]
    if not matches(table.element, FUNCREF):
        raise v.fail("type mismatch", f"table {number} does not hold functions")
    signature = v.signature(index)
    v.pop(table.address)
    return signature


def _referenced(v: BodyValidator, immediates: Immediates) -> FuncType:
    signature = v.signature(immediates[0])
    v.pop(RefType(v.module.types[immediates[0]]))
    return signature


_FINDERS: dict[str, Finder] = {"call": _named, "call_indirect": _in_table, "call_ref": _referenced}
"""By instruction name. With "return_" in front it is a tail call."""


def _calling(find: Finder) -> Rule:
    def rule(v: BodyValidator, immediates: Immediates) -> None:
        signature = find(v, immediates)
        v.pop_all(signature.params)
        v.push_all(signature.results)

    return rule


def _leaving(find: Finder) -> Rule:
    """What the callee gives is what the function gives, and nothing behind is reached."""

    def rule(v: BodyValidator, immediates: Immediates) -> None:
        signature = find(v, immediates)
        if not matches_all(signature.results, v.type.results):
            detail = f"the callee has type {signature}, this function gives {FuncType((), v.type.results)}"
            raise v.fail("type mismatch", detail)
        v.pop_all(signature.params)
        v.set_unreachable()

    return rule


CALL_RULES: dict[str, Rule] = {
    **{name: _calling(find) for name, find in _FINDERS.items()},
    **{f"return_{name}": _leaving(find) for name, find in _FINDERS.items()},
}
"""Rules by instruction name."""
