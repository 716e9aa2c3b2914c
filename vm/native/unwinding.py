"""How native code throws: a chain of handler records, and two pieces of assembly.

A function that catches keeps a record for each ``try`` in its frame, enters it into the chain that begins
in the store's state when the ``try`` is entered, and takes it out when the ``try`` is left. ``catch_point``
notes in the record where it returns to, and the registers that a callee must preserve, and returns 0;
``rethrow`` takes the newest record out and makes its ``catch_point`` return again, with 1. Code without a
``try`` pays nothing. Each entry from Python begins a chain of its own, so that nothing is unwound across a
Python frame.

    record     0  the record before it            8 .. 48  rbx, rbp, r12, r13, r14, r15
              56  stack pointer behind the call   64  address behind the call

What is thrown lies in the state: the tag's record, and the values as words (``vm.runtime.store.Store``).

    throw(ctx)          notes a trace, then as ``rethrow``; ``throw_on(state)`` is for what has no context
    rethrow(state)      goes to the newest handler, or leaves the entry as ``THROWN`` when there is none
"""

from __future__ import annotations

from vm.native.glue import THROWN
from vm.runtime.layout import CONTEXT_STATE, STATE_HANDLER

RECORD_WORDS = 9
"""Words in a handler record."""

_REGISTERS = ("rbx", "rbp", "r12", "r13", "r14", "r15")
"""What a function must preserve for its caller (System V ABI, AMD64 supplement, 3.2.1)."""

_SAVE = "".join(f"movq %{name}, {8 * i}(%rdi);" for i, name in enumerate(_REGISTERS, 1))
_RESTORE = "".join(f"movq {8 * i}(%rsi), %{name};" for i, name in enumerate(_REGISTERS, 1))

UNWINDING_IR = f"""\
define i32 @catch_point(ptr %record) naked noinline nounwind {{
  call void asm sideeffect "{_SAVE} leaq 8(%rsp), %rax; movq %rax, 56(%rdi); movq (%rsp), %rax; \
movq %rax, 64(%rdi); xorl %eax, %eax; retq", ""()
  unreachable
}}
define internal void @resume_at(ptr %state, ptr %record) naked noinline noreturn nounwind {{
  call void asm sideeffect "movq (%rsi), %rax; movq %rax, {STATE_HANDLER}(%rdi); {_RESTORE} \
movq 56(%rsi), %rsp; movl $$1, %eax; jmpq *64(%rsi)", ""()
  unreachable
}}
define void @rethrow(ptr %state) nounwind noreturn {{
  %handler_field = getelementptr i8, ptr %state, i64 {STATE_HANDLER}
  %record = load ptr, ptr %handler_field
  %none = icmp eq ptr %record, null
  br i1 %none, label %uncaught, label %caught
uncaught:
  call void @leave(ptr %state, i64 {THROWN})
  unreachable
caught:
  call void @resume_at(ptr %state, ptr %record)
  unreachable
}}
define void @throw(ptr %ctx) noreturn #0 {{
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %return_field = getelementptr i8, ptr %own, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %own
  %state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %state_field
  call void @trace(ptr %state, i64 %return, ptr %caller)
  call void @rethrow(ptr %state)
  unreachable
}}
define void @throw_on(ptr %state) noreturn #0 {{
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %return_field = getelementptr i8, ptr %own, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %own
  call void @trace(ptr %state, i64 %return, ptr %caller)
  call void @rethrow(ptr %state)
  unreachable
}}
"""
"""The code, for the module in which ``leave`` and ``trace`` are."""
