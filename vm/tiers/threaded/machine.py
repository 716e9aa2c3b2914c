"""The way into the machine and out of it, and what handlers jump to when something ends or is missing."""

from __future__ import annotations

from vm.errors import TrapCode
from vm.native.glue import UNWOUND
from vm.runtime.layout import (
    CONTEXT_MEMORY,
    CONTEXT_STATE,
    STATE_COMPILE,
    STATE_CONTROL,
    STATE_FRAMES,
    STATE_PENDING,
    STATE_STACK,
    STATE_STACK_END,
    STATE_STACK_LIMIT,
    STATE_TRACE,
    STATE_TRACE_LENGTH,
    TRACE_MAXIMUM,
    TRAPS,
    trap_number,
)
from vm.tiers.threaded.invocation import SLACK
from vm.tiers.threaded.text import CONTROL_ENTRY, PARAMETERS, raises

_EXIT = f'define dso_local preserve_nonecc void @"exit"{PARAMETERS} #1 {{ ret void }}\n'
"""Where the outermost frame returns to."""

_STOP_ARGUMENTS = "ptr %pc, ptr %fr, ptr %ctx, ptr %cs, ptr %state"

_RETRY = f"""\
define dso_local preserve_nonecc void @retry{PARAMETERS} #1 {{
  %answer = alloca ptr
  store ptr null, ptr %answer
  %state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %state_field
  %record_field = getelementptr i8, ptr %state, i64 {STATE_PENDING}
  %record = load ptr, ptr %record_field
  %callback_field = getelementptr i8, ptr %state, i64 {STATE_COMPILE}
  %callback = load ptr, ptr %callback_field
  call void %callback(ptr %record, ptr %answer)
  %code = load ptr, ptr %answer
  %failed = icmp eq ptr %code, null
  br i1 %failed, label %unwind, label %again
unwind:
  call preserve_nonecc void @halt({_STOP_ARGUMENTS}, i64 0, i64 0, i64 {UNWOUND})
  unreachable
again:
  %memory_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_MEMORY}
  %memory = load ptr, ptr %memory_field
  %handler = load ptr, ptr %pc
  musttail call preserve_nonecc void %handler(ptr %pc, ptr %fr, ptr %ctx, ptr %cs, ptr %memory)
  ret void
}}
"""
"""Have Python make the code of the record that the state names, and run the instruction again."""

_HALT = f"""\
define dso_local preserve_nonecc void @halt({_STOP_ARGUMENTS}, i64 %rip, i64 %rbp, i64 %why) #1 {{
  %first_field = getelementptr i8, ptr %state, i64 {STATE_STACK}
  %first = load i64, ptr %first_field
  %end_field = getelementptr i8, ptr %state, i64 {STATE_STACK_END}
  %end = load i64, ptr %end_field
  %length_field = getelementptr i8, ptr %state, i64 {STATE_TRACE_LENGTH}
  %entries = getelementptr i8, ptr %state, i64 {STATE_TRACE}
  store i64 0, ptr %length_field
  %start = ptrtoint ptr %cs to i64
  %inside = getelementptr i8, ptr %pc, i64 8
  %low = icmp ult i64 %start, %first
  br i1 %low, label %done, label %next
next:
  %number = phi i64 [ 0, %0 ], [ %following, %outward ]
  %address = phi ptr [ %inside, %0 ], [ %return, %outward ]
  %at = phi i64 [ %start, %0 ], [ %outer, %outward ]
  %slot = getelementptr i64, ptr %entries, i64 %number
  store ptr %address, ptr %slot
  %following = add i64 %number, 1
  store i64 %following, ptr %length_field
  %full = icmp eq i64 %following, {TRACE_MAXIMUM}
  %outside = icmp uge i64 %at, %end
  %last = or i1 %full, %outside
  br i1 %last, label %done, label %outward
outward:
  %entry = inttoptr i64 %at to ptr
  %return = load ptr, ptr %entry
  %frame_field = getelementptr i8, ptr %entry, i64 8
  %frame = load ptr, ptr %frame_field
  %outer = add i64 %at, {CONTROL_ENTRY}
  %entered = icmp eq ptr %frame, null
  br i1 %entered, label %done, label %next
done:
  call void @leave(ptr %state, i64 %why)
  unreachable
}}
"""
"""Note where the machine is, from the control stack, and leave. After a signal, the first four arguments are
what the registers held; they may be anything, so nothing outside the store's own stack is read."""

_INTERPRET = f"""\
define void @interpret(ptr %code, ptr %ctx, ptr %slots) #1 {{
  %exit = alloca ptr
  store ptr @"exit", ptr %exit
  %state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %state_field
  %limit_field = getelementptr i8, ptr %state, i64 {STATE_STACK_LIMIT}
  %limit = load i64, ptr %limit_field
  %here = ptrtoint ptr %exit to i64
  %exhausted = icmp ult i64 %here, %limit
  br i1 %exhausted, label %overflow, label %arguments
overflow:
  %length_field = getelementptr i8, ptr %state, i64 {STATE_TRACE_LENGTH}
  store i64 0, ptr %length_field
  call void @leave(ptr %state, i64 {trap_number(TrapCode.STACK_OVERFLOW)})
  unreachable
arguments:
  %frames_field = getelementptr i8, ptr %state, i64 {STATE_FRAMES}
  %frame = load ptr, ptr %frames_field
  %control_field = getelementptr i8, ptr %state, i64 {STATE_CONTROL}
  %control = load ptr, ptr %control_field
  %params_field = getelementptr i8, ptr %code, i64 8
  %params = load i32, ptr %params_field
  %results_field = getelementptr i8, ptr %code, i64 12
  %results = load i32, ptr %results_field
  %more = icmp ugt i32 %params, %results
  %most = select i1 %more, i32 %params, i32 %results
  %most_words = zext i32 %most to i64
  %end = getelementptr i64, ptr %frame, i64 %most_words
  %room = getelementptr i8, ptr %control, i64 -{SLACK}
  %full = icmp ugt ptr %end, %room
  br i1 %full, label %overflow, label %start
start:
  %params_words = zext i32 %params to i64
  %params_bytes = shl i64 %params_words, 3
  call void @llvm.memmove.p0.p0.i64(ptr %frame, ptr %slots, i64 %params_bytes, i1 false)
  %entry = getelementptr i8, ptr %control, i64 -{CONTROL_ENTRY}
  store ptr %exit, ptr %entry
  %entry_frame = getelementptr i8, ptr %entry, i64 8
  store ptr null, ptr %entry_frame
  %entry_context = getelementptr i8, ptr %entry, i64 16
  store ptr %ctx, ptr %entry_context
  %memory_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_MEMORY}
  %memory = load ptr, ptr %memory_field
  %handler = load ptr, ptr %code
  call preserve_nonecc void %handler(ptr %code, ptr %frame, ptr %ctx, ptr %entry, ptr %memory)
  %results_words = zext i32 %results to i64
  %results_bytes = shl i64 %results_words, 3
  call void @llvm.memmove.p0.p0.i64(ptr %slots, ptr %frame, i64 %results_bytes, i1 false)
  ret void
}}
"""
"""``interpret(code, ctx, slots)``: words in, words out, in the same array."""


def support() -> str:
    """All of it, as LLVM IR text."""
    return _EXIT + _RETRY + _HALT + _INTERPRET + "".join(_raise(code) for code in TRAPS)


def _raise(code: TrapCode) -> str:
    return f"""\
define dso_local preserve_nonecc void @"{raises(code)}"{PARAMETERS} #1 {{
  %state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %state_field
  call preserve_nonecc void @halt({_STOP_ARGUMENTS}, i64 0, i64 0, i64 {trap_number(code)})
  ret void
}}
"""
