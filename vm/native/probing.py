"""Stack for giant frames: a function whose frame exceeds ``GIANT`` asks for it before it takes it.

LLVM makes it do so ("probe-stack", made for systems whose stacks grow page by page): its prologue calls
``probe_stack`` with the frame's size in rax, and takes the frame only when that returns. Whether there is
such a frame, and how big, is decided when registers are allocated, so nobody else can know. Other functions
pay nothing: a leaf fits into what ``vm.runtime.stack`` keeps free, the rest look once their frame is made.
"""

from __future__ import annotations

from vm.errors import TrapCode
from vm.runtime.layout import STATE_STACK_LIMIT, trap_number

GIANT = 1 << 15
"""Bytes of a giant frame: half of what is kept free on a thread with 128 KiB of stack."""

PROBED = f'"probe-stack"="probe_stack" "stack-probe-size"="{GIANT}"'
"""Attributes of functions that ask; LLVM's documentation of ``probe-stack``."""

_VOLATILE = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")
"""What a callee may change (System V ABI, AMD64 supplement, 3.2.1), beside the vector registers: arguments
are still in them."""

_VECTORS = 16
_SIZE = 8 * (len(_VOLATILE) - 1)
"""Where rax, the frame's size, is saved: it is pushed first but for rbx."""

_RETURN = _SIZE + 16
"""Where the return address is, behind rbx. Above it begins the frame that is asked for."""

_ASSEMBLY = "; ".join(
    [
        "pushq %rbx",
        *(f"pushq %{name}" for name in _VOLATILE),
        "movq %rsp, %rbx",
        "andq $$-16, %rsp",
        f"subq $${16 * _VECTORS}, %rsp",
        *(f"movups %xmm{i}, {16 * i}(%rsp)" for i in range(_VECTORS)),
        "callq probing_state",
        *(f"movups {16 * i}(%rsp), %xmm{i}" for i in range(_VECTORS)),
        "movq %rbx, %rsp",
        f"leaq {_RETURN + 8}(%rsp), %rbx",
        f"subq {_SIZE}(%rsp), %rbx",
        f"cmpq {STATE_STACK_LIMIT}(%rax), %rbx",
        "jb 1f",
        *(f"popq %{name}" for name in reversed(_VOLATILE)),
        "popq %rbx",
        "retq",
        "1: movq %rax, %rdi",
        f"movq {_RETURN}(%rsp), %rsi",
        "movq %rbp, %rdx",
        f"movl $${trap_number(TrapCode.STACK_OVERFLOW)}, %ecx",
        "andq $$-16, %rsp",
        "callq stop",
    ]
)

PROBING_IR = f"""\
define ptr @probing_state() nounwind {{
  %state = call ptr @pthread_getspecific(i32 ptrtoint (ptr @thread_key to i32))
  ret ptr %state
}}
define void @probe_stack() naked noinline nounwind {{
  call void asm sideeffect "{_ASSEMBLY}", ""()
  unreachable
}}
"""
"""The code, for the module in which ``stop`` is. The context may have left its register when a prologue that
LLVM has moved behind a function's first branches runs, so the state is the one noted for the thread."""
