"""How native code calls host functions, as LLVM IR.

    host_values(ctx, words)        a host function on numbers: words to objects, call, results to words
    host_words(ctx, words)         any other: Python's ``host_call`` does all that

Word 0 answers 1, or what the link's ``_threw`` puts there for a WebAssembly exception, or stays 0; then the
exception waits in the link's ``_pending``.

A signal that arrives when Python is done, but not yet back in compiled code, would wait until a loop ends;
so signals are looked for last of all.
"""

from __future__ import annotations

from vm.native.agreed import MOST
from vm.native.crossing import arrived, border, get, left
from vm.runtime.layout import (
    CONTEXT_INSTANCE,
    HOST_CALLABLE,
    HOST_CALLER,
    HOST_KINDS,
    HOST_PARAMS,
    HOST_RESULTS,
    HOST_SETTLE,
)

_ARRIVED = (
    get("number", "i64", "ctx", CONTEXT_INSTANCE)
    + """\
  %doubled = shl i64 %number, 1
  %errand = or i64 %doubled, 1
"""
    + arrived("%errand")
)
"""The errand is the host function's handle, doubled, plus one."""

HOST_CALLS_IR = (
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
"""
    + _ARRIVED
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
"""
    + left()
    + """\
  ret void
}
define void @host_words(ptr %ctx, ptr %words) #0 {
  %array = alloca [3 x ptr]
  %state = load ptr, ptr %ctx
"""
    + _ARRIVED
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
"""
    + left()
    + """\
  ret void
}
"""
)
