"""What each instruction asks of the operand and control stacks (spec 3.4), one rule an instruction.

An instruction whose row in the opcode table has a type needs nothing here beyond a check of what its
immediate names (``_CHECKS``); the others have a function each, entered in ``CONTEXT_RULES``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vm.errors import DecodeError
from vm.isa.matching import matches, matches_all
from vm.isa.opcodes import BY_CODE, Immediate, Opcode
from vm.isa.types import TableType, ValType, ValueType
from vm.module.call_rules import CALL_RULES
from vm.module.exception_rules import EXCEPTION_RULES, close
from vm.module.gc_rules import GC_RULES
from vm.module.limits import MAX_LABELS
from vm.module.memory_rules import MEMORY_RULES, access_rule, check_data, check_lanes, narrower
from vm.module.reference_rules import REFERENCE_RULES

if TYPE_CHECKING:
    from vm.module.body import BodyValidator

Immediates = tuple[Any, ...]
Rule = Callable[["BodyValidator", Immediates], None]

_I32 = ValType.I32


def _fixed(opcode: Opcode) -> Rule:
    """The rule of an instruction whose row says all about its operands."""
    assert opcode.type is not None
    params, results = list(opcode.type.params), opcode.type.results
    count = len(params)
    check = _CHECKS.get(opcode.immediate)

    def rule(v: BodyValidator, immediates: Immediates) -> None:
        if check is not None:
            check(v, immediates)
        stack = v.stack
        if count and len(stack) - count >= v.frame.height and stack[-count:] == params:
            stack[-count:] = results  # nearly always; no row has more results than parameters, but constants
            return
        v.pop_all(params)
        v.push_all(results)

    return rule


# what immediates must name


def _check_elem(v: BodyValidator, immediates: Immediates) -> None:
    v.check_index(immediates[0], v.module.elements, "elem segment")


_CHECKS: dict[Immediate, Rule] = {
    Immediate.LANE: check_lanes,
    Immediate.SHUFFLE: check_lanes,
    Immediate.DATA: check_data,
    Immediate.ELEM: _check_elem,
}


# control


def _unreachable(v: BodyValidator, immediates: Immediates) -> None:
    v.set_unreachable()


def _block(v: BodyValidator, immediates: Immediates) -> None:
    v.enter("block", immediates[0])


def _loop(v: BodyValidator, immediates: Immediates) -> None:
    v.enter("loop", immediates[0])


def _if(v: BodyValidator, immediates: Immediates) -> None:
    v.block_signature(immediates[0])  # what is wrong with it comes before what is wrong with the condition
    v.pop(_I32)
    frame = v.enter("if", immediates[0])
    frame.false_branch = v.skip(len(frame.type.params))


def _else(v: BodyValidator, immediates: Immediates) -> None:
    frame = v.frame
    if frame.kind != "if" or frame.false_branch is None:
        raise DecodeError("END opcode expected", v.at, "`else` without an open `if`")
    v.pop_all(frame.type.results)
    if len(v.stack) != frame.height:
        raise v.fail("type mismatch", "the first arm leaves values beside its results")
    frame.forward.append(v.skip(len(frame.type.results)))
    v.land([frame.false_branch], v.next)
    frame.false_branch = None
    frame.unreachable = False
    v.forget_locals(frame)
    v.push_all(frame.type.params)


def _end(v: BodyValidator, immediates: Immediates) -> None:
    close(v, v.frame)
    frame = v.leave()
    if frame.false_branch is not None:
        if not matches_all(frame.type.params, frame.type.results):
            raise v.fail("type mismatch", f"`if` without `else` of type {frame.type}")
        frame.forward.append(frame.false_branch)
    v.land(frame.forward, v.next if v.frames else v.at)
    if v.frames:
        v.push_all(frame.type.results)


def _br(v: BodyValidator, immediates: Immediates) -> None:
    target = v.label(immediates[0])
    v.push_all(v.pop_all(target.label))
    v.branch(target)
    v.set_unreachable()


def _br_if(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(_I32)
    target = v.label(immediates[0])
    v.pop_all(target.label)
    v.push_all(target.label)
    v.branch(target)


def _br_table(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(_I32)
    labels, default = immediates
    if len(labels) > MAX_LABELS:
        raise v.fail("too many labels", f"{len(labels)}, at most {MAX_LABELS} are supported")
    arity = len(v.label(default).label)
    for depth in (*labels, default):
        target = v.label(depth)
        if len(target.label) != arity:
            raise v.fail("type mismatch", f"label {depth} takes {len(target.label)} values, not {arity}")
        v.push_all(v.pop_all(target.label))
        v.branch(target)
    v.set_unreachable()


def _return(v: BodyValidator, immediates: Immediates) -> None:
    _br(v, (len(v.frames) - 1,))


# parametric


def _drop(v: BodyValidator, immediates: Immediates) -> None:
    v.pop()


def _select(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(_I32)
    second = v.pop()
    first = v.pop(second)
    kind = first or second
    if kind is not None and kind.is_ref:
        raise v.fail("type mismatch", "references need the form of select that names their type")
    v.push(kind)


def _select_t(v: BodyValidator, immediates: Immediates) -> None:
    kinds = immediates[0]
    if len(kinds) != 1:
        raise v.fail("invalid result arity", f"{len(kinds)} types, 1 was expected")
    kind = v.value_type(kinds[0])
    v.pop(_I32)
    v.pop_all((kind, kind))
    v.push(kind)


# variables


def _local(v: BodyValidator, index: int) -> ValueType:
    if index >= len(v.locals):
        v.check_index(index, v.locals, "local")
    return v.locals[index]


def _local_get(v: BodyValidator, immediates: Immediates) -> None:
    index: int = immediates[0]
    if index < len(v.locals) and not v.unset:
        v.push(v.locals[index])  # nearly always
        return
    kind = _local(v, index)
    if index in v.unset:
        raise v.fail("uninitialized local", f"{index} of type {kind} has no value here")
    v.push(kind)


def _local_set(v: BodyValidator, immediates: Immediates) -> None:
    index: int = immediates[0]
    v.pop(_local(v, index))
    if v.unset:
        v.set_local(index)


def _local_tee(v: BodyValidator, immediates: Immediates) -> None:
    index: int = immediates[0]
    kind = _local(v, index)
    v.pop(kind)
    if v.unset:
        v.set_local(index)
    v.push(kind)


def _global_get(v: BodyValidator, immediates: Immediates) -> None:
    v.check_index(immediates[0], v.module.globals, "global")
    v.push(v.module.globals[immediates[0]].content)


def _global_set(v: BodyValidator, immediates: Immediates) -> None:
    v.check_index(immediates[0], v.module.globals, "global")
    variable = v.module.globals[immediates[0]]
    if not variable.mutable:
        raise v.fail("immutable global", f"global {immediates[0]} cannot be set")
    v.pop(variable.content)


# tables and references


def _table(v: BodyValidator, index: int) -> TableType:
    v.check_index(index, v.module.tables, "table")
    return v.module.tables[index]


def _table_get(v: BodyValidator, immediates: Immediates) -> None:
    table = _table(v, immediates[0])
    v.pop(table.address)
    v.push(table.element)


def _table_set(v: BodyValidator, immediates: Immediates) -> None:
    table = _table(v, immediates[0])
    v.pop_all((table.address, table.element))


def _table_size(v: BodyValidator, immediates: Immediates) -> None:
    v.push(_table(v, immediates[0]).address)


def _table_grow(v: BodyValidator, immediates: Immediates) -> None:
    table = _table(v, immediates[0])
    v.pop_all((table.element, table.address))
    v.push(table.address)


def _table_fill(v: BodyValidator, immediates: Immediates) -> None:
    table = _table(v, immediates[0])
    v.pop_all((table.address, table.element, table.address))


def _table_copy(v: BodyValidator, immediates: Immediates) -> None:
    target, source = (_table(v, index) for index in immediates)
    if not matches(source.element, target.element):
        raise v.fail("type mismatch", "the tables hold references of different types")
    v.pop_all((target.address, source.address, narrower(target.address, source.address)))


def _table_init(v: BodyValidator, immediates: Immediates) -> None:
    segment, index = immediates
    table = _table(v, index)
    _check_elem(v, immediates)
    if not matches(v.module.elements[segment].type, table.element):
        raise v.fail("type mismatch", "segment and table hold references of different types")
    v.pop_all((table.address, _I32, _I32))


CONTEXT_RULES: dict[str, Rule] = {
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
    **CALL_RULES,
    "drop": _drop,
    "select": _select,
    "select_t": _select_t,
    "local.get": _local_get,
    "local.set": _local_set,
    "local.tee": _local_tee,
    "global.get": _global_get,
    "global.set": _global_set,
    "table.get": _table_get,
    "table.set": _table_set,
    "table.size": _table_size,
    "table.grow": _table_grow,
    "table.fill": _table_fill,
    "table.copy": _table_copy,
    "table.init": _table_init,
    **MEMORY_RULES,
    **REFERENCE_RULES,
    **GC_RULES,
    **EXCEPTION_RULES,
}
"""Rules of the instructions whose row has no type: their operands depend on context."""


def _rule(opcode: Opcode) -> Rule:
    if opcode.type is None:
        return CONTEXT_RULES[opcode.name]
    return access_rule(opcode) if opcode.access else _fixed(opcode)


RULES: dict[int, Rule] = {code: _rule(opcode) for code, opcode in BY_CODE.items()}
"""The rule of every instruction, by ``Opcode.code``."""
