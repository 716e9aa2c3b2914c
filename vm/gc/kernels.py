"""The collector's loop as LLVM IR, for whoever can compile that: ``trace(arguments)``.

``arguments`` are words: base of the cage, line table, type table, handles' marks, the stack's first word,
table of marks to enter, colour, address and number of (address, count) pairs of roots, how many roots the
stack holds already; then come the answers: objects, their bytes. The stack has room for every reference.

What is popped waits in a ring while its memory is fetched: the mark is first looked at when the header is
likely to be in the cache, which halves the time per object (as in Cher, Hosking and Vitek, "Software
Prefetching for Mark-Sweep Garbage Collection", 2004).
"""

from __future__ import annotations

from vm.gc.cage import LINE_SHIFT
from vm.gc.layout import ALIGNMENT, ELEMENTS, LENGTH, MARK, TYPE_MASK
from vm.gc.types import ENTRY_KIND, ENTRY_OFFSETS, ENTRY_SIZE, ENTRY_SIZE_OR_SHIFT, ENTRY_TRACED, Kind
from vm.gc.words import HANDLE_SHIFT, I31_TAG, TAG_MASK

RING = 16
"""Objects under way, of 16 bytes each: deeper rings gain less than a tenth."""

BASE, LINES, TYPES, HANDLES, STACK, ENTERED, COLOUR, RANGES, COUNT, PUSHED, OBJECTS, BYTES = range(12)
"""The arguments, by number."""

ARGUMENTS = 12


def _argument(name: str, number: int, type: str = "ptr") -> str:
    return (
        f"  %{name}_field = getelementptr i64, ptr %arguments, i64 {number}\n"
        f"  %{name} = load {type}, ptr %{name}_field\n"
    )


def _push(name: str, word: str, after: str, type: str = "i32") -> str:
    """Push ``word`` unless it is null or an i31, then go to ``after``."""
    return f"""\
  %{name}_null = icmp eq {type} {word}, 0
  %{name}_tag = and {type} {word}, {I31_TAG}
  %{name}_small = icmp ne {type} %{name}_tag, 0
  %{name}_skip = or i1 %{name}_null, %{name}_small
  br i1 %{name}_skip, label %{after}, label %{name}_push
{name}_push:
  %{name}_top = load ptr, ptr %top
  store i32 {f"%{name}_short" if type == "i64" else word}, ptr %{name}_top
  %{name}_next = getelementptr i32, ptr %{name}_top, i64 1
  store ptr %{name}_next, ptr %top
  br label %{after}
"""


TRACE_IR = (
    "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)\n"
    "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)\n"
    "define void @trace(ptr %arguments) nounwind {\n"
    + _argument("base", BASE)
    + _argument("lines", LINES)
    + _argument("types", TYPES)
    + _argument("handles", HANDLES)
    + _argument("stack", STACK)
    + _argument("entered", ENTERED)
    + _argument("wide_colour", COLOUR, "i64")
    + _argument("ranges", RANGES)
    + _argument("count", COUNT, "i64")
    + _argument("pushed", PUSHED, "i64")
    + f"""\
  %colour = trunc i64 %wide_colour to i8
  %top = alloca ptr
  %ring = alloca [{RING} x i64]
  %at = alloca i64
  %waiting = alloca i64
  %objects = alloca i64
  %bytes = alloca i64
  %first_top = getelementptr i32, ptr %stack, i64 %pushed
  store ptr %first_top, ptr %top
  store i64 0, ptr %at
  store i64 0, ptr %waiting
  store i64 0, ptr %objects
  store i64 0, ptr %bytes
  call void @llvm.memset.p0.i64(ptr %ring, i8 0, i64 {8 * RING}, i1 false)
  br label %next_range
next_range:
  %range = phi i64 [ 0, %0 ], [ %range_after, %range_done ]
  %no_range = icmp eq i64 %range, %count
  br i1 %no_range, label %main, label %range_start
range_start:
  %pair = getelementptr [2 x i64], ptr %ranges, i64 %range
  %words = load ptr, ptr %pair
  %words_count_field = getelementptr i64, ptr %pair, i64 1
  %words_count = load i64, ptr %words_count_field
  br label %next_word
next_word:
  %word_number = phi i64 [ 0, %range_start ], [ %word_after, %word_done ]
  %no_word = icmp eq i64 %word_number, %words_count
  br i1 %no_word, label %range_done, label %word_start
word_start:
  %word_at = getelementptr i64, ptr %words, i64 %word_number
  %root = load i64, ptr %word_at
  %root_short = trunc i64 %root to i32
"""
    + _push("root", "%root", "word_done", "i64")
    + f"""\
word_done:
  %word_after = add i64 %word_number, 1
  br label %next_word
range_done:
  %range_after = add i64 %range, 1
  br label %next_range
main:
  %main_top = load ptr, ptr %top
  %place = load i64, ptr %at
  %cell = getelementptr i64, ptr %ring, i64 %place
  %due = load i64, ptr %cell
  %place_after = add i64 %place, 1
  %place_next = and i64 %place_after, {RING - 1}
  store i64 %place_next, ptr %at
  %number_waiting = load i64, ptr %waiting
  %empty = icmp eq ptr %main_top, %stack
  br i1 %empty, label %drain, label %pop
drain:
  %none_waiting = icmp eq i64 %number_waiting, 0
  br i1 %none_waiting, label %done, label %drain_one
drain_one:
  store i64 0, ptr %cell
  br label %look
pop:
  %popped_at = getelementptr i32, ptr %main_top, i64 -1
  store ptr %popped_at, ptr %top
  %popped = load i32, ptr %popped_at
  %popped_wide = zext i32 %popped to i64
  %popped_object = getelementptr i8, ptr %base, i64 %popped_wide
  call void @llvm.prefetch.p0(ptr %popped_object, i32 1, i32 3, i32 1)
  store i64 %popped_wide, ptr %cell
  %one_more = add i64 %number_waiting, 1
  store i64 %one_more, ptr %waiting
  br label %look
look:
  %nothing_due = icmp eq i64 %due, 0
  br i1 %nothing_due, label %main, label %process
process:
  %still_waiting = load i64, ptr %waiting
  %one_less = sub i64 %still_waiting, 1
  store i64 %one_less, ptr %waiting
  %tag = and i64 %due, {TAG_MASK}
  %boxed = icmp eq i64 %tag, 0
  br i1 %boxed, label %object, label %handle
handle:
  %handle_index = lshr i64 %due, {HANDLE_SHIFT}
  %handle_mark_at = getelementptr i8, ptr %handles, i64 %handle_index
  %handle_mark = load i8, ptr %handle_mark_at
  %handle_mark_wide = zext i8 %handle_mark to i64
  %handle_entered_at = getelementptr i8, ptr %entered, i64 %handle_mark_wide
  %handle_entered = load i8, ptr %handle_entered_at
  %handle_new = icmp ne i8 %handle_entered, 0
  br i1 %handle_new, label %handle_enter, label %main
handle_enter:
  store i8 %colour, ptr %handle_mark_at
  br label %main
object:
  %start = getelementptr i8, ptr %base, i64 %due
  %header = load i32, ptr %start
  %mark = lshr i32 %header, {8 * MARK}
  %mark_wide = zext i32 %mark to i64
  %object_entered_at = getelementptr i8, ptr %entered, i64 %mark_wide
  %object_entered = load i8, ptr %object_entered_at
  %object_new = icmp ne i8 %object_entered, 0
  br i1 %object_new, label %enter, label %main
enter:
  %mark_at = getelementptr i8, ptr %start, i64 {MARK}
  store i8 %colour, ptr %mark_at
  %number = and i32 %header, {TYPE_MASK}
  %number_wide = zext i32 %number to i64
  %entry_at = mul i64 %number_wide, {ENTRY_SIZE}
  %entry = getelementptr i8, ptr %types, i64 %entry_at
  %kind_at = getelementptr i8, ptr %entry, i64 {ENTRY_KIND}
  %kind = load i32, ptr %kind_at
  %second_at = getelementptr i8, ptr %entry, i64 {ENTRY_SIZE_OR_SHIFT}
  %second = load i32, ptr %second_at
  %second_wide = zext i32 %second to i64
  %traced_at = getelementptr i8, ptr %entry, i64 {ENTRY_TRACED}
  %traced = load i32, ptr %traced_at
  %traced_wide = zext i32 %traced to i64
  %is_struct = icmp eq i32 %kind, {Kind.STRUCT.value}
  br i1 %is_struct, label %struct, label %array
struct:
  %offsets_at = getelementptr i8, ptr %entry, i64 {ENTRY_OFFSETS}
  %offsets = load ptr, ptr %offsets_at
  br label %next_field
next_field:
  %field = phi i64 [ 0, %struct ], [ %field_after, %field_done ]
  %no_field = icmp eq i64 %field, %traced_wide
  br i1 %no_field, label %account, label %field_start
field_start:
  %offset_at = getelementptr i32, ptr %offsets, i64 %field
  %offset = load i32, ptr %offset_at
  %offset_wide = zext i32 %offset to i64
  %field_at = getelementptr i8, ptr %start, i64 %offset_wide
  %child = load i32, ptr %field_at
"""
    + _push("child", "%child", "field_done")
    + f"""\
field_done:
  %field_after = add i64 %field, 1
  br label %next_field
array:
  %length_at = getelementptr i8, ptr %start, i64 {LENGTH}
  %length = load i32, ptr %length_at
  %length_wide = zext i32 %length to i64
  %content = shl i64 %length_wide, %second_wide
  %whole = add i64 %content, {ELEMENTS + ALIGNMENT - 1}
  %array_size = and i64 %whole, -{ALIGNMENT}
  %elements = getelementptr i8, ptr %start, i64 {ELEMENTS}
  %followed = icmp ne i32 %traced, 0
  br i1 %followed, label %next_element, label %account
next_element:
  %element = phi i64 [ 0, %array ], [ %element_after, %element_done ]
  %no_element = icmp eq i64 %element, %length_wide
  br i1 %no_element, label %account, label %element_start
element_start:
  %element_at = getelementptr i32, ptr %elements, i64 %element
  %item = load i32, ptr %element_at
"""
    + _push("item", "%item", "element_done")
    + f"""\
element_done:
  %element_after = add i64 %element, 1
  br label %next_element
account:
  %size = phi i64 [ %second_wide, %next_field ], [ %array_size, %array ], [ %array_size, %next_element ]
  %objects_before = load i64, ptr %objects
  %objects_after = add i64 %objects_before, 1
  store i64 %objects_after, ptr %objects
  %bytes_before = load i64, ptr %bytes
  %bytes_after = add i64 %bytes_before, %size
  store i64 %bytes_after, ptr %bytes
  %first_line = lshr i64 %due, {LINE_SHIFT}
  %end = add i64 %due, %size
  %final = sub i64 %end, 1
  %last_line = lshr i64 %final, {LINE_SHIFT}
  %line_at = getelementptr i8, ptr %lines, i64 %first_line
  store i8 1, ptr %line_at
  %one_line = icmp eq i64 %first_line, %last_line
  br i1 %one_line, label %main, label %more_lines
more_lines:
  %further = sub i64 %last_line, %first_line
  %second_line = getelementptr i8, ptr %line_at, i64 1
  call void @llvm.memset.p0.i64(ptr %second_line, i8 1, i64 %further, i1 false)
  br label %main
done:
  %objects_field = getelementptr i64, ptr %arguments, i64 {OBJECTS}
  %objects_found = load i64, ptr %objects
  store i64 %objects_found, ptr %objects_field
  %bytes_field = getelementptr i64, ptr %arguments, i64 {BYTES}
  %bytes_found = load i64, ptr %bytes
  store i64 %bytes_found, ptr %bytes_field
  ret void
}}
"""
)
"""The module's text."""
