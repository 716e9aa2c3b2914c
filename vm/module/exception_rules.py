"""Rules of the instructions that throw and catch: the standard form, and the legacy form (spec 3.4.9).

Nothing is done at the start of a ``try``: which handler covers which bytes is part of what is known of a body
(``vm.module.body.Handler``), and an executor looks there when something is thrown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vm.errors import DecodeError
from vm.isa.matching import matches_all
from vm.isa.opcode import CatchClause
from vm.isa.types import EXNREF, ValueType
from vm.module.handlers import Branch, Catch, Handler
from vm.module.limits import MAX_TRY_DEPTH

if TYPE_CHECKING:
    from vm.module.body import BodyValidator, ControlFrame

Immediates = tuple[Any, ...]


def _payload(v: BodyValidator, tag: int) -> tuple[ValueType, ...]:
    v.check_index(tag, v.module.tags, "tag")
    return v.module.tags[tag].definition.func.params


def _throw(v: BodyValidator, immediates: Immediates) -> None:
    v.pop_all(_payload(v, immediates[0]))
    v.set_unreachable()


def _throw_ref(v: BodyValidator, immediates: Immediates) -> None:
    v.pop(EXNREF)
    v.set_unreachable()


def _protect(v: BodyValidator, frame: ControlFrame) -> Handler:
    """Let a handler cover the block's code from here on."""
    v.try_depth += 1
    if v.try_depth > MAX_TRY_DEPTH:
        raise v.fail("too many nested handlers", f"at most {MAX_TRY_DEPTH} are supported")
    frame.handler = Handler(v.next, v.next, [], frame.handler)
    return frame.handler


def _end_protection(v: BodyValidator, frame: ControlFrame) -> Handler:
    """The block's handler, which covers no more than what stands before this instruction."""
    handler = frame.handler
    assert handler is not None
    handler.end = v.at
    v.try_depth -= 1
    v.handlers.append(handler)
    frame.handler = handler.outer
    return handler


def _try_table(v: BodyValidator, immediates: Immediates) -> None:
    block, clauses = immediates
    handler = _protect(v, v.enter("try_table", block))
    handler.clauses += [_clause(v, clause) for clause in clauses]


def _clause(v: BodyValidator, clause: CatchClause) -> Catch:
    """A clause's label is one outside the ``try_table``, which is open already."""
    if clause.depth >= len(v.frames) - 1:
        raise v.fail(f"unknown label {clause.depth}", f"there are {len(v.frames) - 1}")
    target = v.frames[-2 - clause.depth]
    given = () if clause.tag is None else _payload(v, clause.tag)
    if clause.with_ref:
        given = (*given, EXNREF.non_null)
    if not matches_all(given, target.label):
        wanted, found = (" ".join(map(str, types)) for types in (target.label, given))
        raise v.fail("type mismatch", f"label {clause.depth} takes [{wanted}], the clause gives [{found}]")
    branch = Branch(target.start, len(given), 0, target.start_entry)
    if target.kind != "loop":
        target.forward.append(branch)
    return Catch(clause.tag, clause.with_ref, target.height, branch)


def _try(v: BodyValidator, immediates: Immediates) -> None:
    _protect(v, v.enter("try", immediates[0]))


def _catch(v: BodyValidator, immediates: Immediates) -> None:
    _arm(v, "catch", immediates[0], _payload(v, immediates[0]))


def _catch_all(v: BodyValidator, immediates: Immediates) -> None:
    _arm(v, "catch_all", None, ())


def _arm(v: BodyValidator, kind: str, tag: int | None, payload: tuple[ValueType, ...]) -> None:
    """The legacy form's next arm: the one before it is left as by ``else``."""
    frame = v.frame
    if frame.kind not in ("try", "catch"):
        raise DecodeError("END opcode expected", v.at, f"`{kind}` without an open `try`")
    v.pop_all(frame.type.results)
    if len(v.stack) != frame.height:
        raise v.fail("type mismatch", "the arm before it leaves values beside its results")
    frame.forward.append(v.skip(len(frame.type.results)))
    if frame.kind == "try":
        frame.caught = _end_protection(v, frame).clauses
    frame.clause = Catch(tag, False, frame.height, Branch(v.next, len(payload), 0, len(v.side_table)))
    frame.caught.append(frame.clause)
    frame.kind = kind
    frame.unreachable = False
    v.forget_locals(frame)
    v.push_all(payload)


def _delegate(v: BodyValidator, immediates: Immediates) -> None:
    frame = v.frame
    if frame.kind != "try":
        raise DecodeError("END opcode expected", v.at, "`delegate` without an open `try`")
    handler = _end_protection(v, frame)
    if immediates[0] >= len(v.frames) - 1:
        raise v.fail(f"unknown label {immediates[0]}", f"there are {len(v.frames) - 1}")
    v.leave()
    handler.outer = v.label(immediates[0]).handler
    v.land(frame.forward, v.next)
    v.push_all(frame.type.results)


def _rethrow(v: BodyValidator, immediates: Immediates) -> None:
    clause = v.label(immediates[0]).clause
    if clause is None:
        raise v.fail("invalid rethrow label", f"label {immediates[0]} is that of no catch block")
    if clause.kept is None:
        clause.kept = v.kept_exceptions
        v.kept_exceptions += 1
    v.set_unreachable()


def close(v: BodyValidator, frame: ControlFrame) -> None:
    """At the ``end`` of a block that may have a handler still."""
    if frame.kind in ("try", "try_table"):
        _end_protection(v, frame)


EXCEPTION_RULES: dict[str, Callable[[BodyValidator, Immediates], None]] = {
    "try": _try,
    "catch": _catch,
    "throw": _throw,
    "rethrow": _rethrow,
    "throw_ref": _throw_ref,
    "delegate": _delegate,
    "catch_all": _catch_all,
    "try_table": _try_table,
}
"""By instruction name."""
