"""The disassembler, against golden files (``pytest --bless`` rewrites them)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from vm.errors import DecodeError
from vm.module.decoder import decode
from vm.module.printer import disassemble, float_text

FOLDER = Path(__file__).with_name("golden")


@pytest.mark.parametrize("source", sorted(FOLDER.glob("*.wat")), ids=lambda path: path.stem)
def test_golden(source: Path, golden: Callable[[Path, str], None]) -> None:
    module = decode(bytes(wasmtime.wat2wasm(source.read_text())))
    golden(source.with_suffix(".dis"), "".join(f"{line}\n" for line in disassemble(module)))


def test_there_are_golden_files() -> None:
    assert len(list(FOLDER.glob("*.wat"))) >= 2


def test_lines_before_malformed_code_are_printed() -> None:
    good = bytes(wasmtime.wat2wasm("(module (func nop nop))"))
    damaged = decode(good.replace(b"\x01\x01\x0b", b"\x01\xff\x0b"))
    lines: list[str] = []
    with pytest.raises(DecodeError, match="illegal opcode ff"):
        lines.extend(disassemble(damaged))
    assert lines[-1].endswith("nop")


def test_code_behind_the_last_end_is_printed() -> None:
    good = bytes(wasmtime.wat2wasm("(module (func nop nop))"))
    lines = list(disassemble(decode(good.replace(b"\x01\x01\x0b", b"\x0b\x0b\x0b"))))
    assert sum("end" in line for line in lines) == 0
    assert lines[-1].endswith(")")


@given(st.integers(0, 2**32 - 1))
def test_float_constants_round_trip_through_another_reader(bits: int) -> None:
    text = float_text(bits, "<I", "<f")
    encoded = bytes(wasmtime.wat2wasm(f"(module (global f32 (f32.const {text})))"))
    assert struct.pack("<I", bits) in encoded
