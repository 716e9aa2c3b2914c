"""Which modules are acceptable at all: this engine's answer against wasmtime's, on edited modules.

A few bytes of a valid module are changed, inserted or removed; both engines say whether the outcome is a
valid module of the features this engine has. About one edit in seven leaves it valid.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from vm.errors import WasmError
from vm.module.decoder import decode
from vm.module.validator import validate

PROPOSALS = {
    "threads": True,
    "tail_call": True,
    "multi_memory": True,
    "memory64": True,
    "exceptions": True,
    "gc": True,
    "function_references": True,
    "wide_arithmetic": True,
    "custom_page_sizes": True,
    "stack_switching": False,
}
"""What wasmtime is told to have, as this engine has it."""

SHAPES = """
(module (memory 1) (table $t 3 externref)
  (func (param i32 i64 f32 f64 externref funcref) (result i32 i64) (local i32 v128)
    (block (result i32 i64)
      (local.get 0) (local.get 1) (br_if 0 (local.get 0)) (br_table 0 1 (local.get 6)))
    (drop)
    (if (param i32) (result i32) (local.get 0) (then (i32.eqz)) (else (unreachable) (i32.add)))
    (table.set $t (i32.const 0) (local.get 4))
    (ref.is_null (table.get $t (i32.const 1))) (drop)
    (select (local.get 2) (local.get 2) (i32.const 1)) (drop)
    (loop (param i32) (result i32) (br_if 0 (local.get 0)) (return (local.get 1)))
    (table.grow $t (ref.null extern) (i32.const 3)) (drop)
    (i64.load32_s offset=3 (i32.const 4)) (drop)
    (f64.store (i32.const 3) (local.get 3))
    (v128.store16_lane offset=2 1 (i32.const 2)
      (i8x16.shuffle 0 1 2 3 4 5 6 7 24 25 26 27 28 29 30 31
        (v128.load32_zero (i32.const 4)) (v128.const i64x2 1 2)))
    (drop (i16x8.extract_lane_s 7
      (v128.bitselect (i32x4.splat (local.get 0))
        (f64x2.replace_lane 1 (local.get 7) (local.get 3)) (local.get 7))))
    (drop (f32x4.relaxed_madd (local.get 7) (local.get 7) (local.get 7)))
    (memory.fill (i32.const 1) (i32.const 1) (i32.const 2))
    (local.get 1)))
"""

GOLDEN = Path(__file__).with_name("golden")
SOURCES = [
    bytes(wasmtime.wat2wasm(text))
    for text in (SHAPES, *(path.read_text() for path in sorted(GOLDEN.glob("*.wat"))))
]

TELLING = bytes.fromhex("000102030405060b0c0d0e0f10111a1b1c2021284041606a707f7e7d7c7b6f80fffcfdd0d1d2")
"""Bytes that mean something: opcodes, types, small indices, edges of LEB128."""


@pytest.fixture(scope="module")
def judge() -> wasmtime.Engine:
    config = wasmtime.Config()
    for proposal, has in PROPOSALS.items():
        setattr(config, f"wasm_{proposal}", has)
    return wasmtime.Engine(config)


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """A valid module after one to three edits behind its header."""
    module = bytearray(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(8, len(module) - 1))
        byte = draw(st.one_of(st.sampled_from(TELLING), st.integers(0, 255)))
        match draw(st.sampled_from(("change", "change", "change", "insert", "remove"))):
            case "change":
                module[at] = byte
            case "insert":
                module.insert(at, byte)
            case _:
                del module[at]
    return bytes(module)


@settings(max_examples=1000)
@given(module=edited())
def test_both_engines_accept_the_same_modules(judge: wasmtime.Engine, module: bytes) -> None:
    theirs = ours = "accepted"
    try:
        wasmtime.Module.validate(judge, module)
    except wasmtime.WasmtimeError as error:
        theirs = str(error)
    try:
        validate(decode(module))
    except WasmError as error:
        ours = str(error)
    assert (ours == "accepted") == (theirs == "accepted"), (ours, theirs)


@pytest.mark.parametrize("source", SOURCES)
def test_the_modules_are_valid_before_they_are_edited(judge: wasmtime.Engine, source: bytes) -> None:
    wasmtime.Module.validate(judge, source)
    validate(decode(source))
