"""The machine: runs blocks, keeps the call stack as a list, and stops before it grows too long.

WebAssembly calls use no Python stack, so deep recursion ends in a trap and never in a ``RecursionError``;
only calls through host functions nest Python frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from vm.config import Config
from vm.errors import Frame as TraceFrame
from vm.errors import Trap, TrapCode
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.tiers.reference.code import Block, Ending, Frame, FunctionCode
from vm.tiers.reference.translate import translate

Suspended = tuple[Block, Frame, FunctionCode]
"""A caller: the block that made the call, its frame, and whose it is."""

_CODES = "reference_codes"


class ReferenceTier:
    """The tier ``reference``: a plain-Python interpreter, the oracle for the others."""

    name: ClassVar[str] = "reference"

    def __init__(self, config: Config) -> None:
        self._stack_bytes = config.max_wasm_stack
        self._used = 0
        self._entries = 0

    def attach(self, instance: Instance) -> None:
        """Nothing to prepare: functions are translated at their first call."""

    def stats(self) -> dict[str, float]:
        """Nothing is compiled."""
        return {"compile_seconds": 0.0, "code_bytes": 0.0}

    def call(self, function: Function, args: Sequence[int]) -> list[int]:
        """Run a defined function; see ``vm.tiers.base.Tier``."""
        used, self._entries = self._used, self._entries + 1
        callers: list[Suspended] = []
        try:
            return self._run(function, args, callers)
        except RecursionError:
            if self._entries == 1:
                raise  # a host function's own
            raise Trap(TrapCode.STACK_OVERFLOW) from None
        finally:
            self._used = used
            self._entries -= 1

    def _run(self, function: Function, args: Sequence[int], callers: list[Suspended]) -> list[int]:
        """The loop. ``callers`` is the call stack, innermost last."""
        code = self._enter(function)
        frame: Frame = [*args, *code.blank]
        block = code.entry
        try:
            while True:
                for step in block.steps:
                    step(frame)
                ending = block.ending
                if ending is Ending.BRANCH:
                    block = block.choose(frame)
                elif ending is Ending.GOTO:
                    block = block.next
                elif ending is Ending.CALL:
                    callee = block.callee(frame)
                    base = block.base
                    operands = frame[base : base + block.arity]
                    if callee.host is not None:
                        results = callee.host(operands)
                        frame[base : base + len(results)] = results
                        block = block.next
                    else:
                        callers.append((block, frame, code))
                        code = self._enter(callee)
                        frame = operands + code.blank
                        block = code.entry
                else:
                    results = frame[block.base : block.base + code.results]
                    self._used -= code.cost
                    if not callers:
                        return results
                    block, frame, code = callers.pop()
                    frame[block.base : block.base + len(results)] = results
                    block = block.next
        except Trap as trap:
            if not trap.frames and trap.code is not None:
                trap.frames = _backtrace(code, callers)
            raise

    def _enter(self, function: Function) -> FunctionCode:
        """The code of a function about to be called, its frame accounted for."""
        codes: dict[int, FunctionCode] = vars(function.instance).setdefault(_CODES, {})
        code = codes.get(function.index)
        if code is None:
            code = codes[function.index] = translate(function)
        self._used += code.cost
        if self._used > self._stack_bytes:
            raise Trap(TrapCode.STACK_OVERFLOW)
        return code


def _backtrace(code: FunctionCode, callers: Sequence[Suspended]) -> tuple[TraceFrame, ...]:
    codes = [code, *(caller[2] for caller in reversed(callers))]
    return tuple(TraceFrame(code.function.index, code.function.name) for code in codes)
