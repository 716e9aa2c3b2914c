"""The way into the machine and out of it, and what handlers jump to when something ends or is missing."""

from __future__ import annotations

from vm.errors import TrapCode
from vm.gc.record import ROOT_TOP
from vm.native.arena import STENCIL_SPAN
from vm.native.glue import UNWOUND
from vm.native.unwinding import RECORD_WORDS
from vm.native.walking import SLACK
from vm.runtime.layout import (
    CONTEXT_MEMORY,
    CONTEXT_STATE,
    CONTROL_ENTRY,
    STATE_CATCH,
    STATE_CONTROL,
    STATE_FRAMES,
    STATE_HANDLER,
    STATE_HEAP,
    STATE_HOT,
    STATE_MACHINE,
    STATE_MACHINE_SIZE,
    STATE_PENDING,
    STATE_STACK_LIMIT,
    STATE_TRANSLATE,
    TRAPS,
    trap_number,
)
from vm.tiers.threaded.text import PARAMETERS, raises

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
  %callback_field = getelementptr i8, ptr %state, i64 {STATE_TRANSLATE}
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

_HOT = f"""\
define dso_local preserve_nonecc void @hot(ptr %pc, ptr %fr, ptr %ctx, ptr %cs, ptr %state) #1 {{
  %answer = alloca ptr
  store ptr null, ptr %answer
  %callback_field = getelementptr i8, ptr %state, i64 {STATE_HOT}
  %callback = load ptr, ptr %callback_field
  call void %callback(ptr %pc, ptr %answer)
  %next = load ptr, ptr %answer
  %failed = icmp eq ptr %next, null
  br i1 %failed, label %unwind, label %again
unwind:
  call preserve_nonecc void @halt({_STOP_ARGUMENTS}, i64 0, i64 0, i64 {UNWOUND})
  unreachable
again:
  %memory_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_MEMORY}
  %memory = load ptr, ptr %memory_field
  %handler = load ptr, ptr %next
  musttail call preserve_nonecc void %handler(ptr %next, ptr %fr, ptr %ctx, ptr %cs, ptr %memory)
  ret void
}}
"""
"""A place in the code has run often: Python says where to go on, here or elsewhere."""

_HALT = f"""\
define dso_local preserve_nonecc void @halt({_STOP_ARGUMENTS}, i64 %rip, i64 %rbp, i64 %why) #1 {{
  %start_field = getelementptr i8, ptr %state, i64 {STATE_MACHINE}
  %start = load i64, ptr %start_field
  %size_field = getelementptr i8, ptr %state, i64 {STATE_MACHINE_SIZE}
  %size = load i64, ptr %size_field
  %into = sub i64 %rip, %start
  %inside = icmp ult i64 %into, %size
  %asked = icmp eq i64 %rip, 0
  %ours = or i1 %inside, %asked
  br i1 %ours, label %machine, label %elsewhere
machine:
  call preserve_nonecc void @note({_STOP_ARGUMENTS})
  call void @leave(ptr %state, i64 %why)
  unreachable
elsewhere:
  %apart = sub i64 %rip, ptrtoint (ptr @stencils to i64)
  %copied = icmp ult i64 %apart, {STENCIL_SPAN}
  br i1 %copied, label %stencil, label %native
stencil:
  %behind = add i64 %rip, 1
  %control = ptrtoint ptr %cs to i64
  call void @walk(ptr %state, i64 %behind, ptr null, i64 %control)
  call void @leave(ptr %state, i64 %why)
  unreachable
native:
  %frame = inttoptr i64 %rbp to ptr
  call void @stop(ptr %state, i64 %rip, ptr %frame, i64 %why)
  unreachable
}}
define internal preserve_nonecc void @note({_STOP_ARGUMENTS}) #1 {{
  %behind = getelementptr i8, ptr %pc, i64 8
  %address = ptrtoint ptr %behind to i64
  %control = ptrtoint ptr %cs to i64
  call void @walk(ptr %state, i64 %address, ptr null, i64 %control)
  ret void
}}
define internal preserve_nonecc void @hurl({_STOP_ARGUMENTS}) #1 {{
  call preserve_nonecc void @note({_STOP_ARGUMENTS})
  call void @rethrow(ptr %state)
  unreachable
}}
"""
"""Note where the machine is, and leave; or throw the exception that the state describes. After a signal, the
first four arguments are what the registers held, which may be anything (``vm.native.walking``); ``rip`` says
whether the machine ran then, code of stencils, which has no ``pc``, or native code."""

_INTERPRET = f"""\
define void @interpret(ptr %code, ptr %ctx, ptr %slots) #3 {{
  %exit = alloca [2 x ptr]
  store ptr @"exit", ptr %exit
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %own_field = getelementptr ptr, ptr %exit, i64 1
  store ptr %own, ptr %own_field
  %guard = alloca [{RECORD_WORDS} x i64]
  %answer = alloca i64
  %state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %state_field
  %limit_field = getelementptr i8, ptr %state, i64 {STATE_STACK_LIMIT}
  %limit = load i64, ptr %limit_field
  %here = ptrtoint ptr %exit to i64
  %exhausted = icmp ult i64 %here, %limit
  br i1 %exhausted, label %overflow, label %arguments
overflow:
  %return_field = getelementptr i8, ptr %own, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %own
  call void @trace(ptr %state, i64 %return, ptr %caller)
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
  %heap_field = getelementptr i8, ptr %state, i64 {STATE_HEAP}
  %heap = load ptr, ptr %heap_field
  %roots_field = getelementptr i8, ptr %heap, i64 {ROOT_TOP}
  %roots = load ptr, ptr %roots_field
  %handler_field = getelementptr i8, ptr %state, i64 {STATE_HANDLER}
  %outer_handler = load ptr, ptr %handler_field
  store ptr %outer_handler, ptr %guard
  store ptr %guard, ptr %handler_field
  %again = call i32 @catch_point(ptr %guard) #4
  %first = icmp eq i32 %again, 0
  br i1 %first, label %begin, label %thrown
thrown:
  store ptr %roots, ptr %roots_field
  store i64 0, ptr %answer
  %callback_field = getelementptr i8, ptr %state, i64 {STATE_CATCH}
  %callback = load ptr, ptr %callback_field
  call void %callback(ptr %answer)
  %answered = load i64, ptr %answer
  switch i64 %answered, label %propagate [ i64 0, label %failed i64 1, label %caught ]
failed:
  call void @leave(ptr %state, i64 {UNWOUND})
  unreachable
propagate:
  store ptr %frame, ptr %frames_field
  store ptr %control, ptr %control_field
  call void @rethrow(ptr %state)
  unreachable
caught:
  store ptr %guard, ptr %handler_field
  %newest = load ptr, ptr %control_field
  %resumed = load ptr, ptr %newest
  %resumed_frame_field = getelementptr i8, ptr %newest, i64 8
  %resumed_frame = load ptr, ptr %resumed_frame_field
  %resumed_context_field = getelementptr i8, ptr %newest, i64 16
  %resumed_context = load ptr, ptr %resumed_context_field
  %resumed_control = getelementptr i8, ptr %newest, i64 {CONTROL_ENTRY}
  br label %run
begin:
  br label %run
run:
  %pc = phi ptr [ %code, %begin ], [ %resumed, %caught ]
  %fr = phi ptr [ %frame, %begin ], [ %resumed_frame, %caught ]
  %running = phi ptr [ %ctx, %begin ], [ %resumed_context, %caught ]
  %cs = phi ptr [ %entry, %begin ], [ %resumed_control, %caught ]
  %memory_field = getelementptr i8, ptr %running, i64 {CONTEXT_MEMORY}
  %memory = load ptr, ptr %memory_field
  %handler = load ptr, ptr %pc
  call preserve_nonecc void %handler(ptr %pc, ptr %fr, ptr %running, ptr %cs, ptr %memory)
  store ptr %outer_handler, ptr %handler_field
  store ptr %frame, ptr %frames_field
  store ptr %control, ptr %control_field
  %results_words = zext i32 %results to i64
  %results_bytes = shl i64 %results_words, 3
  call void @llvm.memmove.p0.p0.i64(ptr %slots, ptr %frame, i64 %results_bytes, i1 false)
  ret void
}}
"""
"""``interpret(code, ctx, slots)``: words in, words out, in the same array.

What is thrown anywhere inside, and not caught by native code further in, comes to ``thrown``: Python looks
through the machine's frames (``vm.tiers.threaded.unwinding``); if none of them catches, the next one outward
gets it. Whoever ends a run of the machine makes the stacks what they were when it began."""


def support() -> str:
    """All of it, as LLVM IR text."""
    return _EXIT + _RETRY + _HOT + _HALT + _INTERPRET + "".join(_raise(code) for code in TRAPS)


def _raise(code: TrapCode) -> str:
    return f"""\
define dso_local preserve_nonecc void @"{raises(code)}"{PARAMETERS} #1 {{
  %state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %state_field
  call preserve_nonecc void @halt({_STOP_ARGUMENTS}, i64 0, i64 0, i64 {trap_number(code)})
  ret void
}}
"""
