"""The machine: runs blocks, keeps the call stack as a list, and stops before it grows too long.

WebAssembly calls use no Python stack, so deep recursion ends in a trap and never in a ``RecursionError``;
only calls through host functions nest Python frames.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from vm.config import Config
from vm.errors import Frame as TraceFrame
from vm.errors import Trap, TrapCode
from vm.memory.native import WORD
from vm.runtime.backtrace import MOST, attach, trace_frame
from vm.runtime.exceptions import Exn
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.runtime.layout import STATE_OWNER
from vm.tiers.reference.code import Block, Ending, Frame, FunctionCode, Step
from vm.tiers.reference.translate import translate
from vm.typed import ClassVar

Suspended = tuple[Block, Frame, FunctionCode]
"""A caller: the block that made the call, its frame, and whose it is."""

_CODES = "reference_codes"


class _Thread(threading.local):
    """What one thread has on its stacks: bytes of frames, and how often it entered the machine."""

    used = 0
    entries = 0


class ReferenceTier:
    """The tier ``reference``: a plain-Python interpreter, the oracle for the others."""

    name: ClassVar[str] = "reference"
    shows_roots: ClassVar[bool] = True
    native: ClassVar[bool] = False

    def __init__(self, config: Config) -> None:
        self._stack_bytes = config.max_wasm_stack
        self._thread = _Thread()

    def attach(self, instance: Instance) -> None:
        """Nothing to prepare: functions are translated at their first call."""

    def stats(self) -> dict[str, float]:
        """Nothing is compiled."""
        return {"compile_seconds": 0.0, "code_bytes": 0.0}

    def call(self, function: Function, args: Sequence[int]) -> list[int]:
        """Run a defined function; see ``vm.tiers.base.Tier``."""
        thread = self._thread
        used = thread.used
        thread.entries += 1
        assert function.instance is not None
        state = function.instance.store.state.words  # a thread that runs code of a store keeps others off
        outer, state[STATE_OWNER // WORD] = state[STATE_OWNER // WORD], threading.get_ident()
        callers: list[Suspended] = []
        try:
            return self._run(function, args, callers, used)
        except RecursionError:
            if thread.entries == 1:
                raise  # a host function's own
            raise Trap(TrapCode.STACK_OVERFLOW) from None
        finally:
            state[STATE_OWNER // WORD] = outer
            thread.used = used
            thread.entries -= 1

    def _run(self, function: Function, args: Sequence[int], callers: list[Suspended], used: int) -> list[int]:
        """The loop. ``callers`` is the call stack, innermost last; ``used`` the bytes of frames below.

        It is one long function on purpose: a Python call per block would cost as much as the block.
        """
        code = _code(function)
        used = self._grow(used, code)
        frame: Frame = [*args, *code.blank]
        results: Sequence[int]
        block = code.entry
        step: Step | None = None
        while True:
            try:
                while True:
                    for step in block.steps:
                        step(frame)
                    step = None
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
                            self._thread.used = used
                            results = callee.host(operands)
                            frame[base : base + len(results)] = results
                            block = block.next
                        else:
                            target = _code(callee)
                            used = self._grow(used, target)
                            callers.append((block, frame, code))
                            frame, block, code = operands + target.blank, target.entry, target
                    else:
                        if ending is Ending.RETURN:
                            results = frame[block.base : block.base + code.results]
                        else:
                            callee = block.callee(frame)
                            operands = frame[block.base : block.base + block.arity]
                            if callee.host is None:
                                target = _code(callee)
                                used = self._grow(used - code.cost, target)
                                frame, block, code = operands + target.blank, target.entry, target
                                continue
                            self._thread.used = used - code.cost
                            results = callee.host(operands)
                        used -= code.cost
                        if not callers:
                            return list(results)
                        block, frame, code = callers.pop()
                        frame[block.base : block.base + len(results)] = results
                        block = block.next
            except Exn as thrown:
                block, frame, code, used = _catch(thrown, (block, frame, code), callers, used, step)
            except Exception as error:
                attach(error, _backtrace(block.offset(step), code, callers))
                raise

    def _grow(self, used: int, code: FunctionCode) -> int:
        """The bytes of frames with one more of ``code``; traps when they are too many."""
        used += code.cost
        if used > self._stack_bytes:
            raise Trap(TrapCode.STACK_OVERFLOW)
        return used


def _code(function: Function) -> FunctionCode:
    """The code of a function, translated at its first call. It lives, and dies, with its instance."""
    codes: dict[int, FunctionCode] = vars(function.instance).setdefault(_CODES, {})
    code = codes.get(function.index)
    if code is None:
        code = codes[function.index] = translate(function)
    return code


def _catch(
    thrown: Exn, here: Suspended, callers: list[Suspended], used: int, step: Step | None
) -> tuple[Block, Frame, FunctionCode, int]:
    """Where execution goes on after an exception, without the frames that it left; raises it if nowhere."""
    block, frame, code = here
    left = 0
    while (found := block.catch(thrown, frame)) is None:
        used -= code.cost
        if left == len(callers):
            attach(thrown, _backtrace(here[0].offset(step), here[2], callers))
            raise thrown
        left += 1
        block, frame, code = callers[-left]
    del callers[len(callers) - left :]
    return found, frame, code, used


def _backtrace(offset: int, code: FunctionCode, callers: Sequence[Suspended]) -> Iterator[TraceFrame]:
    """The frames of one entry, innermost first; ``offset`` is where that of ``code`` is."""
    yield _trace_frame(code.function, offset)
    for block, _, caller in callers[:-MOST:-1]:
        yield _trace_frame(caller.function, block.last)


def _trace_frame(function: Function, offset: int) -> TraceFrame:
    assert function.instance is not None
    return trace_frame(function.instance.module, function.index, offset)
