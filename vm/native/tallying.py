"""Where code counts what runs how often, whichever tier's it is.

Counters lie in one array for each module, ``COUNTERS`` words for each byte of its bodies, so an instruction's
own are found by its offset, and there is nothing to be numbered. Pages that nobody counts in take no memory.
"""

from __future__ import annotations

from vm.module.model import ModuleData

COUNTERS = 3
"""Words for each byte of a body. An instruction that counts has two bytes or more, a ``br_table`` one for
each of its labels; a function's entry counts in the first byte of its declarations of locals."""

TARGETS = 2
"""Functions that are remembered of an indirect call: those that come most often, by Misra's and Gries's way
(Finding repeated elements, 1982): two counters find all that are called more than a third of the time."""

TARGETS_IR = """\
define internal void @count_target(ptr %words, i64 %found) nounwind noinline {
  %total = load i64, ptr %words
  %more = add i64 %total, 1
  store i64 %more, ptr %words
  %first_field = getelementptr i64, ptr %words, i64 1
  %first_times_field = getelementptr i64, ptr %words, i64 2
  %second_field = getelementptr i64, ptr %words, i64 3
  %second_times_field = getelementptr i64, ptr %words, i64 4
  %first = load i64, ptr %first_field
  %first_times = load i64, ptr %first_times_field
  %second = load i64, ptr %second_field
  %second_times = load i64, ptr %second_times_field
  %is_first = icmp eq i64 %first, %found
  br i1 %is_first, label %count_first, label %other
other:
  %is_second = icmp eq i64 %second, %found
  br i1 %is_second, label %count_second, label %neither
neither:
  %first_free = icmp eq i64 %first_times, 0
  br i1 %first_free, label %take_first, label %taken
taken:
  %second_free = icmp eq i64 %second_times, 0
  br i1 %second_free, label %take_second, label %less
less:
  %first_less = sub i64 %first_times, 1
  store i64 %first_less, ptr %first_times_field
  %second_less = sub i64 %second_times, 1
  store i64 %second_less, ptr %second_times_field
  ret void
take_first:
  store i64 %found, ptr %first_field
  br label %count_first
count_first:
  %first_more = add i64 %first_times, 1
  store i64 %first_more, ptr %first_times_field
  ret void
take_second:
  store i64 %found, ptr %second_field
  br label %count_second
count_second:
  %second_more = add i64 %second_times, 1
  store i64 %second_more, ptr %second_times_field
  ret void
}
"""
"""What code calls that counts whom it calls: words are the calls altogether, and pairs of who and how
often."""


def first_counted(module: ModuleData) -> int:
    """The offset that a module's first counters are for."""
    return module.bodies.extents[0][0] if module.bodies.extents else 0
