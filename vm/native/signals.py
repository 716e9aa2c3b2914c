"""Signal handlers, generated as code: guard pages, and interruption.

For SIGSEGV the handler asks three things: is the faulting instruction in a function body, does this thread
run compiled code for a store (``enter`` says so in thread-specific storage), and is the address inside one
of that store's memories' reservations. If so it resumes where the store's
state says (its tier's ``stop``), which unwinds as every trap does.
Anything else goes to the handler that was there before, so that real crashes are still reported
(faulthandler), and other engines in the process keep their own.

A handler that is called while it runs, which happens when the one before raises the signal again, gives way
to the system's default: the process ends.

For SIGINT, the handler that was there (Python's) notes the signal first; if the thread is inside a function
body, it then leaves it with a trap, so that Python gets to raise KeyboardInterrupt. That costs code nothing.
"""

from __future__ import annotations

import ctypes
import faulthandler

from vm.memory.native import WORD, Block, peek, poke
from vm.native import arena
from vm.native.arena import bodies
from vm.native.code import Code, kept
from vm.native.glue import Glue, sources
from vm.once import once
from vm.primitives import Lock

SIGINT, _SIGSEGV = 2, 11
"""Their numbers (``signal`` makes enumerations, and takes half a millisecond to)."""

ACTION_SIZE, _MASK, _FLAGS = 152, 8, 136
"""glibc's struct sigaction on x86-64: handler, mask of 128 bytes, flags, restorer."""

_SA_SIGINFO = 4
_SA_ONSTACK, _SA_NODEFER = 0x0800_0000, 0x4000_0000
_IGNORE = 1
"""SIG_IGN; SIG_DFL is 0, and everything above is a function."""

BUSY, PREVIOUS, PREVIOUS_INTERRUPT, DEFAULT = 0, 8, 16, 32
"""Where in the handlers' data: whether SIGSEGV is being passed on, who handled it and SIGINT before, an
action that is all zero."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sigaction.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]


def handler_of(number: int) -> int:
    """The address of what handles a signal now; 0 and 1 are none (SIG_DFL and SIG_IGN)."""
    action = Block(ACTION_SIZE)
    _libc.sigaction(number, None, action.address)
    return peek(action.address)


def handle(number: int, handler: int, flags: int, *, waits: int = 0) -> None:
    """Have a signal go to the code at an address, which takes a siginfo_t and a ucontext. Another, if any,
    ``waits`` until that is done.
    """
    action = Block(ACTION_SIZE)
    poke(action.address, handler)
    poke(action.address + _MASK, 1 << waits >> 1)
    poke(action.address + _FLAGS, _SA_SIGINFO | flags)
    _libc.sigaction(number, action.address, None)


def _ir() -> str:
    from vm.native.signals_text import text  # which ready-made code does without

    return text()


class Signals:
    """The process's handlers; they go in front of whatever handles these signals at that moment."""

    def __init__(self, glue: Glue) -> None:
        self._data = Block(DEFAULT + ACTION_SIZE)
        addresses = {"bodies": bodies().start, "thread_key": glue.key, "signal_data": self._data.address}
        self._code: Code = kept(
            "signals", _ir, 1, arena.glue(), glue.externals | addresses, sources=sources()
        )
        self._lock = Lock()
        self._guards = False
        self.faulthandler = False
        self.seen = Block(WORD)

    def renew(self) -> None:
        """Get in front again, after ``faulthandler`` was switched on or off.

        It puts itself there when it is switched on, and what it found when switched off. The attribute
        ``faulthandler`` says which of the two was so the last time; ``seen`` has the address of that object.
        """
        self.faulthandler = faulthandler.is_enabled()
        self.seen.words[0] = id(self.faulthandler)
        if self._guards:
            self.guard()
        self.interrupt()

    def guard(self) -> None:
        """Handle wild accesses. Cheap when done already; others may have come in between."""
        self._guards = True
        self._install(_SIGSEGV, "handler", PREVIOUS, _SA_NODEFER)

    def interrupt(self) -> None:
        """Let Ctrl-C stop compiled code, if the process handles it at all."""
        self._install(SIGINT, "interrupted", PREVIOUS_INTERRUPT, 0, default=False)

    def _install(self, number: int, name: str, previous: int, flags: int, *, default: bool = True) -> None:
        handler = self._code.symbols[name]
        with self._lock:
            found = handler_of(number)
            if found == handler or (found <= _IGNORE and not default):
                return
            poke(self._data.address + previous, found)
            handle(number, handler, _SA_ONSTACK | flags)


@once
def signals(glue: Glue) -> Signals:
    """The process's signal handling."""
    return Signals(glue)
