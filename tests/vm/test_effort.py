"""LLVM's time is bounded: functions made to take it long compile, with no more passes than they can bear.

The shapes were found by trying; at the levels that modules get by default they took minutes at these sizes,
and the chain of branches ended the process.
"""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from tests.conftest import ROOT
from tests.vm import binary as b
from tests.vm.engines import call, store
from vm.config import Config
from vm.jit.request import Request
from vm.module.decoder import decode
from vm.module.leb import encode_unsigned as unsigned
from vm.module.model import ModuleData
from vm.module.validator import validate
from vm.native.pipeline import ALLOCATE, PLAIN, PROMOTE
from vm.runtime.instantiate import instantiate
from vm.tiers.llvm.effort import (
    ALLOCATABLE,
    ANY_LEVEL,
    NOTHING,
    PROMOTABLE,
    TOGETHER,
    Size,
    affordable,
    parts,
)
from vm.tiers.llvm.emission import make

GET, TEE = b"\x20\0", b"\x22\0"


def _divisions(n: int) -> bytes:
    return GET + (b"\x41\3\x6a" + GET + b"\x6d") * n


def _nested_ifs(n: int) -> bytes:
    return (GET + b"\x04\x40" + GET + b"\x41\7\x6c\x21\0") * n + b"\x0b" * n + GET


def _nested_loops(n: int) -> bytes:
    return b"\x03\x40" * n + (GET + b"\x41\1\x6b" + TEE + b"\x41\xff\xff\xff\x3f\x46\x0d\0\x0b") * n + GET


def _branches(n: int) -> bytes:
    return b"\x02\x40" * n + (GET + b"\x0d\0" + GET + b"\x0d\1\x0b") * (n - 1) + b"\x0b" + GET


def _dispatch(n: int) -> bytes:
    """A loop over ``n`` cases, which add and set 200 locals: a tangle of variables at the loop's head."""
    places, out = random.Random(2), b"\x03\x40" + b"\x02\x40" * (n + 1) + b"\x20\1\x0e" + unsigned(n)
    out += b"".join(map(unsigned, (*range(n), n))) + b"\x0b"
    for case in range(n):
        first, second, third = (unsigned(places.randrange(199)) for _ in range(3))
        out += b"\x20" + first + b"\x20" + second + b"\x6a\x21" + third
        out += b"\x20\xc7\1\x41\1\x6a\x22\xc7\1\x41\x3f\x49\x0d" + unsigned(n - case) + b"\x0b"
    return out + b"\x0b" + GET


def _one_block(n: int) -> bytes:
    return GET + (GET + b"\x6c\x41\5\x73") * n


SHAPES = {
    "divisions": (_divisions, 50_000, [0]),
    "nested ifs": (_nested_ifs, 20_000, [7**20_001]),
    "nested loops": (_nested_loops, 10_000, [7 - 10_000]),
    "chained branches": (_branches, 10_000, [7]),
    "tangle": (_dispatch, 400, None),
    "one block": (_one_block, 30_000, None),
}
"""Shape: its code by number of repetitions, how many, and what comes of 7 (None: nobody knows)."""


def _module(code: bytes) -> ModuleData:
    """One function "f" [i32] -> [i32]."""
    body = b"\1\xc7\1\x7f" + code + b"\x0b"
    content = b"\1" + unsigned(len(body)) + body
    module = decode(
        b.HEADER
        + b.section(b.TYPE, b"\x60\1\x7f\1\x7f")
        + b.section(b.FUNCTION, b"\0")
        + b.section(b.EXPORT, b"\1f\0\0")
        + bytes([b.CODE])
        + unsigned(len(content))
        + content
    )
    validate(module)
    return module


def run(shape: str) -> None:
    """In a process of its own, which an assertion of LLVM's would end."""
    code, count, expected = SHAPES[shape]
    runtime = store("llvm")
    result = call(instantiate(runtime, _module(code(count)), []), "f", 7)
    if expected is not None:
        assert result == [expected[0] % (1 << 32)], result


@pytest.mark.parametrize("shape", SHAPES)
def test_a_function_made_to_take_long_compiles_and_is_right(shape: str) -> None:
    command = [sys.executable, "-c", f"from {__name__} import run; run({shape!r})"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("field", [field.name for field in fields(Size)])
def test_each_part_of_a_size_lowers_the_effort(field: str) -> None:
    def sized(limit: Size, more: int) -> Size:
        return NOTHING + replace(NOTHING, **{field: getattr(limit, field) + more})

    assert affordable([sized(ANY_LEVEL, 0)] * 2, 3) == 3
    assert affordable([sized(ANY_LEVEL, 1)], 0) == PROMOTE
    assert affordable([sized(ALLOCATABLE, 0)], 3) in (3, ALLOCATE)
    beyond = replace(sized(ALLOCATABLE, 1), lines=ANY_LEVEL.lines + 1)
    assert affordable([sized(ALLOCATABLE, 1) if field == "lines" else beyond], 3) in (PROMOTE, PLAIN)
    assert affordable([sized(PROMOTABLE, 0)], 0) == PROMOTE
    assert affordable([sized(PROMOTABLE, 1)], 0) == PLAIN


def test_a_batch_falls_into_parts_that_llvm_can_bear() -> None:
    small, big = Size(10, TOGETHER.blocks // 4, 1, 1, 0, 0), Size(10, ANY_LEVEL.blocks + 1, 1, 1, 0, 0)
    assert parts({7: small, 3: small}) == [[7, 3]]
    assert parts({7: small, 3: small, 1: small, 2: small, 5: small}) == [[7, 3, 1, 2], [5]]
    assert parts({1: small, 2: big, 3: small, 4: small}) == [[1], [2], [3, 4]]
    assert parts({2: big, 1: big}) == [[2], [1]]


def test_functions_that_are_many_but_not_big_are_compiled_together_and_seen_from_outside() -> None:
    """Whoever is seen is not put into its only caller, so each stays as big as it is."""
    sums = b"\0\x20\0" + b"\x41\1\x6a" * 1_000 + b"\x0b"
    count = ANY_LEVEL.lines // 1_000 + 1
    content = unsigned(count) + (unsigned(len(sums)) + sums) * count
    module = decode(
        b.HEADER
        + b.section(b.TYPE, b"\x60\1\x7f\1\x7f")
        + b.section(b.FUNCTION, *[b"\0"] * count)
        + bytes([b.CODE])
        + unsigned(len(content))
        + content
    )
    (part,) = make(Request(module, (0,), Config(), 1, "module")).parts
    assert part.functions == part.visible == tuple(range(count))
