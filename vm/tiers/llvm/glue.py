"""The code between Python and compiled functions, generated once per process.

    enter(invoke, code, ctx, slots, state, budget, floor)
                                    claims the store, sets a jump buffer and the stack limit, calls invoke_T
    invoke_T(code, ctx, slots)                        words -> arguments of type T, call, results -> words
    host_T(host ctx, arguments)                       the code of a host function of type T
    trap, trace, leave                                store why and where, jump to the nearest enter's buffer
    compile, help                                     ask Python; unwind unless it says that it is done

Each ``enter`` has a buffer of its own and puts the previous one back, so a jump never crosses a Python frame.
``enter`` and the call itself are separate functions: setjmp does not mix with foreign calling conventions.

A callback answers in memory, not by its return value: when a signal's handler or the recursion limit raises
before its first line, ctypes can only report that, and what it returns then is whatever lay there.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence

from vm.errors import VMError
from vm.isa.emit import LLVM_TYPES
from vm.isa.types import FuncType, ValType
from vm.memory.native import WORD
from vm.runtime.layout import (
    CONTEXT_INSTANCE,
    CONTEXT_STATE,
    STATE_COMPILE,
    STATE_HELP,
    STATE_HOST_CALL,
    STATE_JUMP_BUFFER,
    STATE_OWNER,
    STATE_STACK_LIMIT,
    STATE_TRACE,
    STATE_TRACE_LENGTH,
    STATE_TRAP_CODE,
    TRACE_MAXIMUM,
)
from vm.runtime.types import type_id
from vm.runtime.words import offsets
from vm.tiers.llvm import arena
from vm.tiers.llvm.code import Code, Costs, build
from vm.tiers.llvm.text import result_type

UNWOUND = 0xFFFF
"""The trap code that says: a Python exception is waiting."""

BUSY = 0xFFFE
"""What ``enter`` returns when another thread runs code of the store: nothing was done."""


def _field(name: str, base: str, offset: int) -> str:
    return f"  %{name} = getelementptr i8, ptr %{base}, i64 {offset}\n"


_FRAMES = 'attributes #0 = { nounwind "frame-pointer"="all" }\n'
"""What is on the stack between a trap and its entry keeps frame pointers, so that ``trace`` can walk it."""


def _enter_ir(key: int) -> str:
    """The code that does not depend on a type; ``key`` is where a thread's state is noted."""
    return _FRAMES + _ENTER.replace("KEY", str(key)).replace("BUSYCODE", str(BUSY))


_ENTER = (
    """\
declare ptr @pthread_getspecific(i32)
declare i32 @pthread_setspecific(i32, ptr)
declare i32 @llvm.eh.sjlj.setjmp(ptr)
declare void @llvm.eh.sjlj.longjmp(ptr)
declare ptr @llvm.frameaddress.p0(i32)
declare ptr @llvm.stacksave.p0()
declare i64 @pthread_self()
define i32 @enter(ptr %invoke, ptr %code, ptr %ctx, ptr %slots, ptr %state, i64 %budget, i64 %floor) #0 {
  %buffer = alloca [5 x ptr], align 16
"""
    + _field("buffer_field", "state", STATE_JUMP_BUFFER)
    + _field("limit_field", "state", STATE_STACK_LIMIT)
    + _field("owner_field", "state", STATE_OWNER)
    + _field("trap_field", "state", STATE_TRAP_CODE)
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
  %outer_state = call ptr @pthread_getspecific(i32 KEY)
  %noted = call i32 @pthread_setspecific(i32 KEY, ptr %state)
  %outer = load ptr, ptr %buffer_field
  %outer_limit = load i64, ptr %limit_field
  %frame = call ptr @llvm.frameaddress.p0(i32 0)
  store ptr %frame, ptr %buffer
  %sp = call ptr @llvm.stacksave.p0()
  %sp_slot = getelementptr i8, ptr %buffer, i64 16
  store ptr %sp, ptr %sp_slot
  br i1 %outermost, label %limit, label %ready
limit:
  %here = ptrtoint ptr %sp to i64
  %wanted = sub i64 %here, %budget
  %near = icmp ult i64 %wanted, %floor
  %chosen = select i1 %near, i64 %floor, i64 %wanted
  store i64 %chosen, ptr %limit_field
  br label %ready
ready:
  store ptr %buffer, ptr %buffer_field
  store i64 0, ptr %trap_field
  %jumped = call i32 @llvm.eh.sjlj.setjmp(ptr %buffer)
  %first = icmp eq i32 %jumped, 0
  br i1 %first, label %run, label %done
run:
  call void @call(ptr %invoke, ptr %code, ptr %ctx, ptr %slots)
  store i64 0, ptr %trap_field
  br label %done
done:
  %restored = call i32 @pthread_setspecific(i32 KEY, ptr %outer_state)
  store ptr %outer, ptr %buffer_field
  store i64 %outer_limit, ptr %limit_field
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
    + _field("trap_field", "state", STATE_TRAP_CODE)
    + _field("buffer_field", "state", STATE_JUMP_BUFFER)
    + """\
  store i64 %why, ptr %trap_field
  %buffer = load ptr, ptr %buffer_field
  call void @llvm.eh.sjlj.longjmp(ptr %buffer)
  unreachable
}
define void @trace(ptr %state, i64 %code, ptr %frame) nounwind {
"""
    + _field("buffer_field", "state", STATE_JUMP_BUFFER)
    + _field("length_field", "state", STATE_TRACE_LENGTH)
    + _field("entries", "state", STATE_TRACE)
    + f"""\
  %buffer = load ptr, ptr %buffer_field
  %entry = load ptr, ptr %buffer
  br label %next
next:
  %number = phi i64 [ 0, %0 ], [ %following, %outward ]
  %address = phi i64 [ %code, %0 ], [ %return, %outward ]
  %here = phi ptr [ %frame, %0 ], [ %caller, %outward ]
  %slot = getelementptr i64, ptr %entries, i64 %number
  store i64 %address, ptr %slot
  %following = add i64 %number, 1
  store i64 %following, ptr %length_field
  %full = icmp eq i64 %following, {TRACE_MAXIMUM}
  %outside = icmp uge ptr %here, %entry
  %stop = or i1 %full, %outside
  br i1 %stop, label %done, label %outward
outward:
  %return_field = getelementptr i8, ptr %here, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %here
  br label %next
done:
  ret void
}}
define void @trap(ptr %ctx, i32 %code) noreturn #0 {{
"""
    + """\
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  %return_field = getelementptr i8, ptr %own, i64 8
  %return = load i64, ptr %return_field
  %caller = load ptr, ptr %own
"""
    + _field("state_field", "ctx", CONTEXT_STATE)
    + """\
  %state = load ptr, ptr %state_field
  call void @trace(ptr %state, i64 %return, ptr %caller)
  %why = zext i32 %code to i64
  call void @leave(ptr %state, i64 %why)
  unreachable
}
define ptr @compile(ptr %ctx, ptr %record) nounwind {
"""
    + _field("state_field", "ctx", CONTEXT_STATE)
    + "  %state = load ptr, ptr %state_field\n"
    + _field("callback_field", "state", STATE_COMPILE)
    + f"""\
  %callback = load ptr, ptr %callback_field
  %answer = alloca ptr
  store ptr null, ptr %answer
  call void %callback(ptr %record, ptr %answer)
  %code = load ptr, ptr %answer
  %failed = icmp eq ptr %code, null
  br i1 %failed, label %unwind, label %done
unwind:
  call void @leave(ptr %state, i64 {UNWOUND})
  unreachable
done:
  ret ptr %code
}}
define void @help(ptr %ctx, i32 %number, ptr %words) nounwind {{
"""
    + _field("state_field", "ctx", CONTEXT_STATE)
    + _field("handle_field", "ctx", CONTEXT_INSTANCE)
    + "  %state = load ptr, ptr %state_field\n"
    + _field("callback_field", "state", STATE_HELP)
    + f"""\
  %handle = load i64, ptr %handle_field
  %callback = load ptr, ptr %callback_field
  store i64 0, ptr %words
  call void %callback(i64 %handle, i32 %number, ptr %words)
  %answer = load i64, ptr %words
  %bad = icmp eq i64 %answer, 0
  br i1 %bad, label %unwind, label %done
unwind:
  call void @leave(ptr %state, i64 {UNWOUND})
  unreachable
done:
  ret void
}}
"""
)


def _loads(types: Sequence[ValType], array: str) -> list[str]:
    lines = []
    for i, (type, at) in enumerate(zip(types, offsets(types), strict=False)):
        lines.append(f"  %w{i} = getelementptr i64, ptr %{array}, i64 {at}")
        lines.append(f"  %x{i} = load {LLVM_TYPES[type]}, ptr %w{i}, align {_aligned(type)}")
    return lines


def _stores(types: Sequence[ValType], prefix: str, array: str) -> list[str]:
    """Whole words: what a value does not fill is 0."""
    lines = []
    for i, (type, at) in enumerate(zip(types, offsets(types), strict=False)):
        lines.append(f"  %y{i} = getelementptr i64, ptr %{array}, i64 {at}")
        if LLVM_TYPES[type] in ("i32", "float"):
            lines.append(f"  store i64 0, ptr %y{i}")
        lines.append(f"  store {LLVM_TYPES[type]} {prefix}{i}, ptr %y{i}, align {_aligned(type)}")
    return lines


def _aligned(type: ValType) -> int:
    """Words are aligned to their own size, so a vector is to no more."""
    return 4 if LLVM_TYPES[type] in ("i32", "float") else WORD


def _invoke_ir(type: FuncType) -> str:
    """``invoke_T``: words in, words out (in the same array)."""
    result, count = result_type(type), len(type.results)
    lines = [f"define void @invoke_{type_id(type)}(ptr %code, ptr %ctx, ptr %slots) #0 {{"]
    lines += _loads(type.params, "slots")
    arguments = "".join(f", {LLVM_TYPES[t]} %x{i}" for i, t in enumerate(type.params))
    call = f"call fastcc {result} %code(ptr %ctx{arguments})"
    lines.append(f"  {'' if not count else '%r0 = ' if count == 1 else '%r = '}{call}")
    if count > 1:
        lines += [f"  %r{i} = extractvalue {result} %r, {i}" for i in range(count)]
    lines += _stores(type.results, "%r", "slots")
    return "\n".join([*lines, "  ret void", "}\n"])


def _host_ir(type: FuncType) -> str:
    """``host_T``: its context is the state and the function's handle. Word 0 is the answer, values follow."""
    params, results = type.params, type.results
    result, words = result_type(type), max(offsets(params)[-1], offsets(results)[-1])
    parameters = "".join(f", {LLVM_TYPES[t]} %p{i}" for i, t in enumerate(params))
    lines = [
        f"define fastcc {result} @host_{type_id(type)}(ptr %ctx{parameters}) nounwind {{",
        f"  %answer = alloca [{1 + words} x i64]",
        "  store i64 0, ptr %answer",
        "  %slots = getelementptr i64, ptr %answer, i64 1",
        *_stores(params, "%p", "slots"),
        "  %state = load ptr, ptr %ctx",
        _field("handle_field", "ctx", 8) + "  %handle = load i64, ptr %handle_field",
        _field("callback_field", "state", STATE_HOST_CALL) + "  %callback = load ptr, ptr %callback_field",
        "  call void %callback(i64 %handle, ptr %answer)",
        "  %answered = load i64, ptr %answer",
        "  %bad = icmp eq i64 %answered, 0",
        "  br i1 %bad, label %unwind, label %done",
        "unwind:",
        f"  call void @leave(ptr %state, i64 {UNWOUND})",
        "  unreachable",
        "done:",
        *_loads(results, "slots"),
    ]
    if len(results) > 1:
        value = "undef"
        for i, t in enumerate(results):
            lines.append(f"  %a{i} = insertvalue {result} {value}, {LLVM_TYPES[t]} %x{i}, {i}")
            value = f"%a{i}"
        lines.append(f"  ret {result} {value}")
    else:
        lines.append(f"  ret {result} %x0" if results else "  ret void")
    return "\n".join([*lines, "}\n"])


_ENTER_TYPE = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_size_t,
)


def _thread_key() -> int:
    """A key of thread-specific storage, for the state that a thread's compiled code works on."""
    key = ctypes.c_uint()
    if ctypes.CDLL(None).pthread_key_create(ctypes.byref(key), None) != 0:
        raise VMError("no key for thread-specific storage is left in this process")
    return key.value


class Glue:
    """The process's glue; thunks are compiled when a type first needs one."""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs
        self._lock = threading.Lock()
        self.key = _thread_key()
        self._base = build(_enter_ir(self.key), 1, arena.glue(), {}, costs)
        self._thunks: list[Code] = []
        self._invoke: dict[FuncType, int] = {}
        self._host: dict[FuncType, int] = {}
        self.enter = _ENTER_TYPE(self._base.symbols["enter"])
        self.externals = self._base.symbols

    def invoke(self, type: FuncType) -> int:
        """The address of ``invoke_T``."""
        return self._invoke.get(type) or self._make(type, self._invoke, "invoke", _FRAMES + _invoke_ir(type))

    def host(self, type: FuncType) -> int:
        """The address of ``host_T``."""
        declaration = "declare void @leave(ptr, i64) cold noreturn nounwind\n"
        return self._host.get(type) or self._make(type, self._host, "host", declaration + _host_ir(type))

    def _make(self, type: FuncType, known: dict[FuncType, int], prefix: str, ir: str) -> int:
        with self._lock:
            if type not in known:
                code = build(ir, 1, arena.glue(), self.externals, self._costs)
                self._thunks.append(code)
                known[type] = code.symbols[f"{prefix}_{type_id(type)}"]
            return known[type]
