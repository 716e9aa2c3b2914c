"""The judge judged: each assertion of a script can fail, the list of gaps is strict, constants are exact."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from tests.spec import tally
from tests.spec.gaps import Gaps
from vm.config import Config
from vm.errors import TextError
from vm.wast.judge import Judge, Outcome, Status
from vm.wast.script import parse, parse_script
from vm.wast.values import float_bits

SETTING = """
(module $m (memory (export "mem") 1) (global (export "g") i32 (i32.const 7))
  (func (export "id") (param f32) (result f32) (local.get 0))
  (func (export "div") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
  (func $deep (export "deep") (call $deep)))
"""

PASSING = """
(register "m" $m)
(module (import "m" "div" (func (param i32 i32) (result i32))) (import "spectest" "table" (table 10 funcref)))
(assert_return (invoke $m "id" (f32.const nan:0x200001)) (f32.const nan:0x200001))
(assert_return (invoke $m "id" (f32.const nan)) (f32.const nan:canonical))
(assert_return (get $m "g") (i32.const 7))
(assert_trap (invoke $m "div" (i32.const 1) (i32.const 0)) "integer divide by zero")
(assert_exhaustion (invoke $m "deep") "call stack exhausted")
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_malformed (module binary "\\00asm" "\\02\\00\\00\\00") "unknown binary version")
(assert_unlinkable (module (import "m" "absent" (func))) "unknown import")
(assert_unlinkable (module (import "m" "g" (func))) "incompatible import type")
(assert_trap (module (func $f (unreachable)) (start $f)) "unreachable")
"""

FAILING = """
(assert_return (invoke $m "id" (f32.const 1)) (f32.const 2))
(assert_return (invoke $m "id" (f32.const nan:0x200001)) (f32.const nan:canonical))
(assert_return (invoke $m "id" (f32.const 1)))
(assert_return (get $m "g") (i32.const 8))
(assert_return (invoke $m "absent"))
(assert_return (invoke $nowhere "id"))
(assert_trap (invoke $m "div" (i32.const 4) (i32.const 2)) "integer divide by zero")
(assert_trap (invoke $m "div" (i32.const 1) (i32.const 0)) "unreachable")
(assert_invalid (module (func)) "type mismatch")
(assert_invalid (module (func (result i32))) "unknown local")
(assert_malformed (module binary "\\00asm" "\\01\\00\\00\\00") "unknown binary version")
(assert_malformed (module binary "\\00asm" "\\02\\00\\00\\00") "magic header not detected")
(assert_unlinkable (module) "unknown import")
(module (func (result i32)))
"""


def _run(script: str) -> list[Outcome]:
    judge = Judge(Config(tier="reference", validate="eager"))
    return [judge.run(command) for command in parse_script(SETTING + script)]


def test_what_is_right_passes() -> None:
    wrong = [outcome for outcome in _run(PASSING) if outcome.status is not Status.PASSED]
    assert wrong == []


def test_what_is_wrong_fails() -> None:
    setting, *outcomes = _run(FAILING)
    assert setting.status is Status.PASSED
    assert [outcome for outcome in outcomes if outcome.status is not Status.FAILED] == []
    assert len(outcomes) == FAILING.count("\n") - 1


@pytest.mark.parametrize(("message", "status"), [("unknown local", Status.PASSED), ("other", Status.FAILED)])
def test_faults_of_the_text_have_their_own_wording(message: str, status: Status) -> None:
    _, outcome = _run(f'(assert_malformed (module quote "(func (local.get $absent))") "{message}")')
    assert outcome.status is status


def test_a_failing_module_does_not_leave_its_predecessor_in_its_place() -> None:
    _, module, use = _run('(module (func (result i32))) (assert_return (get "g") (i32.const 7))')
    assert (module.status, use.status) == (Status.FAILED, Status.FAILED)


def test_scripts_keep_lines_comments_and_escapes_apart() -> None:
    text = '(; nested (; comment ;) ;)\n;; (line)\n(a "\\41\\t\\u{20ac}(" $x (@note b) (c))'
    (node,) = parse(text)
    assert node.line == 3
    assert node.items[:3] == ["a", "A\t\u20ac(".encode(), "$x"]
    assert len(node.items) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(a", "unclosed parenthesis"),
        ("\n (; a", "unclosed comment"),
        ('("a)', "unclosed string"),
        (")", "unexpected )"),
        ("a", "unexpected token"),
        ('("\\zz")', "illegal escape"),
        ("(register a)", "malformed register: a name in quotes was expected"),
        ("(invoke $m)", "malformed invoke"),
        ("(assert_return 1)", "malformed assert_return"),
        ("(assert_return (call))", "unknown action call"),
    ],
)
def test_what_is_no_script_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(TextError, match=re.escape(message)) as caught:
        list(parse_script(text))
    assert caught.value.line == text.count("\n") + 1


def test_an_unknown_command_is_skipped() -> None:
    setting, outcome = _run('(assert_suspension (invoke $m "deep"))')
    assert (setting.status, outcome.status) == (Status.PASSED, Status.SKIPPED)


def test_fields_without_a_module_around_them_are_one_module() -> None:
    (command,) = parse_script("(func) (memory 1)")
    assert command.module is not None
    assert command.module.text == "(module (func) (memory 1))"


def test_gaps_are_read_by_group_and_by_line(tmp_path: Path) -> None:
    path = tmp_path / "gaps.toml"
    path.write_text(
        '[[group]]\nreason = "later"\nfiles = ["simd_*.wast"]\n'
        '[[partial]]\nfile = "a.wast"\nreason = "some"\nlines = "3"\n'
        '[[partial]]\nfile = "a.wast"\nreason = "others"\nlines = "10-12"\n'
        '[[partial]]\nfile = "c.wast"\nreason = "later"\ntiers = ["llvm"]\nlines = "7"\n'
    )
    gaps = Gaps(path)
    assert gaps.of("simd_x.wast", "llvm").whole
    assert [line for line in range(15) if gaps.of("a.wast", "llvm").covers(line)] == [3, 10, 11, 12]
    assert not gaps.of("b.wast", "llvm").covers(3)
    assert [gaps.of("c.wast", tier).covers(7) for tier in ("reference", "llvm")] == [False, True]
    assert gaps.unused(["a.wast", "c.wast"]) == ["simd_*.wast"]


def test_counts_are_kept_by_what_was_asserted() -> None:
    passed, failed = Status.PASSED, Status.FAILED
    outcomes = [
        Outcome(1, "assert_return", passed),
        Outcome(2, "assert_exhaustion", passed),
        Outcome(3, "module", passed),
        Outcome(4, "assert_invalid", passed),
        Outcome(5, "assert_return", failed),
    ]
    assert [tally.column(outcome) for outcome in outcomes] == [
        "returns",
        "traps",
        "definitions",
        "invalid",
        "known gaps",
    ]


def _encoded(kind: str, literal: str) -> int:
    """What another reader makes of a float literal."""
    binary = bytes(wasmtime.wat2wasm(f"(module (global {kind} ({kind}.const {literal})))"))
    width = 4 if kind == "f32" else 8
    return int.from_bytes(binary[-width - 1 : -1], "little")


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize(
    "literal",
    [
        "0",
        "-0.0",
        "1_000.5e-3",
        "0x1.8p-149",
        "0x1p-150",
        "0x1.fffffep127",
        "1.17549435e-38",
        "inf",
        "-nan:0x12",
        "7.",
    ],
)
def test_literals_are_read_as_another_reader_does(kind: str, literal: str) -> None:
    assert float_bits(literal, kind) == _encoded(kind, literal)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.integers(0, 40))
def test_decimals_are_rounded_as_another_reader_does(value: float, digits: int) -> None:
    """Many digits near a float: the ties that rounding twice would get wrong."""
    literal = f"{value:.{digits}e}"
    found = float_bits(literal, "f32")
    try:
        expected = _encoded("f32", literal)
    except (
        wasmtime.WasmtimeError
    ):  # beyond the largest float: the text format refuses what rounds to infinity
        expected = struct.unpack("<I", struct.pack("<f", float("inf") if value > 0 else float("-inf")))[0]
    assert found == expected
