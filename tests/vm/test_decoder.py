"""Decoding: what a module holds, and where exactly and in which words a malformed one is refused."""

from __future__ import annotations

import time

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from tests.vm import binary as b
from vm.errors import DecodeError, WasmError
from vm.isa.types import EXTERNREF, FUNCREF, FuncType, GlobalType, Limits, MemoryType, TableType, ValType
from vm.module import leb
from vm.module.decoder import decode
from vm.module.validator import validate

EVERYTHING = """
(module $demo
  (import "env" "log" (func $log (param i32)))
  (import "env" "table" (table 1 funcref))
  (import "env" "memory" (memory 1 2))
  (import "env" "base" (global i32))
  (table 2 8 externref)
  (global $counter (mut i64) (i64.const -1))
  (func $main (export "main") (param i32) (result i32) (local i32 i32 f64)
    (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 2)) (local.get 0))
  (func $start (call $log (i32.const 1)))
  (start $start)
  (elem (i32.const 0) $main $start)
  (elem declare func $log)
  (elem externref (ref.null extern))
  (data (i32.const 4) "four")
  (data "passive"))
"""


@pytest.fixture(scope="module")
def everything() -> bytes:
    return bytes(wasmtime.wat2wasm(EVERYTHING))


def test_index_spaces_hold_imports_first(everything: bytes) -> None:
    module = decode(everything)
    assert [item.name for item in module.imports] == ["log", "table", "memory", "base"]
    assert module.function_type(0) == FuncType((ValType.I32,))
    assert module.tables == [
        TableType(FUNCREF, Limits(1)),
        TableType(EXTERNREF, Limits(2, 8)),
    ]
    assert module.memories == [MemoryType(Limits(1, 2))]
    assert module.globals == [GlobalType(ValType.I32, False), GlobalType(ValType.I64, True)]
    counts = (module.imported_functions, module.imported_tables, module.imported_memories)
    assert (*counts, module.imported_globals) == (1, 1, 1, 1)


def test_sections_are_read_into_the_model(everything: bytes) -> None:
    module = decode(everything)
    assert [(export.name, export.kind, export.index) for export in module.exports] == [("main", "func", 1)]
    assert module.start == 2
    assert [segment.mode for segment in module.elements] == ["active", "declarative", "passive"]
    assert module.elements[0].items == (1, 2)
    assert [module.binary[data.start : data.end] for data in module.data] == [b"four", b"passive"]
    assert [data.offset is None for data in module.data] == [False, True]
    assert module.data_count == 2
    assert module.bodies[0].locals == ((2, ValType.I32), (1, ValType.F64))
    assert module.names.module == "demo"
    assert module.names.functions == {0: "log", 1: "main", 2: "start"}


MALFORMED = {
    "empty file": (b"", "unexpected end", 0),
    "cut header": (b"\0asm\1\0", "unexpected end", 6),
    "no magic": (b"\0ASM\1\0\0\0", "magic header not detected", 0),
    "later version": (b"\0asm\2\0\0\0", "unknown binary version", 4),
    "unknown section": (b.HEADER + b"\x0f\0", "malformed section id", 8),
    "section beyond the file": (b.HEADER + b"\1\5\0", "length out of bounds", 10),
    "section too long": (b.HEADER + b"\1\2\0\0", "section size mismatch", 11),
    "sections out of order": (
        b.HEADER + b.section(b.FUNCTION) + b.section(b.TYPE),
        "unexpected content after last section",
        11,
    ),
    "cut integer": (b.HEADER + b"\1\x80", "unexpected end", 10),
    "integer too long": (b.HEADER + b"\1\x80\x80\x80\x80\x80\0", "integer representation too long", 9),
    "integer too large": (b.HEADER + b"\1\xff\xff\xff\xff\x7f", "integer too large", 9),
    "unknown value type": (b.HEADER + b.section(b.TYPE, b"\x60\1\x2a\0"), "malformed value type", 13),
    "a type of an unknown form": (b.HEADER + b.section(b.TYPE, b"\x5d\0"), "malformed definition type", 11),
    "bad UTF-8": (b.HEADER + b.section(b.IMPORT, b"\1\xff\0\0\0"), "malformed UTF-8 encoding", 12),
    "unknown import kind": (b.HEADER + b.section(b.IMPORT, b"\0\0\x09\0"), "malformed import kind", 13),
    "bad mutability": (b.HEADER + b.section(b.GLOBAL, b"\x7f\2\x41\0\x0b"), "malformed mutability", 12),
    "bad limits": (b.HEADER + b.section(b.MEMORY, b"\x27\0"), "malformed limits flags", 11),
    "bad table type": (b.HEADER + b.section(b.TABLE, b"\x7f\0\0"), "malformed reference type", 11),
    "functions without code": (
        b.HEADER + b.section(b.TYPE, b.NO_ARGS) + b.section(b.FUNCTION, b"\0"),
        "function and code section have inconsistent lengths",
        18,
    ),
    "data beside the count": (
        b.HEADER + b"\x0c\1\3",
        "data count and data section have inconsistent lengths",
        11,
    ),
    "more locals than there can be": (
        b.HEADER
        + b.section(b.TYPE, b.NO_ARGS)
        + b.section(b.FUNCTION, b"\0")
        + b.section(b.CODE, b.body(b"\x0b", b"\2\xff\xff\xff\xff\x0f\x7f\1\x7f")),
        "too many locals",
        29,
    ),
    "illegal opcode in an initialiser": (
        b.HEADER + b.section(b.GLOBAL, b"\x7f\0\xff\x0b"),
        "illegal opcode ff",
        13,
    ),
}


@pytest.mark.parametrize(("data", "message", "offset"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(data: bytes, message: str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(data)
    assert (caught.value.message, caught.value.offset) == (message, offset)


def test_the_first_fault_in_the_file_is_named() -> None:
    """A body that is cut short shifts all that follows; the body is to blame."""
    good = b.function(b"\x41\x80\x80\x80\x80\x80\0\x0b")
    with pytest.raises(DecodeError, match="integer representation too long") as caught:
        decode(good + b"\x0f\0")
    assert caught.value.offset == good.index(b"\x41\x80") + 1


def test_a_malformed_name_section_is_ignored() -> None:
    custom = b"\4name" + b"\1\x7f"
    module = decode(b.HEADER + bytes([0, len(custom)]) + custom)
    assert module.names.functions == {}


@pytest.mark.parametrize("edit", ["mutate", "cut"])
@given(data=st.data())
def test_damaged_modules_are_refused_as_such_or_read(edit: str, data: st.DataObject) -> None:
    """Whatever happens to the bytes of a valid module, the outcome is a module or an error of the tree."""
    valid = DAMAGED_SOURCE
    if edit == "cut":
        damaged = valid[: data.draw(st.integers(0, len(valid) - 1))]
    else:
        changed = bytearray(valid)
        for _ in range(data.draw(st.integers(1, 4))):
            changed[data.draw(st.integers(8, len(valid) - 1))] = data.draw(st.integers(0, 255))
        damaged = bytes(changed)
    fault = _fault(damaged)
    assert fault is None or 0 <= fault.offset <= len(damaged)


DAMAGED_SOURCE = bytes(wasmtime.wat2wasm(EVERYTHING))


def _fault(data: bytes) -> WasmError | None:
    """What is wrong with a module; any other exception is the engine's fault and passes through."""
    try:
        validate(decode(data))
    except WasmError as error:
        return error
    return None


@given(st.binary(max_size=64))
def test_random_bytes_behind_a_header_are_refused_as_such_or_read(tail: bytes) -> None:
    fault = _fault(b.HEADER + tail)
    assert fault is None or 0 <= fault.offset <= len(b.HEADER + tail)


@given(st.integers(0, 2**64 - 1))
def test_unsigned_leb128_round_trip(value: int) -> None:
    encoded = leb.encode_unsigned(value)
    assert leb.unsigned(b"\xaa" + encoded + b"\xbb", 1, 64) == (value, 1 + len(encoded))


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_leb128_round_trip(value: int) -> None:
    encoded = leb.encode_signed(value)
    assert leb.signed(b"\xaa" + encoded + b"\xbb", 1, 64) == (value, 1 + len(encoded))


@given(st.integers(-(2**40), 2**40))
def test_a_number_that_does_not_fit_is_refused(value: int) -> None:
    encoded = leb.encode_signed(value)
    if -(2**31) <= value < 2**31:
        assert leb.signed(encoded, 0, 32) == (value, len(encoded))
    else:
        with pytest.raises(DecodeError, match=f"{leb.TOO_LONG}|{leb.TOO_LARGE}"):
            leb.signed(encoded, 0, 32)


def test_bodies_are_skipped_not_read() -> None:
    """Ten megabytes of code cost no more than a look at each body's size."""
    long_body = b"\0" + b"\x01" * 1_000_000 + b"\x0b"
    code = leb.encode_unsigned(10) + (leb.encode_unsigned(len(long_body)) + long_body) * 10
    types = b.section(b.TYPE, b.NO_ARGS) + b.section(b.FUNCTION, *[b"\0"] * 10)
    data = b.HEADER + types + b"\x0a" + leb.encode_unsigned(len(code)) + code
    start = time.process_time()
    module = decode(data)
    assert time.process_time() - start < 0.1  # reading ten million instructions takes seconds
    assert [found.end - found.start for found in module.bodies] == [1_000_001] * 10
