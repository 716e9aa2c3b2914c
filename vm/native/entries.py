"""How Python calls native code, as LLVM IR: what objects of ``vm.native.callables`` do when they are called.

    func_call(self, args, nargsf, kwnames)     a function, called with its store and numbers
    bound_call(self, args, nargsf, kwnames)    the same, called with numbers alone

Both are vectorcall functions. Each object points to a record, which its owner keeps. Anything out of the
ordinary before the call goes to the record's fallback, which is plain Python: another store, wrong arguments,
code that is not made yet, a thread that was never here, ``faulthandler`` switched on or off, Python's cycle
collector at work. A call that ends in another way than by returning is raised by the store's link.

    record   0  the store, known by identity        8  parameters   12  results   16  their kinds
            24  the function's native record       32  where its code stands     40  invoke of its type
            48  the store's state                  56  bytes of stack for calls  64  fallback
            72  calls in a row that were short     80  so many of these make calls hold the lock
            88  a Caller, which may stand for the store; or 0

**Python's lock.** Releasing and taking it costs as much as a short call; holding it keeps other threads of
Python waiting. So a function's calls release it until ``PATIENCE`` of them in a row have each taken less than
``SHORT``; from then on they hold it, until one takes longer. If that was not ``RARE``, it takes ``WARY``
times as many the next time. (A call that the system interrupts seems long, too.) In a store that uses shared
memory calls always release it: one may wait there for what another thread does.
"""

from __future__ import annotations

from vm.native.agreed import (
    RARE,
    RECORD_AT,
    RECORD_BUDGET,
    RECORD_CALLER,
    RECORD_COUNTS,
    RECORD_ENOUGH,
    RECORD_FALLBACK,
    RECORD_FUNCTION,
    RECORD_INVOKE,
    RECORD_KINDS,
    RECORD_PLACE,
    RECORD_STATE,
    RECORD_STREAK,
    SHORT,
    SLOTS,
    WARY,
)
from vm.native.crossing import border, get
from vm.runtime.layout import RECORD_CONTEXT, STATE_RELEASES

_ASIDE = (
    """\
@collecting = external global i64
@floor_key = external global i8
declare i32 @enter(ptr, ptr, ptr, ptr, ptr, i64, i64)
declare i64 @llvm.readcyclecounter()
declare i64 @llvm.umin.i64(i64, i64)
declare ptr @PyMethod_New(ptr, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare void @Py_IncRef(ptr)
define internal ptr @slow(ptr %record, ptr %self, ptr %args, i64 %nargsf, ptr %kwnames) noinline #0 {
"""
    + get("fallback", "ptr", "record", RECORD_FALLBACK)
    + """\
  %method = call ptr @PyMethod_New(ptr %fallback, ptr %self)
  %none = icmp eq ptr %method, null
  br i1 %none, label %failed, label %go
go:
  %count = and i64 %nargsf, 9223372036854775807
  %result = call ptr @PyObject_Vectorcall(ptr %method, ptr %args, i64 %count, ptr %kwnames)
  call void @Py_DecRef(ptr %method)
  ret ptr %result
failed:
  ret ptr null
}
define internal ptr @raised(ptr %state, i32 %status) noinline #0 {
  %array = alloca [2 x ptr]
  %error = call ptr @PyErr_Occurred()
  %said = icmp ne ptr %error, null
  br i1 %said, label %before, label %ask
before:
  ret ptr null
ask:
  %why = inttoptr i32 %status to ptr
  call void @number(ptr %array, i64 1, ptr %why)
"""
    + border("raise")
    + """\
  %answer = call ptr @called(ptr %raise, ptr %array, i64 1)
  ret ptr %answer
}
"""
)
"""What happens aside: the fallback does it all (``slow``), the link raises what a call ended with."""

_CONVERSIONS = (
    """\
define internal i1 @store_arguments(ptr %record, ptr %args, ptr %slots) #0 {
"""
    + get("params", "i32", "record", RECORD_COUNTS)
    + get("kinds", "ptr", "record", RECORD_KINDS)
    + """\
  %count = zext i32 %params to i64
  br label %next
next:
  %i = phi i64 [ 0, %0 ], [ %after, %stored ]
  %at = phi ptr [ %slots, %0 ], [ %at_next, %stored ]
  %all = icmp eq i64 %i, %count
  br i1 %all, label %good, label %one
one:
  %kind_at = getelementptr i8, ptr %kinds, i64 %i
  %kind = load i8, ptr %kind_at
  %object_at = getelementptr ptr, ptr %args, i64 %i
  %object = load ptr, ptr %object_at
  %fits = call i1 @from_object(i8 %kind, ptr %object, ptr %at)
  br i1 %fits, label %stored, label %bad
stored:
  %size = call i64 @words_of(i8 %kind)
  %at_next = getelementptr i64, ptr %at, i64 %size
  %after = add i64 %i, 1
  br label %next
bad:
  ret i1 false
good:
  ret i1 true
}
define internal ptr @results(ptr %record, ptr %slots) #0 {
"""
    + get("params", "i32", "record", RECORD_COUNTS)
    + get("results", "i32", "record", RECORD_COUNTS + 4)
    + get("all_kinds", "ptr", "record", RECORD_KINDS)
    + """\
  %skip = zext i32 %params to i64
  %kinds = getelementptr i8, ptr %all_kinds, i64 %skip
  switch i32 %results, label %many [ i32 0, label %nothing i32 1, label %single ]
nothing:
  call void @Py_IncRef(ptr @none)
  ret ptr @none
single:
  %kind = load i8, ptr %kinds
  %value = call ptr @to_object(i8 %kind, ptr %slots)
  ret ptr %value
many:
  %count = zext i32 %results to i64
  %list = call ptr @PyList_New(i64 %count)
  %no_list = icmp eq ptr %list, null
  br i1 %no_list, label %done, label %next
next:
  %i = phi i64 [ 0, %many ], [ %after, %made ]
  %at = phi ptr [ %slots, %many ], [ %at_next, %made ]
  %all_made = icmp eq i64 %i, %count
  br i1 %all_made, label %done, label %one
one:
  %item_kind_at = getelementptr i8, ptr %kinds, i64 %i
  %item_kind = load i8, ptr %item_kind_at
  %item = call ptr @to_object(i8 %item_kind, ptr %at)
  %no_item = icmp eq ptr %item, null
  br i1 %no_item, label %give_up, label %made
made:
  %set = call i32 @PyList_SetItem(ptr %list, i64 %i, ptr %item)
  %size = call i64 @words_of(i8 %item_kind)
  %at_next = getelementptr i64, ptr %at, i64 %size
  %after = add i64 %i, 1
  br label %next
give_up:
  call void @Py_DecRef(ptr %list)
  br label %done
done:
  %whole = phi ptr [ null, %many ], [ null, %give_up ], [ %list, %next ]
  ret ptr %whole
}
"""
)

_RUN = (
    """\
define internal i32 @run(ptr %record, ptr %function, ptr %code, ptr %slots, ptr %state) #0 {
"""
    + get("ctx", "ptr", "function", RECORD_CONTEXT)
    + get("invoke", "ptr", "record", RECORD_INVOKE)
    + get("budget", "i64", "record", RECORD_BUDGET)
    + get("streak", "i64", "record", RECORD_STREAK)
    + get("enough", "i64", "record", RECORD_ENOUGH)
    + get("always", "i64", "state", STATE_RELEASES)
    + f"""\
  %proven = icmp uge i64 %streak, %enough
  %may_hold = icmp eq i64 %always, 0
  %hold = and i1 %proven, %may_hold
  %release = select i1 %hold, i64 0, i64 1
  %before = call i64 @llvm.readcyclecounter()
  %status = call i32 @enter(ptr %invoke, ptr %code, ptr %ctx, ptr %slots, ptr %state, i64 %budget, \
i64 %release)
  %after = call i64 @llvm.readcyclecounter()
  %took = sub i64 %after, %before
  %long = icmp ugt i64 %took, {SHORT}
  %often = icmp ult i64 %streak, {RARE}
  %surprising = and i1 %hold, %often
  br i1 %long, label %restart, label %count
count:
  %one_more = add i64 %streak, 1
  store i64 %one_more, ptr %streak.at
  ret i32 %status
restart:
  store i64 0, ptr %streak.at
  br i1 %surprising, label %surprised, label %done
surprised:
  %warier = mul i64 %enough, {WARY}
  %most = call i64 @llvm.umin.i64(i64 %warier, i64 {RARE})
  store i64 %most, ptr %enough.at
  br label %done
done:
  ret i32 %status
}}
"""
)
"""Enter, with Python's lock or without, and note how long that took."""


def _call(name: str, leading: int) -> str:
    """The vectorcall function of objects that are called with so many arguments before the numbers."""
    same_store = (
        """\
  %given = load ptr, ptr %args
  %store = load ptr, ptr %record
  %is_ours = icmp eq ptr %given, %store
  br i1 %is_ours, label %ready, label %stands_in
stands_in:
"""
        + get("caller", "ptr", "record", RECORD_CALLER)
        + """\
  %is_caller = icmp eq ptr %given, %caller
  br i1 %is_caller, label %ready, label %slow
"""
        if leading
        else "  br label %ready\n"
    )
    return (
        f"define ptr @{name}_call(ptr %self, ptr %args, i64 %nargsf, ptr %kwnames) #0 {{\n"
        + f"  %slots = alloca [{SLOTS} x i64]\n"
        + get("record", "ptr", "self", RECORD_AT)
        + get("params", "i32", "record", RECORD_COUNTS)
        + get("function", "ptr", "record", RECORD_FUNCTION)
        + get("place", "ptr", "record", RECORD_PLACE)
        + get("state", "ptr", "record", RECORD_STATE)
        + f"""\
  %no_keywords = icmp eq ptr %kwnames, null
  %known = icmp ne ptr %function, null
  %usual = and i1 %no_keywords, %known
  br i1 %usual, label %count, label %slow
count:
  %given_count = and i64 %nargsf, 9223372036854775807
  %numbers = zext i32 %params to i64
  %wanted = add i64 %numbers, {leading}
  %as_many = icmp eq i64 %given_count, %wanted
  br i1 %as_many, label %which, label %slow
which:
{same_store}ready:
  %code = load ptr, ptr %place
  %collecting = load i64, ptr @collecting
  %floor = call ptr @pthread_getspecific(i32 ptrtoint (ptr @floor_key to i32))
  %handled = call i1 @handled()
  %made = icmp ne ptr %code, null
  %undisturbed = icmp eq i64 %collecting, 0
  %here_before = icmp ne ptr %floor, null
  %both = and i1 %made, %undisturbed
  %all_three = and i1 %both, %here_before
  %all_four = and i1 %all_three, %handled
  br i1 %all_four, label %convert, label %slow
convert:
  %given_numbers = getelementptr ptr, ptr %args, i64 {leading}
  %fit = call i1 @store_arguments(ptr %record, ptr %given_numbers, ptr %slots)
  br i1 %fit, label %go, label %slow
go:
  %status = call i32 @run(ptr %record, ptr %function, ptr %code, ptr %slots, ptr %state)
  %returned = icmp eq i32 %status, 0
  br i1 %returned, label %done, label %raised
done:
  %result = call ptr @results(ptr %record, ptr %slots)
  ret ptr %result
raised:
  %nothing = call ptr @raised(ptr %state, i32 %status)
  ret ptr %nothing
slow:
  %answer = call ptr @slow(ptr %record, ptr %self, ptr %args, i64 %nargsf, ptr %kwnames)
  ret ptr %answer
}}
"""
    )


ENTRIES_IR = _ASIDE + _CONVERSIONS + _RUN + _call("func", 1) + _call("bound", 0)
"""All of it, behind ``vm.native.callbacks.CALLBACKS_IR``."""
