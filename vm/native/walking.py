"""How a trace is made: from where execution is outward to the entry from Python, by frames of two kinds.

Compiled functions keep frame pointers on the native stack; the threaded machine's frames have entries on a
control stack of the store's. Either kind calls the other, so the walk changes between them:

    native to machine    a return address lies in the machine's own code: what follows are entries, from the
                         one that was newest when the machine left for native code (the state says which)
    machine to native    an entry without a frame is where ``interpret`` began; its address is that of two
                         words: code, and the frame of ``interpret``, from which the native walk goes on

    trace(state, code, frame)             from code that was left at an address, with the frame it ran in
    walk(state, code, frame, control)     the same; with an entry of the control stack, from the machine
"""

from __future__ import annotations

from vm.runtime.layout import (
    CONTROL_ENTRY,
    STATE_CONTROL,
    STATE_JUMP_BUFFER,
    STATE_MACHINE,
    STATE_MACHINE_SIZE,
    STATE_STACK,
    STATE_STACK_END,
    STATE_TRACE,
    STATE_TRACE_LENGTH,
    TRACE_MAXIMUM,
)

SLACK = 64
"""Bytes kept between a frame's end and the control stack: room for the entries of a call and an entry."""


def _load(name: str, type: str, offset: int, base: str = "state") -> str:
    return (
        f"  %{name}_field = getelementptr i8, ptr %{base}, i64 {offset}\n"
        f"  %{name} = load {type}, ptr %{name}_field\n"
    )


WALKING_IR = (
    """\
define void @trace(ptr %state, i64 %code, ptr %frame) nounwind {
  call void @walk(ptr %state, i64 %code, ptr %frame, i64 0)
  ret void
}
define internal i1 @note(ptr %state, i64 %address) nounwind {
"""
    + _load("length", "i64", STATE_TRACE_LENGTH)
    + f"""\
  %entries = getelementptr i8, ptr %state, i64 {STATE_TRACE}
  %slot = getelementptr i64, ptr %entries, i64 %length
  store i64 %address, ptr %slot
  %following = add i64 %length, 1
  store i64 %following, ptr %length_field
  %full = icmp eq i64 %following, {TRACE_MAXIMUM}
  ret i1 %full
}}
define void @walk(ptr %state, i64 %code, ptr %frame, i64 %control) nounwind noinline {{
"""
    + _load("buffer", "ptr", STATE_JUMP_BUFFER)
    + _load("first", "i64", STATE_STACK)
    + _load("end", "i64", STATE_STACK_END)
    + _load("machine", "i64", STATE_MACHINE)
    + _load("size", "i64", STATE_MACHINE_SIZE)
    + _load("newest", "i64", STATE_CONTROL)
    + f"""\
  %length_field = getelementptr i8, ptr %state, i64 {STATE_TRACE_LENGTH}
  store i64 0, ptr %length_field
  %entry = load ptr, ptr %buffer
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %here_slot = alloca ptr
  store ptr %frame, ptr %here_slot
  %at_slot = alloca i64
  %from_native = icmp eq i64 %control, 0
  %start = select i1 %from_native, i64 %newest, i64 %control
  store i64 %start, ptr %at_slot
  %full_at_once = call i1 @note(ptr %state, i64 %code)
  br i1 %from_native, label %native, label %machine_frame
native:
  %here = load ptr, ptr %here_slot
  %outside = icmp uge ptr %here, %entry
  %below = icmp ule ptr %here, %own
  %stop = or i1 %outside, %below
  br i1 %stop, label %done, label %outward
outward:
  %return_field = getelementptr i8, ptr %here, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %here
  store ptr %caller, ptr %here_slot
  %into = sub i64 %return, %machine
  %interpreted = icmp ult i64 %into, %size
  br i1 %interpreted, label %machine_frame, label %native_noted
native_noted:
  %full_native = call i1 @note(ptr %state, i64 %return)
  br i1 %full_native, label %done, label %native
machine_frame:
  %at = load i64, ptr %at_slot
  %low = icmp ult i64 %at, %first
  %high = icmp uge i64 %at, %end
  %off = or i1 %low, %high
  br i1 %off, label %done, label %look
look:
  %place = inttoptr i64 %at to ptr
  %back = load i64, ptr %place
  %its_frame_field = getelementptr i8, ptr %place, i64 8
  %its_frame = load ptr, ptr %its_frame_field
  %outer = add i64 %at, {CONTROL_ENTRY}
  store i64 %outer, ptr %at_slot
  %entered = icmp eq ptr %its_frame, null
  br i1 %entered, label %began, label %machine_noted
machine_noted:
  %full_machine = call i1 @note(ptr %state, i64 %back)
  br i1 %full_machine, label %done, label %machine_frame
began:
  %exit = inttoptr i64 %back to ptr
  %exit_low = icmp ule ptr %exit, %own
  %exit_high = icmp uge ptr %exit, %entry
  %exit_bad = or i1 %exit_low, %exit_high
  br i1 %exit_bad, label %done, label %resume
resume:
  %interpret_field = getelementptr i8, ptr %exit, i64 8
  %interpret = load ptr, ptr %interpret_field
  store ptr %interpret, ptr %here_slot
  br label %native
done:
  ret void
}}
"""
)
"""The code. After a signal the registers that are its arguments may hold anything, so only addresses on the
control stack, and between the entry's frame and this one, are read."""
