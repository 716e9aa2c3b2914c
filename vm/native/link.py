"""What ties one store to compiled code: callbacks in its state block, and exceptions on their way through."""

from __future__ import annotations

import ctypes
import faulthandler
import weakref
from collections.abc import Callable, Iterator, Sequence

from vm.errors import Frame, Trap, VMError
from vm.gc.cage import Cage
from vm.gc.collector import Tracer
from vm.gc.handles import Handles
from vm.gc.record import ROOT_TOP
from vm.gc.types import TypeTable
from vm.isa.types import FuncType
from vm.memory.native import WORD, poke
from vm.native.glue import BUSY, THREW, UNWOUND, Glue
from vm.native.help import NUMBERED
from vm.native.signals import signals
from vm.native.unwinding import THROWN
from vm.runtime import stack
from vm.runtime.backtrace import attach
from vm.runtime.exceptions import Exn
from vm.runtime.functions import Function
from vm.runtime.layout import (
    STATE_COMPILE,
    STATE_HELP,
    STATE_HOST_CALL,
    STATE_STOP,
    STATE_TRACE,
    STATE_TRACE_LENGTH,
    TRAPS,
)
from vm.runtime.references import hold_all
from vm.runtime.store import Store
from vm.runtime.words import from_words, offsets, to_words

_HOST_CALL = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_void_p)
HELP = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p)
COMPILE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


def _native_tracer(cage: Cage, types: TypeTable, handles: Handles) -> Tracer:
    from vm.native.tracing import NativeTracer  # with the compiler: only where a collection needs it

    return NativeTracer(cage, types, handles)


class StoreLink:
    """Enters compiled code for one store. Holds no strong reference to the store, which outlives it.

    ``invoke`` gives the address of the code between an array of words and functions of a type, ``compile``
    the code of a function, ``locate`` the function that an address in a trace belongs to; ``budget`` is how
    many bytes of native stack there are for calls.
    """

    def __init__(
        self,
        store: Store,
        glue: Glue,
        invoke: Callable[[FuncType], int],
        compile: Callable[[Store, Function], int],
        locate: Callable[[int], Sequence[Frame]],
        budget: int,
    ) -> None:
        self._store = weakref.ref(store)
        self._glue = glue
        self._signals = signals(glue)
        self._invoke = invoke
        self._compile = compile
        self._locate = locate
        self._budget = budget
        self._state = store.state
        self._heap = store.heap.record
        store.heap.trace_with(_native_tracer)
        self._returned: Sequence[int] = ()
        self._pending: BaseException | None = None
        self._callbacks = (_HOST_CALL(self._host_call), HELP(self._help), COMPILE(self._compile_record))
        offsets = (STATE_HOST_CALL, STATE_HELP, STATE_COMPILE)
        store.state.words[STATE_STOP // WORD] = glue.externals["stop"]
        for offset, callback in zip(offsets, self._callbacks, strict=True):
            address = ctypes.cast(callback, ctypes.c_void_p).value
            store.state.words[offset // WORD] = address or 0

    def call(self, function: Function, code: int, context: int, args: Sequence[int]) -> list[int]:
        """Run ``code`` on bit patterns; raises what it ended with."""
        type = function.type
        if type.has_vectors:
            args = to_words(type.params, args)
            count = offsets(type.results)[-1]
        else:
            count = len(type.results)
        slots = (ctypes.c_uint64 * max(len(args), count, 1))(*args)
        roots = self._heap.words[ROOT_TOP // WORD]
        try:
            status = self._glue.enter(
                self._invoke(type),
                code,
                context,
                ctypes.addressof(slots),
                self._state.address,
                self._budget,
                stack.floor(),
            )
        except ctypes.ArgumentError as error:  # the arguments are right; Python's stack was used up
            raise RecursionError("maximum recursion depth exceeded in a call of WebAssembly") from error
        if status:
            self._raise(status)
        results = from_words(type.results, slots[:]) if type.has_vectors else slots[:count]
        if function.passes_references:  # invoke_T has left them on the root stack
            results = hold_all(self._here(), type.results, results)
            self._heap.words[ROOT_TOP // WORD] = roots
        self._returned = ()
        return results

    def _raise(self, status: int) -> None:
        if status == BUSY:
            raise VMError("this store is running in another thread: use one store per thread")
        if status == THROWN:
            thrown = self._here().uncaught()
            attach(thrown, self._trace())
            raise thrown
        if status != UNWOUND:
            trap = Trap(TRAPS[status - 1])
            attach(trap, self._trace())
            raise trap
        pending, self._pending = self._pending, None
        if pending is None:
            raise VMError(
                "Python raised before the first line of a callback, usually RecursionError or what a "
                "signal's handler raises: sys.unraisablehook was told"
            )
        attach(pending, self._trace())
        raise pending

    def _trace(self) -> Iterator[Frame]:
        """The frames from the trap to the nearest entry, innermost first; inlined calls do not show."""
        words = self._state.words
        start, length = STATE_TRACE // WORD, words[STATE_TRACE_LENGTH // WORD]
        words[STATE_TRACE_LENGTH // WORD] = 0
        for address in words[start : start + length]:
            yield from self._locate(address)

    def _here(self) -> Store:
        store = self._store()
        if store is None:
            raise VMError("compiled code runs for a store that is gone")
        return store

    def _host_call(self, handle: int, words: int) -> None:
        """A compiled function calls a host function; word 0 answers 1 or ``THREW``, or stays 0 to unwind."""
        try:
            self._returned = ()
            function = self._here().functions[handle]
            assert function.host is not None
            type = function.type
            count = offsets(type.params)[-1] if type.has_vectors else len(type.params)
            args = (ctypes.c_uint64 * count).from_address(words + WORD)[:]
            values = from_words(type.params, args) if type.has_vectors else args
            if function.passes_references:
                values = hold_all(self._here(), type.params, values)
            results = function.host(values)
            if function.passes_references:
                self._returned = results  # nothing else keeps them until compiled code has them
            if faulthandler.is_enabled() is not self._signals.faulthandler:
                self._signals.renew()
            if type.has_vectors:
                results = to_words(type.results, results)
            (ctypes.c_uint64 * (1 + len(results))).from_address(words)[:] = [1, *results]
        except Exn as thrown:
            self._threw(thrown, words)
        except BaseException as error:  # whatever it is, it goes on behind the WebAssembly frames
            self._pending = error

    def _threw(self, thrown: Exn, words: int) -> None:
        """A host function that was called with ``words`` threw a WebAssembly exception."""
        self._here().throw(thrown)
        poke(words, THREW)

    def _help(self, handle: int, number: int, words: int) -> None:
        try:
            helper, count = NUMBERED[number]
            args = (ctypes.c_uint64 * count).from_address(words + WORD)[:]
            result = helper(self._here().instances[handle], *args)
            self._returned = (result or 0,)
            (ctypes.c_uint64 * 2).from_address(words)[:] = [1, result or 0]
        except BaseException as error:
            self._pending = error

    def _compile_record(self, record: int, answer: int) -> None:
        try:
            store = self._here()
            poke(answer, self._compile(store, store.function_at(record)))
        except BaseException as error:
            self._pending = error
