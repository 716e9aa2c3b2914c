"""Widened code does what the same code did before; the official suite judges compiled bodies."""

from __future__ import annotations

import ctypes
import re

import pytest

from vm.native.arena import bodies
from vm.native.code import compile_text, load
from vm.native.widening import widened

WALK = """\
@table = internal constant [8 x i32] [i32 5, i32 3, i32 0, i32 6, i32 1, i32 7, i32 2, i32 4]

define i64 @f(i32 %start, i32 %count) {
  %1 = icmp eq i32 %count, 0
  br i1 %1, label %out, label %2

2:                                                ; preds = %2, %0
  %at = phi i32 [ %start, %0 ], [ %next, %2 ]
  %left = phi i32 [ %count, %0 ], [ %less, %2 ]
  %sum = phi i64 [ 0, %0 ], [ %more, %2 ]
  %3 = zext i32 %at to i64
  %place = getelementptr i32, ptr @table, i64 %3
  %next = load i32, ptr %place, align 4
  %less = add i32 %left, -1
  %more.low = shl i64 %sum, 3
  %more = add i64 %more.low, %3
  %4 = icmp eq i32 %less, 0
  br i1 %4, label %out, label %2

out:                                              ; preds = %2, %0
  %last = phi i32 [ -1, %0 ], [ %at, %2 ]
  %rest = phi i64 [ 0, %0 ], [ %more, %2 ]
  %5 = zext nneg i32 %last to i64
  %6 = zext i32 %start to i64
  %7 = xor i64 %rest, %5
  %8 = xor i64 %7, %6
  ret i64 %8
}
"""
"""As LLVM prints it: values and blocks with numbers, which have to follow each other."""


def _run(text: str, *arguments: int) -> int:
    code = load(compile_text(text, 1)[0], bodies(), {})
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint32)(code.symbols["f"])
    return int(function(*arguments))


def test_widened_code_computes_the_same() -> None:
    wide = widened(WALK)
    assert re.findall(r"= phi (\w+)", wide) == ["i64", "i32", "i64", "i64", "i64"]
    for arguments in ((2, 0), (2, 1), (7, 9), (0, 20)):
        assert _run(wide, *arguments) == _run(WALK, *arguments), arguments


def test_each_value_is_extended_once_where_it_is_made() -> None:
    assert WALK.count("zext") == 3
    assert re.findall(r"zext i32 (%\w+)", widened(WALK)) == ["%start", "%next"]


@pytest.mark.parametrize("value", ["undef", "poison"])
def test_what_is_undefined_is_some_value_of_32_bits(value: str) -> None:
    assert "[ 0, %n0 ], [ %wide.at, %n2 ]" in widened(WALK.replace("[ -1, %0 ]", f"[ {value}, %0 ]"))


@pytest.mark.parametrize("value", ["ptrtoint (ptr @table to i32)", '%"strange name"'])
def test_what_it_does_not_know_stays(value: str) -> None:
    text = WALK.replace("[ -1, %0 ]", f"[ {value}, %0 ]")
    assert widened(text) == text
