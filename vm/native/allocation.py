"""How compiled code gets room for an object when there is none at the cursor: ``allocate(ctx, bytes)``.

An object that is no bigger than a line goes to the next hole, which is found here. Otherwise, and when there
is no hole left, the runtime finds room, collecting if need be, and says where; anything may happen before
that is taken, so it is looked at again and again. Room comes with content of any kind.
"""

from __future__ import annotations

from vm.gc.cage import LINE, LINE_SHIFT
from vm.gc.record import CURSOR, END, LIMIT, LINES, SEARCH, TAKEN, WIDE, WIDE_LIMIT
from vm.gc.space import HOLE_LINES
from vm.native.help import NUMBERS
from vm.runtime.layout import CONTEXT_STATE, STATE_HEAP


def _take(name: str, start: int, limit: int, otherwise: str) -> str:
    """Try the room between two fields of the heap's record."""
    return f"""\
{name}:
  %{name}_field = getelementptr i8, ptr %heap, i64 {start}
  %{name}_start = load i64, ptr %{name}_field
  %{name}_end = add i64 %{name}_start, %size
  %{name}_limit_field = getelementptr i8, ptr %heap, i64 {limit}
  %{name}_limit = load i64, ptr %{name}_limit_field
  %{name}_fits = icmp ule i64 %{name}_end, %{name}_limit
  br i1 %{name}_fits, label %{name}_take, label %{otherwise}
{name}_take:
  store i64 %{name}_end, ptr %{name}_field
  ret i64 %{name}_start
"""


def _field(name: str, offset: int) -> str:
    return (
        f"  %{name}_field = getelementptr i8, ptr %heap, i64 {offset}\n"
        f"  %{name} = load i64, ptr %{name}_field\n"
    )


_NEXT_HOLE = (
    "search:\n"
    + _field("line", SEARCH)
    + _field("end", END)
    + _field("taken", TAKEN)
    + f"""\
  %lines_field = getelementptr i8, ptr %heap, i64 {LINES}
  %lines = load ptr, ptr %lines_field
  br label %skip
skip:
  %at = phi i64 [ %line, %search ], [ %at_after, %skip_used ]
  %none = icmp uge i64 %at, %end
  br i1 %none, label %ask, label %skip_look
skip_look:
  %at_pointer = getelementptr i8, ptr %lines, i64 %at
  %at_used = load i8, ptr %at_pointer
  %at_free = icmp eq i8 %at_used, 0
  br i1 %at_free, label %widen, label %skip_used
skip_used:
  %at_after = add i64 %at, 1
  br label %skip
widen:
  %stop = phi i64 [ %at, %skip_look ], [ %stop_after, %widen_free ]
  %length = sub i64 %stop, %at
  %long = icmp uge i64 %length, {HOLE_LINES}
  %last = icmp uge i64 %stop, %end
  %enough = or i1 %long, %last
  br i1 %enough, label %found, label %widen_look
widen_look:
  %stop_pointer = getelementptr i8, ptr %lines, i64 %stop
  %stop_used = load i8, ptr %stop_pointer
  %stop_free = icmp eq i8 %stop_used, 0
  br i1 %stop_free, label %widen_free, label %found
widen_free:
  %stop_after = add i64 %stop, 1
  br label %widen
found:
  call void @llvm.memset.p0.i64(ptr %at_pointer, i8 1, i64 %length, i1 false)
  store i64 %stop, ptr %line_field
  %taken_after = add i64 %taken, %length
  store i64 %taken_after, ptr %taken_field
  %hole_start = shl i64 %at, {LINE_SHIFT}
  %hole_end = shl i64 %stop, {LINE_SHIFT}
  %hole_cursor = add i64 %hole_start, %size
  %cursor_place = getelementptr i8, ptr %heap, i64 {CURSOR}
  store i64 %hole_cursor, ptr %cursor_place
  %limit_place = getelementptr i8, ptr %heap, i64 {LIMIT}
  store i64 %hole_end, ptr %limit_place
  ret i64 %hole_start
"""
)

ALLOCATION_IR = (
    f"""\
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define i64 @allocate(ptr %ctx, i64 %size) #0 {{
  %words = alloca [2 x i64]
  %argument = getelementptr i64, ptr %words, i64 1
  %allocation_state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %allocation_state_field
  %heap_field = getelementptr i8, ptr %state, i64 {STATE_HEAP}
  %heap = load ptr, ptr %heap_field
  %tiny = icmp ule i64 %size, {LINE}
  br i1 %tiny, label %search, label %ask
ask:
  store i64 %size, ptr %argument
  call void @help(ptr %ctx, i32 {NUMBERS["room for an object"]}, ptr %words)
  br label %narrow
"""
    + _take("narrow", CURSOR, LIMIT, "wide")
    + _take("wide", WIDE, WIDE_LIMIT, "ask")
    + _NEXT_HOLE
    + "}\n"
)
"""The code, for the module in which ``help`` is."""
