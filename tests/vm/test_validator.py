"""Validation: what the official suite leaves open (offsets, details, own limits), and the side table."""

from __future__ import annotations

import pytest
import wasmtime

from tests.vm import binary as b
from vm.errors import DecodeError, ValidationError
from vm.isa.types import FUNCREF, ValType
from vm.module.body import FunctionInfo
from vm.module.decoder import decode
from vm.module.handlers import Branch
from vm.module.leb import encode_unsigned
from vm.module.limits import MAX_BODY, MAX_LABELS, MAX_LOCALS, MAX_PARAMETERS, MAX_RESULTS
from vm.module.model import ModuleData
from vm.module.validator import validate, validate_function

CODE_AT = len(b.HEADER) + 6 + 4 + 5
"""Where the code of ``binary.function`` starts: header, type and function section, five numbers."""


def _module(text: str) -> ModuleData:
    return decode(bytes(wasmtime.wat2wasm(f"(module {text})")))


def _info(text: str, index: int = 0) -> FunctionInfo:
    return validate_function(_module(text), index)


INVALID_BODIES = {
    "operand of another type": (
        b"\x41\0\x43\0\0\0\0\x6a\x1a\x0b",
        "type mismatch",
        7,
        "expected i32, found f32",
    ),
    "empty stack": (b"\x1a\x0b", "type mismatch", 0, "the block's stack is empty"),
    "value left over": (b"\x41\0\x0b", "type mismatch", 2, "leaves [i32]"),
    "unknown local": (b"\x20\1\x1a\x0b", "unknown local 1", 0, "there are 0"),
    "unknown label": (b"\x0c\1\x0b", "unknown label 1", 0, "there are 1"),
    "unknown function": (b"\x10\5\x0b", "unknown function 5", 0, "there are 1"),
    "unknown type": (b"\x02\x09\x0b\x0b", "unknown type 9", 0, "there are 1"),
    "no memory": (b"\x41\0\x28\2\0\x1a\x0b", "unknown memory 0", 2, "there are 0"),
    "if without else": (b"\x41\0\x04\x7f\x41\0\x0b\x1a\x0b", "type mismatch", 6, "`if` without `else`"),
}


@pytest.mark.parametrize(
    ("code", "message", "offset", "detail"), INVALID_BODIES.values(), ids=INVALID_BODIES.keys()
)
def test_invalid_body(code: bytes, message: str, offset: int, detail: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(decode(b.function(code)))
    error = caught.value
    assert (error.message, error.offset, error.function) == (message, CODE_AT + offset, 0)
    assert detail in error.detail


def test_an_error_reads_as_one_line_with_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        validate(decode(b.function(b"\x41\0\x43\0\0\0\0\x6a\x1a\x0b")))
    line = f"type mismatch: i32.add: expected i32, found f32 (at offset {CODE_AT + 7:#x}) in function 0"
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (b"\x01", "unexpected end of section or function"),
        (b"\x0b\x0b", "END opcode expected"),
        (b"\x41\x80", "unexpected end"),
        (b"\xfc\x7f\x0b", "illegal opcode fc 7f"),
        (b"\xfd\x9a\x01\x0b", "illegal opcode fd 9a"),
        (b"\xfd\x94\x02\x0b", "illegal opcode fd 114"),
        (b"\xfe\x0c\x0b", "illegal opcode fe 0c"),
        (b"\xfd\x15", "unexpected end"),
        (b"\xfd\x0d" + bytes(12) + b"\x0b", "unexpected end"),
        (b"\x05\x0b", "END opcode expected"),
        (b"\xfc\x09\0\x0b", "data count section required"),
    ],
)
def test_malformed_body(code: bytes, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        validate(decode(b.function(code)))
    assert caught.value.message == message


INVALID_MODULES = {
    '(func (export "a")) (func (export "a"))': "duplicate export name",
    "(func $f (param i32)) (start $f)": "start function",
    "(memory 65537)": "memory size must be at most 65536 pages (4GiB)",
    "(memory 2 1)": "size minimum must not be greater than maximum",
    "(table 2 1 funcref)": "size minimum must not be greater than maximum",
    "(global i32 (i64.const 0))": "type mismatch",
    "(global i32 (i32.const 0) (drop))": "constant expression required",
    "(global i32 (global.get 1)) (global i32 (i32.const 0))": "unknown global 1",
    '(global (import "" "") (mut i32)) (global i32 (global.get 0))': "constant expression required",
    "(func) (func (drop (ref.func 0)))": "undeclared function reference",
    '(data (i32.const 0) "")': "unknown memory 0",
    "(func) (elem (i32.const 0) func 0)": "unknown table 0",
    "(func) (table 1 externref) (elem (i32.const 0) func 0)": "type mismatch",
}


@pytest.mark.parametrize(("text", "message"), INVALID_MODULES.items())
def test_invalid_module(text: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(_module(text))
    assert caught.value.message == message


def test_extended_constant_expressions_are_valid() -> None:
    validate(_module("(global i64 (i64.mul (i64.const 3) (i64.sub (i64.const 5) (i64.const 1))))"))


def test_more_locals_than_supported_are_refused_before_they_are_made() -> None:
    runs = b"\1\xff\xff\xff\xff\x0f\x7f"
    module = decode(
        b.HEADER
        + b.section(b.TYPE, b.NO_ARGS)
        + b.section(b.FUNCTION, b"\0")
        + b.section(b.CODE, b.body(b"\x0b", runs))
    )
    with pytest.raises(ValidationError, match=f"at most {MAX_LOCALS} are supported"):
        validate(module)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"(type (func (param {'i32 ' * (MAX_PARAMETERS + 1)})))", "too many parameters"),
        (f"(type (func (result {'i32 ' * (MAX_RESULTS + 1)})))", "too many results"),
        (f"(func (br_table {'0 ' * (MAX_LABELS + 2)} (i32.const 0)))", "too many labels"),
    ],
)
def test_what_would_make_validation_slow_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate(_module(text))
    assert caught.value.message == message


def test_the_frame_is_described() -> None:
    info = _info(
        "(func (param f32 funcref) (result i32) (local i64)"
        " (drop (i32.add (i32.const 1) (i32.add (i32.const 1) (i32.const 1))))"
        " (ref.is_null (local.get 1)))"
    )
    assert info.locals == (ValType.F32, FUNCREF, ValType.I64)
    assert info.max_stack == 3


def test_side_table_of_a_loop_in_a_block() -> None:
    """Offsets are relative to the body: 0 block, 2 loop, 4 const, 6 br_if, 8 br, 10 end, 11 end, 12 end."""
    module = _module("(func (block (loop (br_if 1 (i32.const 0)) (br 0))))")
    start = module.bodies[0].start
    out, back = validate_function(module, 0).side_table
    assert out == Branch(target=start + 12, kept=0, dropped=0, entry=2)
    assert back == Branch(target=start + 4, kept=0, dropped=0, entry=0)


def test_side_table_of_if_and_else() -> None:
    """0 const, 2 if, 4 const, 6 else, 7 const, 9 end, 10 end."""
    module = _module(
        "(func (result i32) (if (result i32) (i32.const 0) (then (i32.const 1)) (else (i32.const 2))))"
    )
    start = module.bodies[0].start
    to_else, to_end = validate_function(module, 0).side_table
    assert to_else == Branch(target=start + 7, kept=0, dropped=0, entry=2)
    assert to_end == Branch(target=start + 10, kept=1, dropped=0, entry=2)


def test_branches_say_what_they_keep_and_drop() -> None:
    """Two values lie beneath the result; the function's own label lands on its final ``end``."""
    module = _module("(func (result i32) (i32.const 7) (i64.const 8) (br 0 (i32.const 9)))")
    (branch,) = validate_function(module, 0).side_table
    assert branch == Branch(target=module.bodies[0].end - 1, kept=1, dropped=2, entry=1)


def test_br_table_has_an_entry_a_label_with_the_default_last() -> None:
    module = _module("(func (block (block (br_table 0 1 2 (i32.const 0)))))")
    start = module.bodies[0].start
    targets = [branch.target - start for branch in validate_function(module, 0).side_table]
    assert targets == [12, 13, 13]  # 0 block, 2 block, 4 const, 6 br_table, 11 end, 12 end, 13 end


def test_unreachable_branches_have_entries_too() -> None:
    info = _info("(func (unreachable) (br 0) (br_if 0))")
    assert len(info.side_table) == 2


def test_a_block_type_that_is_negative_in_two_bytes_is_malformed() -> None:
    with pytest.raises(DecodeError, match="malformed block type"):
        validate(decode(b.function(b"\x02\xf5\x41\x0b\x0b")))


@pytest.mark.parametrize(
    "cast", ["ref.test (ref func)", "ref.cast (ref null extern)", "ref.cast (ref $s)", "ref.test i31ref"]
)
@pytest.mark.parametrize("made_up", ["(ref.as_non_null)", "(br_on_null 0)"])
def test_a_reference_that_unreachable_code_made_up_can_be_cast_to_any_type(made_up: str, cast: str) -> None:
    validate(_module(f"(type $s (struct)) (func (unreachable) {made_up} ({cast}) (drop))"))


def test_a_body_too_large_to_be_checked_in_little_memory_is_refused() -> None:
    code = b"\0" + b"\1" * MAX_BODY + b"\x0b"
    content = b"\1" + encode_unsigned(len(code)) + code
    head = b.HEADER + b.section(b.TYPE, b.NO_ARGS) + b.section(b.FUNCTION, b"\0")
    module = decode(head + bytes([b.CODE]) + encode_unsigned(len(content)) + content)
    with pytest.raises(ValidationError, match="function body too large"):
        validate(module)
    with pytest.raises(ValidationError, match="function body too large"):
        validate_function(module, 0)
