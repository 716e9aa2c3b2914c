"""The code between Python and compiled functions, generated once per process.

    enter(invoke, code, ctx, slots, state, budget, release)
                                    claims the store, sets a jump buffer and the stack limit, calls invoke,
                                    with Python's lock or without; what a signal's handler has raised by
                                    then is Python's error of the moment, with the status UNWOUND
    invoke(code, ctx, slots)                          a tier's own: words -> arguments, call, results -> words
    trap, unwind, leave                               store why and where, jump to the nearest enter's buffer
    trace, walk                                       where (``vm.native.walking``)
    throw, throw_on, rethrow, catch_point             exceptions (``vm.native.unwinding``)
    probe_stack                                       whether a giant frame fits (``vm.native.probing``)
    stop(state, code, frame, why)                     the same, where a signal's handler makes a thread go on
    compile, help                                     ask Python; unwind unless it says that it is done

Each ``enter`` has a buffer of its own and puts the previous one back, so a jump never crosses a Python frame.
``enter`` and the call itself are separate functions: setjmp does not mix with foreign calling conventions.

Whoever enters holds Python's lock, and does again when it is back; ``vm.native.callbacks`` takes it in
between. How far a thread's stack may be used is noted in thread-specific storage (``Glue.prepare_thread``).
"""

from __future__ import annotations

import ctypes

from vm.errors import VMError
from vm.native import arena, cache
from vm.native.code import kept
from vm.once import once
from vm.primitives import local
from vm.runtime import stack

UNWOUND = 0xFFFF
"""The trap code that says: a Python exception is waiting."""

THREW = 2
"""What a host call answers when it threw a WebAssembly exception, which the state describes."""

BUSY = 0xFFFE
"""What ``enter`` returns when another thread runs code of the store: nothing was done."""

THROWN = 0xFFFD
"""What ``enter`` returns for an exception that no handler of it caught; the state says which."""

_ENTER_TYPE = ctypes.PYFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_size_t,
)


_API = ("PyErr_CheckSignals", "PyEval_RestoreThread", "PyEval_SaveThread")


def _thread_key() -> int:
    """A key of thread-specific storage."""
    key = ctypes.c_uint()
    if ctypes.CDLL(None).pthread_key_create(ctypes.byref(key), None) != 0:
        raise VMError("no key for thread-specific storage is left in this process")
    return key.value


class Glue:
    """The process's glue; ``externals`` are the addresses that other code links against."""

    def __init__(self) -> None:
        self.key = _thread_key()
        self.floor_key = _thread_key()
        keys = {"thread_key": self.key, "floor_key": self.floor_key}
        python = {name: python_function(name) for name in _API}
        self._base = kept("glue", _ir, 1, arena.glue(), keys | python, sources=sources())
        self.enter = _ENTER_TYPE(self._base.symbols["enter"])
        self.externals = self._base.symbols
        self._prepared = local()

    def prepare_thread(self) -> None:
        """Note how far the calling thread's stack goes; nobody may ``enter`` before."""
        if not hasattr(self._prepared, "done"):
            ctypes.pythonapi.pthread_setspecific(self.floor_key, ctypes.c_void_p(stack.floor()))
            self._prepared.done = True


def _ir() -> str:
    from vm.native.glue_text import text  # which ready-made code does without

    return text()


def sources() -> list[bytes]:
    """What the texts of the glue, of the border and of signals' handlers follow from, as a digest."""
    return [cache.package_digest(PLACES)]


PLACES = (
    "errors.py",
    "gc/cage.py",
    "gc/record.py",
    "gc/space.py",
    "isa/types.py",
    "memory/*.py",
    "native/*.py",
    "runtime/backtrace.py",
    "runtime/layout.py",
    "runtime/packages.py",
)
"""Files of the package that these texts follow from."""


def python_function(name: str) -> int:
    """The address of a function of Python's API."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


@once
def glue() -> Glue:
    """The process's glue: its cost is the process's, not an engine's."""
    return Glue()
