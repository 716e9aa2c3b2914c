"""How compiled code gets room for an object when there is none at the cursor: ``allocate(ctx, bytes)``.

The runtime finds room, collecting if need be, and says where; anything may happen before that is taken, so it
is looked at again and again. Space comes back with content of any kind.
"""

from __future__ import annotations

from vm.gc.record import CURSOR, LIMIT, WIDE, WIDE_LIMIT
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


ALLOCATION_IR = (
    f"""\
define i64 @allocate(ptr %ctx, i64 %size) #0 {{
  %words = alloca [2 x i64]
  %argument = getelementptr i64, ptr %words, i64 1
  %allocation_state_field = getelementptr i8, ptr %ctx, i64 {CONTEXT_STATE}
  %state = load ptr, ptr %allocation_state_field
  %heap_field = getelementptr i8, ptr %state, i64 {STATE_HEAP}
  %heap = load ptr, ptr %heap_field
  br label %ask
ask:
  store i64 %size, ptr %argument
  call void @help(ptr %ctx, i32 {NUMBERS["room for an object"]}, ptr %words)
  br label %narrow
"""
    + _take("narrow", CURSOR, LIMIT, "wide")
    + _take("wide", WIDE, WIDE_LIMIT, "ask")
    + "}\n"
)
"""The code, for the module in which ``help`` is."""
