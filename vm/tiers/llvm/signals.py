"""Guard pages: the SIGSEGV handler, generated as code, that turns a wild access of compiled code into a trap.

The handler asks three things: is the faulting instruction in the code arena, does this thread run compiled
code for a store (``enter`` says so in thread-specific storage), and is the address inside one of that
store's memories' reservations. If so it resumes at ``fault``, which unwinds as every trap does. Anything
else goes to the handler that was there before, so that real crashes are still reported (faulthandler), and
other engines in the process keep their own.

A handler that is called while it runs, which happens when the one before raises the signal again, gives way
to the system's default: the process ends.
"""

from __future__ import annotations

import ctypes
import functools
import signal
import threading

from vm.errors import TrapCode
from vm.memory.linear import GUARDED_SPAN, NEXT
from vm.memory.native import Block, peek, poke
from vm.runtime.layout import STATE_MEMORIES
from vm.tiers.llvm.arena import SPAN, arena
from vm.tiers.llvm.code import Code, Costs, build
from vm.tiers.llvm.glue import Glue
from vm.tiers.llvm.text import trap_number

_RDI, _RSP, _RIP = 104, 160, 168
"""Where Linux on x86-64 saves these registers in a ucontext (asm/sigcontext.h behind uc_mcontext at 40)."""

_SI_ADDR = 16
_ACTION_SIZE, _FLAGS = 152, 136
"""glibc's struct sigaction on x86-64: handler, mask of 128 bytes, flags, restorer."""

_SA_SIGINFO, _SA_ONSTACK, _SA_NODEFER = 4, 0x0800_0000, 0x4000_0000
_BUSY, _PREVIOUS, _DEFAULT = 0, 8, 16

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sigaction.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]


def _ir(key: int, data: int) -> str:
    """``data`` is the address of three fields: busy, the previous handler, an all-zero action."""
    return f"""\
declare ptr @pthread_getspecific(i32)
declare i32 @sigaction(i32, ptr, ptr)
declare void @leave(ptr, i64) noreturn
define void @handler(i32 %signal, ptr %info, ptr %context) nounwind {{
  %rip_field = getelementptr i8, ptr %context, i64 {_RIP}
  %rip = load i64, ptr %rip_field
  %into = sub i64 %rip, {arena().start}
  %ours = icmp ult i64 %into, {SPAN}
  br i1 %ours, label %which, label %chain
which:
  %state = call ptr @pthread_getspecific(i32 {key})
  %idle = icmp eq ptr %state, null
  br i1 %idle, label %chain, label %start
start:
  %address_field = getelementptr i8, ptr %info, i64 {_SI_ADDR}
  %address = load i64, ptr %address_field
  %first_field = getelementptr i8, ptr %state, i64 {STATE_MEMORIES}
  %first = load i64, ptr %first_field
  br label %search
search:
  %base = phi i64 [ %first, %start ], [ %next, %follow ]
  %none = icmp eq i64 %base, 0
  br i1 %none, label %chain, label %compare
compare:
  %distance = sub i64 %address, %base
  %inside = icmp ult i64 %distance, {GUARDED_SPAN}
  br i1 %inside, label %hit, label %follow
follow:
  %next_at = add i64 %base, {NEXT}
  %next_field = inttoptr i64 %next_at to ptr
  %next = load i64, ptr %next_field
  br label %search
hit:
  %fault = ptrtoint ptr @fault to i64
  store i64 %fault, ptr %rip_field
  %rdi_field = getelementptr i8, ptr %context, i64 {_RDI}
  store ptr %state, ptr %rdi_field
  %rsp_field = getelementptr i8, ptr %context, i64 {_RSP}
  %rsp = load i64, ptr %rsp_field
  %below = sub i64 %rsp, 256
  %aligned = and i64 %below, -16
  %called = sub i64 %aligned, 8
  store i64 %called, ptr %rsp_field
  ret void
chain:
  %busy = load i64, ptr inttoptr (i64 {data + _BUSY} to ptr)
  %previous = load i64, ptr inttoptr (i64 {data + _PREVIOUS} to ptr)
  %again = icmp ne i64 %busy, 0
  %absent = icmp ule i64 %previous, 1
  %give_up = or i1 %again, %absent
  br i1 %give_up, label %default, label %pass
pass:
  store i64 1, ptr inttoptr (i64 {data + _BUSY} to ptr)
  %function = inttoptr i64 %previous to ptr
  call void %function(i32 %signal, ptr %info, ptr %context)
  store i64 0, ptr inttoptr (i64 {data + _BUSY} to ptr)
  ret void
default:
  %ignored = call i32 @sigaction(i32 %signal, ptr inttoptr (i64 {data + _DEFAULT} to ptr), ptr null)
  ret void
}}
define internal void @fault(ptr %state) nounwind noreturn {{
  call void @leave(ptr %state, i64 {trap_number(TrapCode.MEMORY_OUT_OF_BOUNDS)})
  unreachable
}}
"""


class Guard:
    """The process's handler; ``install`` puts it in front of whatever handles SIGSEGV at that moment."""

    def __init__(self, glue: Glue) -> None:
        self._data = Block(_DEFAULT + _ACTION_SIZE)
        self._code: Code = build(_ir(glue.key, self._data.address), 1, glue.externals, Costs())
        self._handler = self._code.symbols["handler"]
        self._lock = threading.Lock()

    def install(self) -> None:
        """Be the first handler. Cheap when it is so already; others may have come in between."""
        with self._lock:
            present = Block(_ACTION_SIZE)
            _libc.sigaction(signal.SIGSEGV, None, present.address)
            if peek(present.address) == self._handler:
                return
            poke(self._data.address + _PREVIOUS, peek(present.address))
            action = Block(_ACTION_SIZE)
            poke(action.address, self._handler)
            poke(action.address + _FLAGS, _SA_SIGINFO | _SA_ONSTACK | _SA_NODEFER)
            _libc.sigaction(signal.SIGSEGV, action.address, None)


@functools.cache
def guard(glue: Glue) -> Guard:
    """The process's guard."""
    return Guard(glue)
