"""The text format: what each construct becomes, numbers, and errors with their places."""

from __future__ import annotations

import contextlib
import math
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime
from hypothesis import example, given
from hypothesis import strategies as st

from vm.cli.errors import described
from vm.errors import DecodeError, TextError, ValidationError
from vm.isa.opcodes import BY_NAME, TEXT_NAMES, Immediate
from vm.module.decoder import decode
from vm.module.instructions import read
from vm.module.validator import validate
from vm.text import locate, wat2wasm
from vm.text.immediates import PARSERS, PLAIN
from vm.text.numbers import F32, F64, float_bits, integer, natural

FORMATS = {"<f": F32, "<d": F64}


def refusal(text: str | bytes) -> TextError:
    """What is said against a text."""
    with pytest.raises(TextError) as caught:
        wat2wasm(text)
    return caught.value


# what constructs become: the other reader, byte by byte

EQUIVALENT = {
    "fields without a module": "(func) (memory 1)",
    "a named module": "(module $m)",
    "names everywhere": """(module $m (type $t (func (param i32)))
        (import "a" "b" (func $f (type $t))) (table $tab 1 funcref) (memory $mem 1)
        (global $g i32 (i32.const 1)) (elem $e func $f) (data $d "x")
        (func $h (param $x i32) (local i64) (local $y f32) (block $l (loop $m (br $l)))))""",
    "names before their definition": "(func (call $f) (global.set $g (i32.const 1))) (func $f) "
    "(global $g (mut i32) (i32.const 0))",
    "flat and folded": """(func (param i32) (result i32)
        local.get 0 if (result i32) i32.const 1 else (i32.add (i32.const 2) (local.get 0)) end)""",
    "folded if": "(func (if (i32.eqz (i32.const 0)) (then nop) (else (return))))",
    "if without else": "(func (if $l (i32.const 0) (then (br $l))))",
    "nested labels": "(func block $a block $a br $a end br $a loop br 1 end end)",
    "shadowed labels": "(func (block $a (block $a (br $a)) (br $a)))",
    "a table of branches": "(func (block $a (block $b (br_table $a 0 $b 2 (i32.const 1)))))",
    "types brought by uses": "(func (param i32) (block (param) (result i32 i64) unreachable) drop drop) "
    "(type (func (result f32)))",
    "a reference to a type by number": "(type (func (param i32 i64))) "
    "(func (type 0) (local $x f32) (local.get $x) drop)",
    "inline exports and imports": '(func (export "a") (export "b") (import "m" "n") (param i32)) '
    '(global (export "g") (import "m" "g") (mut i64)) (table (import "m" "t") 1 2 externref) '
    '(memory (import "m" "mem") 1)',
    "exports of everything": "(func $f) (table $t 1 funcref) (memory $m 1) (global $g i32 (i32.const 0)) "
    '(export "f" (func $f)) (export "t" (table 0)) (export "m" (memory $m)) (export "g" (global $g))',
    "inline data": '(memory $m (data "ab" "\\00\\u{20ac}")) (data $d "passive") (func (data.drop $d) '
    "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)))",
    "data": '(memory 1) (data (i32.const 1) "a") (data (offset i32.const 2) "b" "c") (data $p)',
    "elements": "(table $t 1 funcref) (func $f) (elem (i32.const 0) $f 0) (elem func $f) "
    "(elem declare func $f) (elem funcref (ref.func $f) (item ref.null func)) (elem $x externref) "
    "(func (table.init $x (i32.const 0) (i32.const 0) (i32.const 0)) (elem.drop $x))",
    "calls through tables": "(table $t 1 funcref) (type $s (func (param i32) (result i64))) "
    "(func (drop (call_indirect (type $s) (i32.const 1) (i32.const 0))) "
    "(call_indirect $t (param f32) (f32.const 1) (i32.const 0)))",
    "memory arguments": "(memory 1) (func (drop (i64.load32_u offset=0x1_0 align=1 (i32.const 0))) "
    "(i64.store offset=8 (i32.const 0) (i64.const 1)))",
    "select": "(func (drop (select (i32.const 1) (i32.const 2) (i32.const 3))) "
    "(drop (select (result funcref) (ref.null func) (ref.null func) (i32.const 3))))",
    "tables": "(table $a 1 funcref) (table $b 2 externref) (func (table.copy (i32.const 0) (i32.const 0) "
    "(i32.const 0)) (drop (table.size $b)) (drop (table.get (i32.const 0))))",
    "runs of locals": "(func (local i32 i32) (local i32) (local $x i64) (local))",
    "start": "(func $f) (start $f)",
    "comments and annotations": '(@a ")" (b)) (func (; (; nested ;) ;) nop ;; (to the end)\n (@x) nop)',
    "an initial value of a table": "(func $f) (table 3 funcref (ref.func $f))",
    "elements inside a table of other references": "(func) (table externref (elem 0))",
    "a long name of a reference type": "(func (param (ref null func)) "
    "(result (ref null extern)) (ref.null extern))",
}


@pytest.mark.parametrize("text", EQUIVALENT.values(), ids=EQUIVALENT)
def test_constructs_become_what_another_reader_makes_of_them(text: str) -> None:
    assert wat2wasm(text).hex() == bytes(wasmtime.wat2wasm(text)).hex()


@pytest.mark.parametrize(
    "name", sorted(name for name in PLAIN if BY_NAME[name].immediate in (Immediate.NONE, Immediate.MEMARG))
)
def test_every_plain_instruction_is_written_as_another_reader_writes_it(name: str) -> None:
    text = f"(memory 1) (func {name})"
    assert wat2wasm(text) == bytes(wasmtime.wat2wasm(text))


def test_every_kind_of_immediate_has_a_parser() -> None:
    assert set(PARSERS) | {Immediate.MEMARG, Immediate.MEMARG_LANE} == set(Immediate)


def test_every_instruction_has_a_text() -> None:
    absent = {name for name in BY_NAME if name not in PLAIN} - {
        *("block", "loop", "if", "else", "end", "try", "try_table", "catch", "catch_all", "delegate"),
    }
    assert absent == TEXT_NAMES.keys()


@pytest.mark.parametrize("field", ["(type (func {}))", '(import "m" "f" (func {}))'])
def test_names_of_parameters_that_nothing_can_refer_to_are_free(field: str) -> None:
    named = field.format("(param $x i32) (param $x i64)")
    assert wat2wasm(named) == wat2wasm(field.format("(param i32 i64)"))


def test_nothing_is_a_module() -> None:
    assert wat2wasm("") == wat2wasm("(module)") == b"\0asm\1\0\0\0"


def test_bytes_and_characters_are_the_same_text() -> None:
    assert (
        wat2wasm('(data "\u20ac")')
        == wat2wasm('(data "\u20ac")'.encode())
        == wat2wasm('(data "\\e2\\82\\ac")')
    )


@pytest.mark.parametrize(("start", "end"), [("(block ", ")"), ("block ", " end"), ("(i32.eqz ", ")")])
def test_texts_may_nest_deeper_than_python_can(start: str, end: str) -> None:
    depth = 20_000
    assert len(wat2wasm(f"(func {start * depth} {end * depth})")) > depth


# numbers


@pytest.mark.parametrize(
    ("text", "bits", "value"),
    [
        ("0", 32, 0),
        ("4294967295", 32, -1),
        ("-2147483648", 32, -(2**31)),
        ("+0xFFFF_ffff", 32, -1),
        ("0x8000_0000_0000_0000", 64, -(2**63)),
        ("0" * 5000 + "7", 64, 7),
        ("1_000", 32, 1000),
        ("1__0", 32, None),
        ("_1", 32, None),
        ("1_", 32, None),
        ("0x", 32, None),
        ("1.0", 32, None),
        ("+", 32, None),
        ("", 32, None),
    ],
)
def test_integers(text: str, bits: int, value: int | None) -> None:
    assert integer(text, bits) == value


@pytest.mark.parametrize(("text", "bits"), [("4294967296", 32), ("-2147483649", 32), ("9" * 5000, 64)])
def test_integers_out_of_range(text: str, bits: int) -> None:
    with pytest.raises(OverflowError):
        integer(text, bits)


def test_sizes_have_no_sign() -> None:
    assert (natural("12", 32), natural("+12", 32), natural("-12", 32)) == (12, None, None)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["repr", "hex", "long"]))
def test_doubles_are_read_as_python_reads_them(value: float, form: str) -> None:
    text = {"repr": repr(value), "hex": value.hex(), "long": f"{value:.40e}"}[form]
    assert float_bits(text, F64) == int.from_bytes(struct.pack("<d", value), "little")


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from(["repr", "hex", "long"]))
def test_singles_are_read_back(value: float, form: str) -> None:
    text = {"repr": repr(value), "hex": value.hex(), "long": f"{value:.60e}"}[form]
    assert float_bits(text, F32) == int.from_bytes(struct.pack("<f", value), "little")


@given(
    st.floats(min_value=2.0**-149, max_value=2.0**127, width=32), st.sampled_from(["below", "tie", "above"])
)
@example(2.0**-149, "below")
def test_decimals_beside_a_tie_between_singles_are_rounded_once(value: float, side: str) -> None:
    """The literal is nearer to the tie than any double is: rounding to a double first would lose its side."""
    bits = int.from_bytes(struct.pack("<f", value), "little")
    following = struct.unpack("<f", struct.pack("<I", bits + 1))[0]
    digits, exponent = f"{(value + following) / 2:.400e}".split("e")
    near = {"below": digits[:-1] + "0", "tie": digits, "above": digits + "1"}[side]
    if side == "below":
        whole, fraction = digits.split(".")
        near = str(int(whole + fraction) * 10 - 1)
        near = f"{near[: -len(fraction) - 1]}.{near[-len(fraction) - 1 :]}"
    expected = {"below": bits, "tie": bits + (bits & 1), "above": bits + 1}[side]
    assert float_bits(f"{near}e{exponent}", F32) == expected


@given(st.integers(1, 2**80), st.integers(-1200, 1000))
def test_hexadecimal_doubles_are_read_as_python_reads_them(digits: int, exponent: int) -> None:
    text = f"0x{digits:x}p{exponent}"
    try:
        expected = int.from_bytes(struct.pack("<d", float.fromhex(text)), "little")
    except OverflowError:
        with pytest.raises(OverflowError):
            float_bits(text, F64)
    else:
        assert float_bits(text, F64) == expected


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("-0", 0x8000_0000),
        ("inf", 0x7F80_0000),
        ("-inf", 0xFF80_0000),
        ("nan", 0x7FC0_0000),
        ("-nan:0x1", 0xFF80_0001),
        ("0x1.fffffefp127", 0x7F7F_FFFF),
        ("0x1p-150", 0),
        ("0x1.8p-150", 1),
        ("0x.8p1", None),
        ("0x1p-99999999999999999999999", 0),
        ("1e-99999999999999999999999", 0),
        ("0x0p99999999999999999999999", 0),
        ("1.e1", 0x4120_0000),
        (".5", None),
        ("nan:1", None),
        ("infinity", None),
        ("1e", None),
    ],
)
def test_singles(text: str, bits: int | None) -> None:
    assert float_bits(text, F32) == bits


@pytest.mark.parametrize("form", FORMATS.values(), ids=["f32", "f64"])
@pytest.mark.parametrize(
    "text", ["1e999", "0x1p1024", "-1e99999999999999999999", "nan:0x0", "nan:0x10_0000_0000_0000"]
)
def test_floats_out_of_range(text: str, form: object) -> None:
    with pytest.raises(OverflowError):
        float_bits(text, F64 if form is F64 else F32)


def test_the_largest_literals_do_not_take_long() -> None:
    many = "1" * 200_000
    assert float_bits(f"0.{many}", F32) == float_bits(str(1 / 9), F32)
    assert math.isclose(
        struct.unpack("<f", struct.pack("<I", float_bits(f"0x{many}p-800000", F32) or 0))[0],
        1 / 15,
        rel_tol=1e-6,
    )
    assert refusal(f"(func (i32.const {many}))").message == "constant out of range"


# the way back


ORIGINS = """(module (func $a nop)
  (func $b (param i32) (result i32) (local i64)
    (block $l (result i32) (i32.add (local.get 0) (i32.const 1)))
    if (result i32) i32.const 1
    else (if (result i32) (i32.const 2) (then (i32.const 3)) (else (i32.const 4)))
    end))"""


def test_every_instruction_is_found_in_its_text() -> None:
    module = decode(wat2wasm(ORIGINS))
    found = []
    for body in module.bodies:
        at = body.start
        while at < body.end:
            opcode, _, following = read(module.binary, at)
            place = locate(ORIGINS, at)
            assert place is not None
            assert place == locate(ORIGINS, following - 1)
            found.append((opcode.name, place.line, re.split(r"[\s()]", place.source[place.column - 1 :])[0]))
            at = following
    assert found == [
        ("nop", 1, "nop"),
        ("end", 1, ""),
        ("block", 3, "block"),
        ("local.get", 3, "local.get"),
        ("i32.const", 3, "i32.const"),
        ("i32.add", 3, "i32.add"),
        ("end", 3, ""),
        ("if", 4, "if"),
        ("i32.const", 4, "i32.const"),
        ("else", 5, "else"),
        ("i32.const", 5, "i32.const"),
        ("if", 5, "if"),
        ("i32.const", 5, "i32.const"),
        ("else", 5, "else"),
        ("i32.const", 5, "i32.const"),
        ("end", 5, ""),
        ("end", 6, "end"),
        ("end", 6, ""),
    ]


def test_what_is_in_no_function_is_not_found() -> None:
    assert locate("(func)", 0) is None
    assert locate('(import "" "" (func (type 9)))', 20) is None


# errors

MESSAGES = {
    "an old word": "(module\n  (func (param i32)\n    (drop (get_local 0))))",
    "a slip of the pen": "(func i32.ad)",
    "a number that does not fit": "(func\r\n  (i32.const 0x1_0000_0000))",
    "an unknown label": "(func (block $out (br $oot)))",
    "a duplicate": "(func $f) (func $f)",
    "a late import": '(memory 1)\n(import "m" "f" (func))',
    "a label that does not match": "(func block $a nop end $b)",
    "an inline type that does not match": "(type $t (func)) (func (type $t) (param i32))",
    "a missing parenthesis": "(module (func (nop)",
    "one too many": "(module))",
    "an if without then": "(func (if (i32.const 1) (nop)))",
    "a flat instruction among operands": "(func (drop i32.const 1))",
    "an odd alignment": "(memory 1) (func (i32.store align=3 (i32.const 0) (i32.const 0)))",
    "a string that does not end": '(data "abc\n")',
    "an escape": '(data "a\\q")',
    "an export that is no text": '(func (export "\\ff"))',
    "a character": "(func nop \u20ac)",
    "a comment that does not end": "(func)\n(; here",
    "something behind the module": "(module) (func)",
    "elements of which nobody says what they are": "(elem $e)",
    "an arm of no block": "(tag $e) (func (catch $e))",
}


def test_messages(golden: Callable[[Path, str], None]) -> None:
    told = [f"{described('a.wat', refusal(text))}\n" for text in MESSAGES.values()]
    titled = [f"{title}\n{message}\n" for title, message in zip(MESSAGES, told, strict=True)]
    golden(Path(__file__).with_name("golden") / "text_errors.txt", "".join(titled))


def test_a_fault_has_a_place() -> None:
    error = refusal("(module\n  (func\n\t(nonsense)))")
    assert (error.line, error.column, error.source, error.offset) == (3, 3, "\t(nonsense)))", 18)


def test_bytes_that_are_no_characters_have_a_place() -> None:
    error = refusal(b"(func)\n;; \xe2\x82\xac\n  \xff")
    assert (error.message, error.line, error.column) == ("malformed UTF-8 encoding", 3, 3)
    assert refusal("(func) \ud800").column == 8


WORDS = re.findall(
    r"\S+",
    """
    ( ( ( ( ) ) ) ) module func type param result local import export memory table global elem data start
    block loop if then else end br br_if br_table call call_indirect i32.const f64.const drop select select
    i32 funcref externref mut offset item declare ref null extern i32.load offset=1 align=2 local.get
    0 1 -1 0x10 1.5 nan inf nan:0x1 $a $b "a" "\\ff" "$" ;; (; ;) (@a @x , " $
    """,
)


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_words_give_a_module_or_an_error(words: list[str]) -> None:
    check_total(" ".join(words))


@given(st.data())
def test_damaged_modules_give_a_module_or_an_error(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(list(EQUIVALENT.values())))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    inserted = data.draw(st.sampled_from(["", *WORDS, "\x00", "\ud800", "\u20ac"]))
    check_total(text[:start] + inserted + text[end:])


def check_total(text: str) -> None:
    """The text is read or refused with a place; what is read may be decoded or refused."""
    with contextlib.suppress(TextError):
        binary = wat2wasm(text)
        with contextlib.suppress(DecodeError, ValidationError):
            validate(decode(binary))
