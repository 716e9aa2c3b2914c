"""From the handlers of a validated body to guards on blocks."""

from __future__ import annotations

from collections.abc import Callable

from vm.module.body import FunctionInfo
from vm.module.handlers import Catch, Handler
from vm.runtime.exceptions import Exn
from vm.runtime.instance import Instance
from vm.tiers.reference.code import Block, Clause, Frame, Guard


class Guards:
    """Makes the guards of one function, each when the first block that it covers is met."""

    def __init__(self, instance: Instance, info: FunctionInfo, block_at: Callable[[int], Block]) -> None:
        self._instance = instance
        self._handlers = info.handlers
        self._bottom = len(info.locals)
        self._kept = len(info.locals) + info.max_stack
        self._block_at = block_at
        self._made: dict[int, Guard] = {}

    def covering(self, at: int) -> Guard | None:
        """The guard of a block that starts at a byte offset."""
        inner = (handler for handler in self._handlers if handler.start <= at < handler.end)
        return self._guard(next(inner, None))

    def clause(self, at: int) -> Catch:
        """The legacy clause whose code starts at a byte offset."""
        clauses = (clause for handler in self._handlers for clause in handler.clauses)
        return next(clause for clause in clauses if clause.branch.target == at)

    def slot(self, kept: int) -> int:
        """The frame slot of a kept exception."""
        return self._kept + kept

    def _guard(self, handler: Handler | None) -> Guard | None:
        if handler is None:
            return None
        guard = self._made.get(id(handler))
        if guard is None:
            guard = self._made[id(handler)] = Guard([], self._guard(handler.outer))
            guard.clauses += [self._clause(clause) for clause in handler.clauses]
        return guard

    def _clause(self, clause: Catch) -> Clause:
        tag = None if clause.tag is None else self._instance.tags[clause.tag]
        return Clause(tag, self._enter(clause), self._block_at(clause.branch.target))

    def _enter(self, clause: Catch) -> Callable[[Frame, Exn], None]:
        """Puts the exception's values where the clause wants them."""
        base, store = self._bottom + clause.base, self._instance.store
        kept = None if clause.kept is None else self.slot(clause.kept)

        def enter(frame: Frame, thrown: Exn) -> None:
            values = [] if clause.tag is None else [*thrown.bits]
            if clause.with_ref:
                values.append(store.extern_handle(thrown))
            frame[base : base + len(values)] = values
            if kept is not None:
                frame[kept] = store.extern_handle(thrown)

        return enter
