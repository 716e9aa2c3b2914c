"""``wasmvm`` with modules as text: translated on the way in, or to a file; faults shown where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import wasmtime

from vm.cli import main
from vm.cli.errors import MAX_TEXT
from vm.text import wat2wasm

GOOD = """;; a module of one function
(module $m
  (func $double (export "double") (param $x i32) (result i32)
    (i32.mul (local.get $x) (i32.const 2))))
"""
BAD = "(module\n\t(func (drop (get_local 0))))\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.wat"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.wat"
    path.write_text(BAD)
    return path


def test_the_binary_lies_beside_the_text(good: Path) -> None:
    assert main(["wat2wasm", str(good)]) == 0
    assert good.with_suffix(".wasm").read_bytes() == bytes(wasmtime.wat2wasm(GOOD))


def test_the_binary_goes_where_it_is_wanted(
    good: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["wat2wasm", str(good), "-o", str(tmp_path / "x.wasm")]) == 0
    assert main(["wat2wasm", str(good), "-o", "-"]) == 0
    assert (tmp_path / "x.wasm").read_bytes() == capfdbinary.readouterr().out == wat2wasm(GOOD)
    assert main(["wat2wasm", str(good), "-o", str(tmp_path)]) == 2
    assert b"name another place with -o" in capfdbinary.readouterr().err


def test_a_binary_is_not_translated(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.wasm"
    path.write_bytes(wat2wasm(GOOD))
    assert main(["wat2wasm", str(path)]) == 2
    assert "not WebAssembly text" in capfd.readouterr().err


def test_the_other_commands_take_text(good: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--invoke", "double", str(good), "21"]) == 0
    assert main(["validate", str(good)]) == 0
    assert capfd.readouterr().out == f"42\n{good}: valid\n"
    assert main(["dis", str(good)]) == 0
    assert "(module <m>" in capfd.readouterr().out


@pytest.mark.parametrize("command", ["run", "validate", "dis", "wat2wasm"])
def test_a_fault_is_shown_where_it_is(command: str, bad: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(bad)]) == 2
    assert capfd.readouterr() == (
        "",
        f"wasmvm: {bad}:2:15: unknown operator get_local: it is called local.get now\n"
        "  \t(func (drop (get_local 0))))\n"
        "  \t             ^\n",
    )
    assert not bad.with_suffix(".wasm").exists()


INVALID = """(module
  (func $f (param i32) (result i32)
    (i32.add
      (local.get 0)
      (i64.const 1))))
"""


@pytest.mark.parametrize("command", [["run"], ["validate"], ["run", "--tier", "reference"]])
def test_an_invalid_instruction_is_shown_in_the_text(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "invalid.wat"
    path.write_text(INVALID)
    assert main([*command, str(path)]) == 2
    message, *excerpt = capfd.readouterr().err.splitlines()
    assert message.startswith(f"wasmvm: {path}:3:6: type mismatch: ")
    assert excerpt == ["      (i32.add", "       ^"]
    assert main(["validate", "--json", str(path)]) == 2
    (verdict,) = json.loads(capfd.readouterr().out)
    error = verdict["error"]
    assert (error["kind"], error["function"], error["line"], error["column"]) == ("invalid", 0, 3, 6)


@pytest.mark.parametrize(
    "field", ["(start 7)", "(global i32 (i64.const 0))", "(memory 2 1)", '(import "" "" (func (type 9)))']
)
def test_outside_of_functions_the_offset_is_explained(
    field: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "invalid.wat"
    path.write_text(field)
    assert main(["validate", str(path)]) == 2
    message = capfd.readouterr().err
    assert message.count("\n") == 1
    assert "; the offset is the binary's: wasmvm dis shows what stands there" in message


def test_a_byte_order_mark_is_pointed_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "marked.wat"
    path.write_bytes(b"\xef\xbb\xbf(module)")
    assert main(["validate", str(path)]) == 2
    assert f"{path}:1:1: illegal character: '\\ufeff'" in capfd.readouterr().err


def test_a_huge_text_is_not_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "huge.wat"
    with path.open("wb") as file:
        file.write(b"(")
        file.truncate(MAX_TEXT + 1)
    assert main(["validate", str(path)]) == 2
    assert "67,108,865 bytes of text are more than is read" in capfd.readouterr().err


def test_of_a_long_line_the_part_around_the_fault_is_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.wat"
    path.write_text(f"(func {'nop ' * 500} oops \x1b {'nop ' * 500})")
    assert main(["validate", str(path)]) == 2
    message, line, caret = capfd.readouterr().err.splitlines()
    assert "\x1b" not in message + line
    assert len(line) == 102
    path.write_text(f"(func {'nop ' * 500} oops {'nop ' * 500})")
    assert main(["validate", str(path)]) == 2
    message, line, caret = capfd.readouterr().err.splitlines()
    assert line[caret.index("^") :].startswith("oops nop")


def test_faults_have_places_for_programs(bad: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--json", str(bad)]) == 2
    (verdict,) = json.loads(capfd.readouterr().out)
    assert verdict["error"] == {
        "kind": "malformed",
        "message": "unknown operator get_local",
        "detail": "it is called local.get now",
        "offset": 22,
        "function": None,
        "line": 2,
        "column": 15,
    }
