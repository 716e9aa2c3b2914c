"""The code between Python and compiled functions (``vm.native.glue``) as LLVM IR."""

from __future__ import annotations

from vm.gc.record import ROOT_TOP
from vm.native.allocation import ALLOCATION_IR
from vm.native.glue import BUSY, UNWOUND
from vm.native.packages import PACKAGES_IR
from vm.native.probing import PROBING_IR
from vm.native.unwinding import UNWINDING_IR
from vm.native.walking import WALKING_IR
from vm.runtime.layout import (
    CONTEXT_INSTANCE,
    CONTEXT_STATE,
    STATE_COMPILE,
    STATE_CONTROL,
    STATE_FRAMES,
    STATE_HANDLER,
    STATE_HEAP,
    STATE_HELP,
    STATE_JUMP_BUFFER,
    STATE_OWNER,
    STATE_SAVED,
    STATE_STACK_LIMIT,
    STATE_TRAP_CODE,
)


def field(name: str, base: str, offset: int) -> str:
    """The line that makes ``%name`` point ``offset`` bytes behind ``%base``."""
    return f"  %{name} = getelementptr i8, ptr %{base}, i64 {offset}\n"


FRAMES = 'attributes #0 = { nounwind "frame-pointer"="all" }\n'
"""What is on the stack between a trap and its entry keeps frame pointers, so that ``trace`` can walk it."""


def text() -> str:
    """The code that does not depend on a type; the key under which a thread's state is noted is a symbol."""
    ir = (
        "@thread_key = external global i8\n@floor_key = external global i8\n"
        + FRAMES
        + UNWINDING_IR
        + ALLOCATION_IR
        + PACKAGES_IR
        + _ENTER
        + WALKING_IR
        + PROBING_IR
    )
    for name, number in _NUMBERS.items():
        ir = ir.replace(name, str(number))
    return ir


_NUMBERS = {"BUSYCODE": BUSY, "UNWOUNDCODE": UNWOUND, "ROOTTOP": ROOT_TOP}
"""What stands for what in the text below."""

_ENTER = (
    """\
declare ptr @pthread_getspecific(i32)
declare i32 @pthread_setspecific(i32, ptr)
declare i32 @llvm.eh.sjlj.setjmp(ptr)
declare void @llvm.eh.sjlj.longjmp(ptr)
declare ptr @llvm.frameaddress.p0(i32)
declare ptr @llvm.stacksave.p0()
declare i64 @pthread_self()
declare ptr @PyEval_SaveThread()
declare i32 @PyErr_CheckSignals()
declare void @PyEval_RestoreThread(ptr)
define i32 @enter(ptr %invoke, ptr %code, ptr %ctx, ptr %slots, ptr %state, i64 %budget, i64 %release) #0 {
  %buffer = alloca [5 x ptr], align 16
"""
    + field("buffer_field", "state", STATE_JUMP_BUFFER)
    + field("limit_field", "state", STATE_STACK_LIMIT)
    + field("frames_field", "state", STATE_FRAMES)
    + field("control_field", "state", STATE_CONTROL)
    + field("owner_field", "state", STATE_OWNER)
    + field("trap_field", "state", STATE_TRAP_CODE)
    + field("handler_field", "state", STATE_HANDLER)
    + field("heap_field", "state", STATE_HEAP)
    + field("saved_field", "state", STATE_SAVED)
    + """\
  %self = call i64 @pthread_self()
  %claim = cmpxchg ptr %owner_field, i64 0, i64 %self acquire monotonic
  %owner = extractvalue { i64, i1 } %claim, 0
  %outermost = icmp eq i64 %owner, 0
  %again = icmp eq i64 %owner, %self
  %mine = or i1 %outermost, %again
  br i1 %mine, label %claimed, label %busy
busy:
  ret i32 BUSYCODE
claimed:
  %outer_state = call ptr @pthread_getspecific(i32 ptrtoint (ptr @thread_key to i32))
  %noted = call i32 @pthread_setspecific(i32 ptrtoint (ptr @thread_key to i32), ptr %state)
  %heap = load ptr, ptr %heap_field
  %roots_field = getelementptr i8, ptr %heap, i64 ROOTTOP
  %roots = load ptr, ptr %roots_field
  %outer = load ptr, ptr %buffer_field
  %outer_limit = load i64, ptr %limit_field
  %outer_handler = load ptr, ptr %handler_field
  store ptr null, ptr %handler_field
  %outer_frames = load ptr, ptr %frames_field
  %outer_control = load ptr, ptr %control_field
  %frame = call ptr @llvm.frameaddress.p0(i32 0)
  store ptr %frame, ptr %buffer
  %sp = call ptr @llvm.stacksave.p0()
  %sp_slot = getelementptr i8, ptr %buffer, i64 16
  store ptr %sp, ptr %sp_slot
  br i1 %outermost, label %limit, label %ready
limit:
  %here = ptrtoint ptr %sp to i64
  %wanted = sub i64 %here, %budget
  %floor_noted = call ptr @pthread_getspecific(i32 ptrtoint (ptr @floor_key to i32))
  %floor = ptrtoint ptr %floor_noted to i64
  %near = icmp ult i64 %wanted, %floor
  %chosen = select i1 %near, i64 %floor, i64 %wanted
  store i64 %chosen, ptr %limit_field
  br label %ready
ready:
  store ptr %buffer, ptr %buffer_field
  store i64 0, ptr %trap_field
  %jumped = call i32 @llvm.eh.sjlj.setjmp(ptr %buffer)
  %first = icmp eq i32 %jumped, 0
  br i1 %first, label %run, label %unwound
unwound:
  store ptr %roots, ptr %roots_field
  br label %done
run:
  %rung = call i32 @PyErr_CheckSignals()
  %raised = icmp ne i32 %rung, 0
  br i1 %raised, label %refuse, label %start
refuse:
  store i64 UNWOUNDCODE, ptr %trap_field
  br label %done
start:
  %holds = icmp eq i64 %release, 0
  br i1 %holds, label %go, label %let_go
let_go:
  %saved = call ptr @PyEval_SaveThread()
  store ptr %saved, ptr %saved_field
  br label %go
go:
  call void @call(ptr %invoke, ptr %code, ptr %ctx, ptr %slots)
  store i64 0, ptr %trap_field
  br label %done
done:
  %saved_now = load ptr, ptr %saved_field
  %held = icmp eq ptr %saved_now, null
  br i1 %held, label %back, label %take
take:
  store ptr null, ptr %saved_field
  call void @PyEval_RestoreThread(ptr %saved_now)
  br label %back
back:
  %restored = call i32 @pthread_setspecific(i32 ptrtoint (ptr @thread_key to i32), ptr %outer_state)
  store ptr %outer, ptr %buffer_field
  store i64 %outer_limit, ptr %limit_field
  store ptr %outer_handler, ptr %handler_field
  store ptr %outer_frames, ptr %frames_field
  store ptr %outer_control, ptr %control_field
  %trap = load i64, ptr %trap_field
  %status = trunc i64 %trap to i32
  %left = select i1 %outermost, i64 0, i64 %self
  store atomic i64 %left, ptr %owner_field release, align 8
  ret i32 %status
}
define internal void @call(ptr %invoke, ptr %code, ptr %ctx, ptr %slots) noinline #0 {
  call void %invoke(ptr %code, ptr %ctx, ptr %slots)
  ret void
}
define void @leave(ptr %state, i64 %why) nounwind noreturn {
"""
    + field("trap_field", "state", STATE_TRAP_CODE)
    + field("buffer_field", "state", STATE_JUMP_BUFFER)
    + """\
  store i64 %why, ptr %trap_field
  %buffer = load ptr, ptr %buffer_field
  call void @llvm.eh.sjlj.longjmp(ptr %buffer)
  unreachable
}
define void @stop(ptr %state, i64 %code, ptr %frame, i64 %why) nounwind noreturn {
  %inside = add i64 %code, 1
  call void @trace(ptr %state, i64 %inside, ptr %frame)
  call void @leave(ptr %state, i64 %why)
  unreachable
}
define void @trap(ptr %ctx, i32 %code) noreturn #0 {
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %return_field = getelementptr i8, ptr %own, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %own
"""
    + field("state_field", "ctx", CONTEXT_STATE)
    + """\
  %state = load ptr, ptr %state_field
  call void @trace(ptr %state, i64 %return, ptr %caller)
  %why = zext i32 %code to i64
  call void @leave(ptr %state, i64 %why)
  unreachable
}
define void @unwind(ptr %state) noreturn #0 {
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %return_field = getelementptr i8, ptr %own, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %own
  call void @trace(ptr %state, i64 %return, ptr %caller)
  call void @leave(ptr %state, i64 UNWOUNDCODE)
  unreachable
}
define ptr @compile(ptr %ctx, ptr %record) #0 {
"""
    + field("state_field", "ctx", CONTEXT_STATE)
    + "  %state = load ptr, ptr %state_field\n"
    + field("callback_field", "state", STATE_COMPILE)
    + """\
  %callback = load ptr, ptr %callback_field
  %answer = alloca ptr
  store ptr null, ptr %answer
  call void %callback(ptr %record, ptr %answer)
  %code = load ptr, ptr %answer
  %failed = icmp eq ptr %code, null
  br i1 %failed, label %unwind, label %done
unwind:
  call void @unwind(ptr %state)
  unreachable
done:
  ret ptr %code
}
define void @help(ptr %ctx, i32 %number, ptr %words) #0 {
"""
    + field("state_field", "ctx", CONTEXT_STATE)
    + field("handle_field", "ctx", CONTEXT_INSTANCE)
    + "  %state = load ptr, ptr %state_field\n"
    + field("callback_field", "state", STATE_HELP)
    + """\
  %handle = load i64, ptr %handle_field
  %callback = load ptr, ptr %callback_field
  store i64 0, ptr %words
  call void %callback(i64 %handle, i32 %number, ptr %words)
  %answer = load i64, ptr %words
  %bad = icmp eq i64 %answer, 0
  br i1 %bad, label %unwind, label %done
unwind:
  call void @unwind(ptr %state)
  unreachable
done:
  ret void
}
"""
)
