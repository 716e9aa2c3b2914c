"""The handlers of signals (``vm.native.signals``) as LLVM IR."""

from __future__ import annotations

from vm.errors import TrapCode
from vm.memory.linear import GUARDED_SPAN
from vm.memory.native import WORD
from vm.native.arena import SPAN
from vm.native.signals import ACTION_SIZE, BUSY, DEFAULT, PREVIOUS, PREVIOUS_INTERRUPT
from vm.runtime.layout import STATE_MEMORIES, STATE_STOP, trap_number

_RDI, _RSI, RBP, _RDX, _RCX, _RSP, RIP = 104, 112, 120, 136, 152, 160, 168
"""Where Linux on x86-64 saves these registers in a ucontext (asm/sigcontext.h behind uc_mcontext at 40)."""

_SI_ADDR = 16


def text() -> str:
    """All of it; ``vm.native.signals`` says what lies at ``signal_data``."""
    return f"""\
@bodies = external global i8
@thread_key = external global i8
@signal_data = external global [{DEFAULT + ACTION_SIZE} x i8]
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
  %busy = load i64, ptr getelementptr (i8, ptr @signal_data, i64 {BUSY})
  %previous = load i64, ptr getelementptr (i8, ptr @signal_data, i64 {PREVIOUS})
  %again = icmp ne i64 %busy, 0
  %absent = icmp ule i64 %previous, 1
  %give_up = or i1 %again, %absent
  br i1 %give_up, label %default, label %pass
pass:
  store i64 1, ptr getelementptr (i8, ptr @signal_data, i64 {BUSY})
  %function = inttoptr i64 %previous to ptr
  call void %function(i32 %signal, ptr %info, ptr %context)
  store i64 0, ptr getelementptr (i8, ptr @signal_data, i64 {BUSY})
  ret void
default:
  %action = getelementptr i8, ptr @signal_data, i64 {DEFAULT}
  %ignored = call i32 @sigaction(i32 %signal, ptr %action, ptr null)
  ret void
}}
define void @interrupted(i32 %signal, ptr %info, ptr %context) nounwind {{
  %previous = load ptr, ptr getelementptr (i8, ptr @signal_data, i64 {PREVIOUS_INTERRUPT})
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
