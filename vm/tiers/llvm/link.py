"""What ties one store to compiled code: callbacks in its state block, and exceptions on their way through."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Sequence

from vm.errors import Frame, Trap, VMError
from vm.memory.native import WORD
from vm.runtime import stack
from vm.runtime.functions import Function
from vm.runtime.layout import (
    STATE_COMPILE,
    STATE_HELP,
    STATE_HOST_CALL,
    STATE_JUMP_BUFFER,
    STATE_STACK_FLOOR,
    STATE_TRACE,
    STATE_TRACE_LENGTH,
    TRAPS,
)
from vm.runtime.store import Store
from vm.tiers.llvm.glue import UNWOUND, Glue
from vm.tiers.llvm.runtime_help import NUMBERED

_HOST_CALL = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_uint64, ctypes.c_void_p)
_HELP = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p)
_COMPILE = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)

_FLOOR = STATE_STACK_FLOOR // WORD
_BUFFER = STATE_JUMP_BUFFER // WORD


class StoreLink:
    """Enters compiled code for one store. Holds no strong reference to the store, which outlives it."""

    def __init__(
        self,
        store: Store,
        glue: Glue,
        compile: Callable[[Store, Function], int],
        locate: Callable[[int], Frame | None],
        budget: int,
    ) -> None:
        self._store = weakref.ref(store)
        self._glue = glue
        self._compile = compile
        self._locate = locate
        self._budget = budget
        self._state = store.state
        self._pending: BaseException | None = None
        self._thread = 0
        self._callbacks = (_HOST_CALL(self._host_call), _HELP(self._help), _COMPILE(self._compile_record))
        offsets = (STATE_HOST_CALL, STATE_HELP, STATE_COMPILE)
        for offset, callback in zip(offsets, self._callbacks, strict=True):
            address = ctypes.cast(callback, ctypes.c_void_p).value
            store.state.words[offset // WORD] = address or 0

    def call(self, function: Function, code: int, context: int, args: Sequence[int]) -> list[int]:
        """Run ``code`` on bit patterns; raises what it ended with."""
        count = len(function.type.results)
        slots = (ctypes.c_uint64 * max(len(args), count, 1))(*args)
        state = self._state
        self._check_thread()
        state.words[_FLOOR] = stack.floor()
        invoke = self._glue.invoke(function.type)
        status = self._glue.enter(invoke, code, context, ctypes.addressof(slots), state.address, self._budget)
        if status:
            self._raise(status)
        return slots[:count]

    def _check_thread(self) -> None:
        thread = threading.get_ident()
        if self._state.words[_BUFFER] == 0:
            self._thread = thread
        elif self._thread != thread:
            raise VMError("this store is running in another thread: use one store per thread")

    def _raise(self, status: int) -> None:
        if status != UNWOUND:
            raise Trap(TRAPS[status - 1], frames=self._trace())
        pending, self._pending = self._pending, None
        if pending is None:
            raise VMError("compiled code unwound without a reason")
        raise pending

    def _trace(self) -> tuple[Frame, ...]:
        """The frames from the trap to the nearest entry, innermost first; inlined calls do not show."""
        words = self._state.words
        start, length = STATE_TRACE // WORD, words[STATE_TRACE_LENGTH // WORD]
        found = [self._locate(address) for address in words[start : start + length]]
        return tuple(frame for frame in found if frame is not None)

    def _here(self) -> Store:
        store = self._store()
        if store is None:
            raise VMError("compiled code runs for a store that is gone")
        return store

    def _host_call(self, handle: int, words: int) -> int:
        """A compiled function calls a host function; the status says whether to unwind."""
        try:
            function = self._here().functions[handle]
            assert function.host is not None
            args = (ctypes.c_uint64 * len(function.type.params)).from_address(words)[:]
            results = function.host(args)
            if results:
                (ctypes.c_uint64 * len(results)).from_address(words)[:] = list(results)
        except BaseException as error:  # whatever it is, it goes on behind the WebAssembly frames
            self._pending = error
            return 1
        return 0

    def _help(self, handle: int, number: int, words: int) -> int:
        try:
            helper, count = NUMBERED[number]
            args = (ctypes.c_uint64 * count).from_address(words)[:] if count else []
            result = helper(self._here().instances[handle], *args)
            if result is not None:
                ctypes.c_uint64.from_address(words).value = result
        except BaseException as error:
            self._pending = error
            return 1
        return 0

    def _compile_record(self, record: int) -> int:
        try:
            store = self._here()
            return self._compile(store, store.function_at(record))
        except BaseException as error:
            self._pending = error
            return 0
