"""Between native code and Python, in the direction of Python, as LLVM IR: what ``vm.native.callbacks`` and
``vm.native.host_calls`` have in common.

Python is called through PyObject_Vectorcall, so that whatever an exception is raised by, its first line, a
signal's handler, the recursion limit, it arrives here and goes on behind the WebAssembly frames.

The border, one per store, is an array of Python objects (``BORDER``); its owner keeps them. While Python is
asked, the state says from which frame, and for what, for whoever wants to know where a thread is
(``vm.native.sampling``).
"""

from __future__ import annotations

from vm.memory.native import WORD
from vm.native.agreed import BORDER
from vm.runtime.layout import STATE_AWAY, STATE_BORDER, STATE_ERRAND, STATE_SAVED


def get(name: str, type: str, base: str, offset: int) -> str:
    """Lines that load ``%name`` from ``offset`` bytes behind ``%base``."""
    place = f"  %{name}.at = getelementptr i8, ptr %{base}, i64 {offset}\n"
    return place + f"  %{name} = load {type}, ptr %{name}.at\n"


def put(value: str, base: str, offset: int, name: str) -> str:
    """Lines that store ``value``, a type and a value, there; ``name`` is for the place."""
    return f"  %{name} = getelementptr i8, ptr %{base}, i64 {offset}\n  store {value}, ptr %{name}\n"


def border(name: str, entry: str = "") -> str:
    """Lines that load one object of ``%state``'s border as ``%name``."""
    place = WORD * BORDER.index(entry or name)
    return get("border", "ptr", "state", STATE_BORDER) + get(name, "ptr", "border", place)


def arrived(errand: str) -> str:
    """Lines at a callback's start, in a function that keeps its frame pointer: ``%state`` gets Python's lock,
    and knows for what (``errand``, an i64).
    """
    return f"""\
  %came = alloca [{_CAME} x i64]
  %own = call ptr @llvm.frameaddress.p0(i32 0)
  call void @attach(ptr %state, ptr %came, ptr %own, i64 {errand})
"""


def left() -> str:
    """The lines at its end that undo it."""
    return "  call void @detach(ptr %state, ptr %came)\n"


_CAME = 3
"""Words that a callback keeps: Python's state if it was without the lock, and where the state was away
before: a host function may call code that calls another.
"""

LOCK_IR = (
    """\
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
define internal void @attach(ptr %state, ptr %came, ptr %frame, i64 %errand) #0 {
"""
    + get("outer", "i64", "state", STATE_AWAY)
    + get("outer_errand", "i64", "state", STATE_ERRAND)
    + put("i64 %outer", "came", WORD, "outer_slot")
    + put("i64 %outer_errand", "came", 2 * WORD, "outer_errand_slot")
    + """\
  store i64 %errand, ptr %outer_errand.at
  store ptr %frame, ptr %outer.at
"""
    + get("saved", "ptr", "state", STATE_SAVED)
    + """\
  store ptr %saved, ptr %came
  %has = icmp eq ptr %saved, null
  br i1 %has, label %done, label %take
take:
  store ptr null, ptr %saved.at
  call void @PyEval_RestoreThread(ptr %saved)
  br label %done
done:
  ret void
}
define internal void @detach(ptr %state, ptr %came) #0 {
"""
    + get("outer", "i64", "came", WORD)
    + get("outer_errand", "i64", "came", 2 * WORD)
    + put("i64 %outer", "state", STATE_AWAY, "away")
    + put("i64 %outer_errand", "state", STATE_ERRAND, "errand")
    + """\
  %saved = load ptr, ptr %came
  %had = icmp eq ptr %saved, null
  br i1 %had, label %done, label %give
give:
  %now = call ptr @PyEval_SaveThread()
"""
    + put("ptr %now", "state", STATE_SAVED, "field")
    + """\
  br label %done
done:
  ret void
}
"""
)
"""Python's lock: ``attach`` takes it where the running call is without, ``detach`` restores that; and the
state's note of the callback that runs."""

FAILURES_IR = (
    """\
@exn_type = external global i8
declare i32 @PyErr_ExceptionMatches(ptr)
declare void @PyErr_Fetch(ptr, ptr, ptr)
declare void @PyErr_NormalizeException(ptr, ptr, ptr)
declare i32 @PyException_SetTraceback(ptr, ptr)
declare i32 @PyObject_SetAttr(ptr, ptr, ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
define internal ptr @fetch() #0 {
  %type = alloca ptr
  %value = alloca ptr
  %trace = alloca ptr
  call void @PyErr_Fetch(ptr %type, ptr %value, ptr %trace)
  call void @PyErr_NormalizeException(ptr %type, ptr %value, ptr %trace)
  %t = load ptr, ptr %type
  %v = load ptr, ptr %value
  %b = load ptr, ptr %trace
  %bare = icmp eq ptr %b, null
  br i1 %bare, label %done, label %traced
traced:
  %set = call i32 @PyException_SetTraceback(ptr %v, ptr %b)
  call void @Py_DecRef(ptr %b)
  br label %done
done:
  call void @drop(ptr %t)
  ret ptr %v
}
define internal void @wait(ptr %state) #0 {
"""
    + border("link")
    + get("pending", "ptr", "border", WORD * BORDER.index("pending"))
    + """\
  %error = call ptr @fetch()
  %set = call i32 @PyObject_SetAttr(ptr %link, ptr %pending, ptr %error)
  call void @Py_DecRef(ptr %error)
  call void @PyErr_Clear()
  ret void
}
define internal void @failed(ptr %state, ptr %words) noinline #0 {
  %array = alloca [4 x ptr]
  store i64 0, ptr %words
"""
    + border("threw")
    + """\
  %wasm = call i32 @PyErr_ExceptionMatches(ptr @exn_type)
  %thrown = icmp ne i32 %wasm, 0
  br i1 %thrown, label %catch, label %waits
catch:
  %error = call ptr @fetch()
  %first = getelementptr ptr, ptr %array, i64 1
  store ptr %error, ptr %first
  call void @number(ptr %array, i64 2, ptr %words)
  %answer = call ptr @ask(ptr %state, ptr %threw, ptr %array, i64 2)
  call void @drop(ptr %answer)
  ret void
waits:
  call void @wait(ptr %state)
  ret void
}
define internal void @number(ptr %array, i64 %place, ptr %number) #0 {
  %word = ptrtoint ptr %number to i64
  %object = call ptr @PyLong_FromUnsignedLongLong(i64 %word)
  %slot = getelementptr ptr, ptr %array, i64 %place
  store ptr %object, ptr %slot
  ret void
}
define internal ptr @ask(ptr %state, ptr %callable, ptr %array, i64 %count) #0 {
  %answer = call ptr @called(ptr %callable, ptr %array, i64 %count)
  %bad = icmp eq ptr %answer, null
  br i1 %bad, label %waits, label %done
waits:
  call void @wait(ptr %state)
  br label %done
done:
  ret ptr %answer
}
define internal ptr @called(ptr %callable, ptr %array, i64 %count) noinline #0 {
  %first = getelementptr ptr, ptr %array, i64 1
  br label %look
look:
  %i = phi i64 [ 0, %0 ], [ %after, %have ]
  %looked = icmp eq i64 %i, %count
  br i1 %looked, label %call, label %one
one:
  %slot = getelementptr ptr, ptr %first, i64 %i
  %object = load ptr, ptr %slot
  %after = add i64 %i, 1
  %missing = icmp eq ptr %object, null
  br i1 %missing, label %called, label %have
have:
  br label %look
call:
  %flagged = or i64 %count, -9223372036854775808
  %answer = call ptr @PyObject_Vectorcall(ptr %callable, ptr %first, i64 %flagged, ptr null)
  br label %called
called:
  %result = phi ptr [ null, %one ], [ %answer, %call ]
  call void @drop_all(ptr %first, i64 %count)
  ret ptr %result
}
define internal void @drop_all(ptr %objects, i64 %count) #0 {
  br label %next
next:
  %i = phi i64 [ 0, %0 ], [ %after, %drop ]
  %done = icmp eq i64 %i, %count
  br i1 %done, label %end, label %drop
drop:
  %slot = getelementptr ptr, ptr %objects, i64 %i
  %object = load ptr, ptr %slot
  call void @drop(ptr %object)
  %after = add i64 %i, 1
  br label %next
end:
  ret void
}
"""
)
"""Exceptions on their way: ``failed`` of a host call, ``wait`` of anything. ``called`` calls Python with the
objects behind the array's first place, which it gives up; ``ask`` does, and has what is raised wait."""
