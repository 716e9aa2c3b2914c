"""How native code calls Python, as LLVM IR: host functions, and what the runtime is asked for.

    host_values(ctx, words)        a host function on numbers: words to objects, call, results to words
    host_words(ctx, words)         any other: Python's ``host_call`` does all that
    python_help, python_compile    what ``help`` and ``compile`` of ``vm.native.glue`` call
    python_step, python_translate, python_catch, python_hot     the same for ``vm.tiers.threaded``

Python is called through PyObject_Vectorcall, so that whatever an exception is raised by, its first line, a
signal's handler, the recursion limit, it arrives here and goes on behind the WebAssembly frames.

A signal that arrives when Python is done, but not yet back in compiled code, would wait until a loop ends;
so signals are looked for last of all.

Word 0 of a host call answers 1, or what the link's ``_threw`` puts there for a WebAssembly exception, or
stays 0; then the exception waits in the link's ``_pending``.

The border, one per store, is an array of Python objects (``BORDER``); its owner keeps them.
"""

from __future__ import annotations

from vm.memory.native import WORD
from vm.native.kinds import KINDS_IR
from vm.runtime.layout import (
    CONTEXT_INSTANCE,
    HOST_CALLABLE,
    HOST_CALLER,
    HOST_KINDS,
    HOST_PARAMS,
    HOST_RESULTS,
    HOST_SETTLE,
    STATE_BORDER,
    STATE_SAVED,
)

BORDER = (
    "link",
    "pending",
    "host_call",
    "threw",
    "renew",
    "raise",
    "help",
    "compile",
    "step",
    "translate",
    "catch",
    "hot",
)
"""What a border holds: the link, its attribute's name for exceptions that wait, and its methods, the last
four only of the threaded machine's links."""

MOST = 32
"""Parameters, and results, of functions that are called without Python's help."""


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


_LOCK = (
    """\
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
define internal ptr @attach(ptr %state) #0 {
"""
    + get("saved", "ptr", "state", STATE_SAVED)
    + """\
  %has = icmp eq ptr %saved, null
  br i1 %has, label %done, label %take
take:
  store ptr null, ptr %saved.at
  call void @PyEval_RestoreThread(ptr %saved)
  br label %done
done:
  ret ptr %saved
}
define internal void @detach(ptr %state, ptr %saved) #0 {
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
"""Python's lock: ``attach`` takes it where the running call is without, ``detach`` restores that."""

_FAILURES = (
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

_HOST = (
    """\
@faulthandler_seen = external global ptr
@none = external global i8
@tuple_type = external global i8
@list_type = external global i8
declare ptr @faulthandler_is_enabled(ptr, ptr)
declare i64 @PyObject_Size(ptr)
declare i32 @PyErr_CheckSignals()
declare ptr @PySequence_GetItem(ptr, i64)
define internal i1 @handled() #0 {
  %now = call ptr @faulthandler_is_enabled(ptr null, ptr null)
  call void @Py_DecRef(ptr %now)
  %seen = load ptr, ptr @faulthandler_seen
  %same = icmp eq ptr %now, %seen
  ret i1 %same
}
define internal ptr @arguments(ptr %ctx, ptr %words, ptr %first) #0 {
"""
    + get("params", "i32", "ctx", HOST_PARAMS)
    + get("kinds", "ptr", "ctx", HOST_KINDS)
    + """\
  %count = zext i32 %params to i64
  %start = getelementptr i64, ptr %words, i64 1
  br label %next
next:
  %i = phi i64 [ 0, %0 ], [ %after, %made ]
  %at = phi ptr [ %start, %0 ], [ %at_next, %made ]
  %all = icmp eq i64 %i, %count
  br i1 %all, label %good, label %make
make:
  %kind_at = getelementptr i8, ptr %kinds, i64 %i
  %kind = load i8, ptr %kind_at
  %object = call ptr @to_object(i8 %kind, ptr %at)
  %slot = getelementptr ptr, ptr %first, i64 %i
  store ptr %object, ptr %slot
  %bad = icmp eq ptr %object, null
  br i1 %bad, label %give_up, label %made
made:
  %size = call i64 @words_of(i8 %kind)
  %at_next = getelementptr i64, ptr %at, i64 %size
  %after = add i64 %i, 1
  br label %next
give_up:
  call void @drop_all(ptr %first, i64 %i)
  ret ptr null
good:
  ret ptr %first
}
define internal i1 @store_results(ptr %ctx, ptr %words, ptr %returned) #0 {
"""
    + get("params", "i32", "ctx", HOST_PARAMS)
    + get("results", "i32", "ctx", HOST_RESULTS)
    + get("all_kinds", "ptr", "ctx", HOST_KINDS)
    + """\
  %skip = zext i32 %params to i64
  %kinds = getelementptr i8, ptr %all_kinds, i64 %skip
  %start = getelementptr i64, ptr %words, i64 1
  switch i32 %results, label %many [ i32 0, label %nothing i32 1, label %single ]
nothing:
  %is_none = icmp eq ptr %returned, @none
  ret i1 %is_none
single:
  %kind = load i8, ptr %kinds
  %fits = call i1 @from_object(i8 %kind, ptr %returned, ptr %start)
  ret i1 %fits
many:
  %is_tuple = call i1 @is_a(ptr %returned, ptr @tuple_type)
  br i1 %is_tuple, label %measure, label %list
list:
  %is_list = call i1 @is_a(ptr %returned, ptr @list_type)
  br i1 %is_list, label %measure, label %other
measure:
  %size = call i64 @PyObject_Size(ptr %returned)
  %count = zext i32 %results to i64
  %same = icmp eq i64 %size, %count
  br i1 %same, label %next, label %other
next:
  %i = phi i64 [ 0, %measure ], [ %after, %stored ]
  %at = phi ptr [ %start, %measure ], [ %at_next, %stored ]
  %all = icmp eq i64 %i, %count
  br i1 %all, label %good, label %item
item:
  %object = call ptr @PySequence_GetItem(ptr %returned, i64 %i)
  %lost = icmp eq ptr %object, null
  br i1 %lost, label %gone, label %convert
convert:
  %item_kind_at = getelementptr i8, ptr %kinds, i64 %i
  %item_kind = load i8, ptr %item_kind_at
  %item_fits = call i1 @from_object(i8 %item_kind, ptr %object, ptr %at)
  call void @Py_DecRef(ptr %object)
  br i1 %item_fits, label %stored, label %other
stored:
  %words_taken = call i64 @words_of(i8 %item_kind)
  %at_next = getelementptr i64, ptr %at, i64 %words_taken
  %after = add i64 %i, 1
  br label %next
gone:
  call void @PyErr_Clear()
  ret i1 false
other:
  ret i1 false
good:
  ret i1 true
}
define internal void @settled(ptr %state, ptr %words) #0 {
  %array = alloca [1 x ptr]
  store i64 1, ptr %words
  %rung = call i32 @PyErr_CheckSignals()
  %raised = icmp ne i32 %rung, 0
  br i1 %raised, label %raising, label %quiet
raising:
  call void @failed(ptr %state, ptr %words)
  br label %done
quiet:
  %handled = call i1 @handled()
  br i1 %handled, label %done, label %changed
changed:
"""
    + border("renew")
    + """\
  %answer = call ptr @ask(ptr %state, ptr %renew, ptr %array, i64 0)
  %bad = icmp eq ptr %answer, null
  br i1 %bad, label %unsettled, label %renewed
unsettled:
  store i64 0, ptr %words
  br label %done
renewed:
  call void @Py_DecRef(ptr %answer)
  br label %done
done:
  ret void
}
"""
    + f"""\
define void @host_values(ptr %ctx, ptr %words) #0 {{
  %array = alloca [{MOST + 2} x ptr]
  %asking = alloca [3 x ptr]
"""
    + """\
  %state = load ptr, ptr %ctx
  %saved = call ptr @attach(ptr %state)
"""
    + get("params", "i32", "ctx", HOST_PARAMS)
    + get("callable", "ptr", "ctx", HOST_CALLABLE)
    + get("caller", "ptr", "ctx", HOST_CALLER)
    + """\
  %first = getelementptr ptr, ptr %array, i64 1
  store ptr %caller, ptr %first
  %no_caller = icmp eq ptr %caller, null
  %leading = select i1 %no_caller, i64 0, i64 1
  %values = getelementptr ptr, ptr %first, i64 %leading
  %made = call ptr @arguments(ptr %ctx, ptr %words, ptr %values)
  %unmade = icmp eq ptr %made, null
  br i1 %unmade, label %failed, label %call
call:
  %count = zext i32 %params to i64
  %whole = add i64 %count, %leading
  %flagged = or i64 %whole, -9223372036854775808
  %returned = call ptr @PyObject_Vectorcall(ptr %callable, ptr %first, i64 %flagged, ptr null)
  call void @drop_all(ptr %values, i64 %count)
  %raised = icmp eq ptr %returned, null
  br i1 %raised, label %failed, label %results
results:
  %simple = call i1 @store_results(ptr %ctx, ptr %words, ptr %returned)
  br i1 %simple, label %release, label %settle
release:
  call void @Py_DecRef(ptr %returned)
  br label %settled
settle:
  %given = getelementptr ptr, ptr %asking, i64 1
  store ptr %returned, ptr %given
"""
    + get("settle_it", "ptr", "ctx", HOST_SETTLE)
    + """\
  call void @number(ptr %asking, i64 2, ptr %words)
  %answer = call ptr @called(ptr %settle_it, ptr %asking, i64 2)
  %unsettled = icmp eq ptr %answer, null
  br i1 %unsettled, label %failed, label %agreed
agreed:
  call void @Py_DecRef(ptr %answer)
  br label %settled
settled:
  call void @settled(ptr %state, ptr %words)
  br label %done
failed:
  call void @failed(ptr %state, ptr %words)
  br label %done
done:
  call void @detach(ptr %state, ptr %saved)
  ret void
}
define void @host_words(ptr %ctx, ptr %words) #0 {
  %array = alloca [3 x ptr]
  %state = load ptr, ptr %ctx
  %saved = call ptr @attach(ptr %state)
"""
    + border("host_call")
    + get("handle", "ptr", "ctx", CONTEXT_INSTANCE)
    + """\
  call void @number(ptr %array, i64 1, ptr %handle)
  call void @number(ptr %array, i64 2, ptr %words)
  %answer = call ptr @called(ptr %host_call, ptr %array, i64 2)
  %raised = icmp eq ptr %answer, null
  br i1 %raised, label %failed, label %returned
returned:
  call void @Py_DecRef(ptr %answer)
  call void @settled(ptr %state, ptr %words)
  br label %done
failed:
  call void @failed(ptr %state, ptr %words)
  br label %done
done:
  call void @detach(ptr %state, ptr %saved)
  ret void
}
"""
)

_STATE = """\
  %state = call ptr @pthread_getspecific(i32 ptrtoint (ptr @thread_key to i32))
  %saved = call ptr @attach(ptr %state)
"""


def _does(name: str) -> str:
    """``python_name(handle, number, words)``: a method that leaves its answer where its caller looks."""
    return f"""\
define void @python_{name}(i64 %handle, i32 %number, ptr %words) #0 {{
  %array = alloca [4 x ptr]
{_STATE}{border("method", name)}\
  %handle_word = inttoptr i64 %handle to ptr
  call void @number(ptr %array, i64 1, ptr %handle_word)
  %number_word = inttoptr i32 %number to ptr
  call void @number(ptr %array, i64 2, ptr %number_word)
  call void @number(ptr %array, i64 3, ptr %words)
  %answer = call ptr @ask(ptr %state, ptr %method, ptr %array, i64 3)
  call void @drop(ptr %answer)
  call void @detach(ptr %state, ptr %saved)
  ret void
}}
"""


def _answers(name: str, *, asks_record: bool) -> str:
    """``python_name(record, answer)``, or without a record: a method that returns the answer, an int.

    The answer stays as it is when Python raised.
    """
    record = "  call void @number(ptr %array, i64 1, ptr %record)\n" if asks_record else ""
    return f"""\
define void @python_{name}({"ptr %record, " if asks_record else ""}ptr %place) #0 {{
  %array = alloca [2 x ptr]
{_STATE}{border("method", name)}{record}\
  %answer = call ptr @ask(ptr %state, ptr %method, ptr %array, i64 {int(asks_record)})
  %raised = icmp eq ptr %answer, null
  br i1 %raised, label %done, label %made
made:
  %word = call i64 @PyLong_AsUnsignedLongLongMask(ptr %answer)
  store i64 %word, ptr %place
  call void @Py_DecRef(ptr %answer)
  br label %done
done:
  call void @detach(ptr %state, ptr %saved)
  ret void
}}
"""


_REQUESTS = (
    """\
@thread_key = external global i8
declare ptr @pthread_getspecific(i32)
"""
    + _does("help")
    + _does("step")
    + _answers("compile", asks_record=True)
    + _answers("translate", asks_record=True)
    + _answers("catch", asks_record=False)
    + _answers("hot", asks_record=True)
)

CALLBACKS_IR = KINDS_IR + _LOCK + _FAILURES + _HOST + _REQUESTS
"""All of it."""
