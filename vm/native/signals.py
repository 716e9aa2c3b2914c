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

from vm.errors import TrapCode
from vm.memory.linear import GUARDED_SPAN
from vm.memory.native import WORD, Block, peek, poke
from vm.native import arena
from vm.native.arena import SPAN, bodies
from vm.native.code import Code, kept
from vm.native.glue import Glue
from vm.once import once
from vm.primitives import Lock
from vm.runtime.layout import STATE_MEMORIES, STATE_STOP, trap_number

_RDI, _RSI, RBP, _RDX, _RCX, _RSP, RIP = 104, 112, 120, 136, 152, 160, 168
"""Where Linux on x86-64 saves these registers in a ucontext (asm/sigcontext.h behind uc_mcontext at 40)."""

SIGINT, _SIGSEGV = 2, 11
"""Their numbers (``signal`` makes enumerations, and takes half a millisecond to)."""

_SI_ADDR = 16
_ACTION_SIZE, _MASK, _FLAGS = 152, 8, 136
"""glibc's struct sigaction on x86-64: handler, mask of 128 bytes, flags, restorer."""

_SA_SIGINFO = 4
_SA_ONSTACK, _SA_NODEFER = 0x0800_0000, 0x4000_0000
_IGNORE = 1
"""SIG_IGN; SIG_DFL is 0, and everything above is a function."""

_BUSY, _PREVIOUS, _PREVIOUS_INTERRUPT, _DEFAULT = 0, 8, 16, 32

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sigaction.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]


def _ir() -> str:
    """At ``signal_data`` lie four fields: busy, the previous handlers, an all-zero action."""
    return f"""\
@bodies = external global i8
@thread_key = external global i8
@signal_data = external global [{_DEFAULT + _ACTION_SIZE} x i8]
declare ptr @pthread_getspecific(i32)
declare i32 @sigaction(i32, ptr, ptr)
define void @handler(i32 %signal, ptr %info, ptr %context) nounwind {{
  %rip_field = getelementptr i8, ptr %context, i64 {RIP}
  %rip = load i64, ptr %rip_field
  %into = sub i64 %rip, ptrtoint (ptr @bodies to i64)
  %ours = icmp ult i64 %into, {SPAN}
  br i1 %ours, label %which, label %chain
which:
  %state = call ptr @pthread_getspecific(i32 ptrtoint (ptr @thread_key to i32))
  %idle = icmp eq ptr %state, null
  br i1 %idle, label %chain, label %start
start:
  %address_field = getelementptr i8, ptr %info, i64 {_SI_ADDR}
  %address = load i64, ptr %address_field
  %first_field = getelementptr i8, ptr %state, i64 {STATE_MEMORIES}
  %first = load i64, ptr %first_field
  br label %search
search:
  %entry = phi i64 [ %first, %start ], [ %next, %follow ]
  %none = icmp eq i64 %entry, 0
  br i1 %none, label %chain, label %compare
compare:
  %base_field = inttoptr i64 %entry to ptr
  %base = load i64, ptr %base_field
  %distance = sub i64 %address, %base
  %inside = icmp ult i64 %distance, {GUARDED_SPAN}
  br i1 %inside, label %hit, label %follow
follow:
  %next_at = add i64 %entry, {WORD}
  %next_field = inttoptr i64 %next_at to ptr
  %next = load i64, ptr %next_field
  br label %search
hit:
  call void @resume(ptr %context, ptr %state, i64 {trap_number(TrapCode.MEMORY_OUT_OF_BOUNDS)})
  ret void
chain:
  %busy = load i64, ptr getelementptr (i8, ptr @signal_data, i64 {_BUSY})
  %previous = load i64, ptr getelementptr (i8, ptr @signal_data, i64 {_PREVIOUS})
  %again = icmp ne i64 %busy, 0
  %absent = icmp ule i64 %previous, 1
  %give_up = or i1 %again, %absent
  br i1 %give_up, label %default, label %pass
pass:
  store i64 1, ptr getelementptr (i8, ptr @signal_data, i64 {_BUSY})
  %function = inttoptr i64 %previous to ptr
  call void %function(i32 %signal, ptr %info, ptr %context)
  store i64 0, ptr getelementptr (i8, ptr @signal_data, i64 {_BUSY})
  ret void
default:
  %action = getelementptr i8, ptr @signal_data, i64 {_DEFAULT}
  %ignored = call i32 @sigaction(i32 %signal, ptr %action, ptr null)
  ret void
}}
define void @interrupted(i32 %signal, ptr %info, ptr %context) nounwind {{
  %previous = load ptr, ptr getelementptr (i8, ptr @signal_data, i64 {_PREVIOUS_INTERRUPT})
  call void %previous(i32 %signal, ptr %info, ptr %context)
  %rip_field = getelementptr i8, ptr %context, i64 {RIP}
  %rip = load i64, ptr %rip_field
  %into = sub i64 %rip, ptrtoint (ptr @bodies to i64)
  %ours = icmp ult i64 %into, {SPAN}
  br i1 %ours, label %stop, label %done
stop:
  %state = call ptr @pthread_getspecific(i32 ptrtoint (ptr @thread_key to i32))
  call void @resume(ptr %context, ptr %state, i64 {trap_number(TrapCode.INTERRUPT)})
  br label %done
done:
  ret void
}}
define internal void @resume(ptr %context, ptr %state, i64 %why) nounwind {{
  %rip_field = getelementptr i8, ptr %context, i64 {RIP}
  %rip = load i64, ptr %rip_field
  %rsi_field = getelementptr i8, ptr %context, i64 {_RSI}
  store i64 %rip, ptr %rsi_field
  %rbp_field = getelementptr i8, ptr %context, i64 {RBP}
  %rbp = load i64, ptr %rbp_field
  %rdx_field = getelementptr i8, ptr %context, i64 {_RDX}
  store i64 %rbp, ptr %rdx_field
  %rcx_field = getelementptr i8, ptr %context, i64 {_RCX}
  store i64 %why, ptr %rcx_field
  %stop_field = getelementptr i8, ptr %state, i64 {STATE_STOP}
  %stop = load i64, ptr %stop_field
  store i64 %stop, ptr %rip_field
  %rdi_field = getelementptr i8, ptr %context, i64 {_RDI}
  store ptr %state, ptr %rdi_field
  %rsp_field = getelementptr i8, ptr %context, i64 {_RSP}
  %rsp = load i64, ptr %rsp_field
  %below = sub i64 %rsp, 256
  %aligned = and i64 %below, -16
  %called = sub i64 %aligned, 8
  store i64 %called, ptr %rsp_field
  ret void
}}
"""


def handler_of(number: int) -> int:
    """The address of what handles a signal now; 0 and 1 are none (SIG_DFL and SIG_IGN)."""
    action = Block(_ACTION_SIZE)
    _libc.sigaction(number, None, action.address)
    return peek(action.address)


def handle(number: int, handler: int, flags: int, *, waits: int = 0) -> None:
    """Have a signal go to the code at an address, which takes a siginfo_t and a ucontext. Another, if any,
    ``waits`` until that is done.
    """
    action = Block(_ACTION_SIZE)
    poke(action.address, handler)
    poke(action.address + _MASK, 1 << waits >> 1)
    poke(action.address + _FLAGS, _SA_SIGINFO | flags)
    _libc.sigaction(number, action.address, None)


class Signals:
    """The process's handlers; they go in front of whatever handles these signals at that moment."""

    def __init__(self, glue: Glue) -> None:
        self._data = Block(_DEFAULT + _ACTION_SIZE)
        addresses = {"bodies": bodies().start, "thread_key": glue.key, "signal_data": self._data.address}
        self._code: Code = kept("signals", _ir, 1, arena.glue(), glue.externals | addresses)
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
        self._install(_SIGSEGV, "handler", _PREVIOUS, _SA_NODEFER)

    def interrupt(self) -> None:
        """Let Ctrl-C stop compiled code, if the process handles it at all."""
        self._install(SIGINT, "interrupted", _PREVIOUS_INTERRUPT, 0, default=False)

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
