"""What ties one store to compiled code: callbacks in its state block, and exceptions on their way through."""

from __future__ import annotations

import ctypes
import weakref

from vm.errors import Frame, Trap, VMError
from vm.gc.record import ROOT_TOP
from vm.isa.types import FuncType
from vm.memory.native import WORD, poke
from vm.native.border import Doors, border
from vm.native.callables import Way
from vm.native.glue import BUSY, THREW, THROWN, UNWOUND, Glue
from vm.native.signals import signals
from vm.runtime.backtrace import attach
from vm.runtime.exceptions import Exn
from vm.runtime.functions import Function
from vm.runtime.layout import (
    STATE_BORDER,
    STATE_COMPILE,
    STATE_HELP,
    STATE_STOP,
    STATE_TRACE,
    STATE_TRACE_LENGTH,
    TRAPS,
)
from vm.runtime.references import hold_all
from vm.runtime.store import Store
from vm.runtime.words import from_words, offsets, store_words, to_words
from vm.typed import TYPE_CHECKING, Callable, Iterator, Sequence

if TYPE_CHECKING:
    from vm.gc.cage import Cage
    from vm.gc.collector import Tracer
    from vm.gc.handles import Handles
    from vm.gc.types import TypeTable


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
        self._code_of = compile
        self._locate = locate
        self._budget = budget
        self._state = store.state
        self._heap = store.heap_record
        store.trace_with(_native_tracer)
        self._returned: Sequence[int] = ()
        self._pending: BaseException | None = None
        self._doors = Doors(self)
        words, symbols = store.state.words, border().symbols
        words[STATE_STOP // WORD] = glue.externals["stop"]
        words[STATE_BORDER // WORD] = self._doors.address
        words[STATE_HELP // WORD] = symbols["python_help"]
        words[STATE_COMPILE // WORD] = symbols["python_compile"]

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
        self._glue.prepare_thread()
        try:
            status = self._glue.enter(
                self._invoke(type),
                code,
                context,
                ctypes.addressof(slots),
                self._state.address,
                self._budget,
                1,
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

    def way(self, function: Function, place: int) -> Way:
        """How ``function`` is entered; the address of its code is, or will be, at ``place``."""
        return Way(place, self._invoke(function.type), self._state.address, self._budget)

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
        assert pending is not None  # whoever unwinds has put it there
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
        """A compiled function calls a host function, whose arguments and results are behind word 0."""
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
        store_words(type.results, results, words + WORD)

    def _renew(self) -> None:
        """Somebody switched ``faulthandler`` on or off."""
        self._signals.renew()

    def _threw(self, thrown: Exn, words: int) -> None:
        """A host function that was called with ``words`` threw a WebAssembly exception: word 0 answers."""
        self._here().throw(thrown)
        poke(words, THREW)

    def _help(self, handle: int, number: int, words: int) -> None:
        from vm.native.help import NUMBERED  # few programs ask

        try:
            helper, count = NUMBERED[number]
            args = (ctypes.c_uint64 * count).from_address(words + WORD)[:]
            result = helper(self._here().instances[handle], *args)
            self._returned = (result or 0,)
            (ctypes.c_uint64 * 2).from_address(words)[:] = [1, result or 0]
        except BaseException as error:
            self._pending = error

    def _compile(self, record: int) -> int:
        """The code of the function of a record."""
        store = self._here()
        return self._code_of(store, store.function_at(record))
