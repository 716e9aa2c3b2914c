"""The text format on every module of the official suite, beside a second reader's binaries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import wasmtime

from tests.spec.test_suite import FILES, GAPS, SUITE, needs_suite
from vm.errors import TextError
from vm.isa.canonical import canonical
from vm.isa.types import FuncType, ValType
from vm.module.leb import unsigned
from vm.module.model import ConstExpr, ModuleData
from vm.module.reader import Reader
from vm.module.sections import elements
from vm.text import wat2wasm
from vm.wast.script import ModuleSource, parse_script

_CUSTOM, _ELEMENTS = 0, 9
_BEYOND_ASCII = re.compile(r"[\x80-\ud7ff\ue000-\U0010ffff]")

ONLY_WE_REFUSE = {"start.wast": {102}, "try_table.wast": {366, 371}, "custom/branch_hint.wast": {85}}
"""Malformed modules, and hints on what is no branch, that the other reader lets through, by file and line."""

OTHER_TYPE = {"type-rec.wast": {45, 185, 197}, "type-subtyping.wast": {344, 373}}
"""Modules, by file and line, where the other reader does not find the type that equals one written out: it
takes no account of one-member groups that are written as groups, nor of `final` (spec 6.4.8)."""

_STAND_INS = [canonical(FuncType((ValType.I32,) * index)) for index in range(100)]
"""A type for each index, different from the others: segments are compared without the type section."""

REFERENCE = "reference"
"""The tier whose gaps count: texts are the same in all."""

IN_SCOPE = [file for file in FILES if not (GAPS.of(file, REFERENCE).whole or file.startswith("legacy/"))]
"""The other reader does not read the legacy form of `try` in parentheses."""


@needs_suite
@pytest.mark.parametrize("file", IN_SCOPE or ["none"])
def test_both_readers_agree(file: str) -> None:
    gap = GAPS.of(file, REFERENCE)
    for line, source in _modules(file):
        ours, theirs = _ours(source), _theirs(source)
        if gap.covers(line) and ours is None:
            continue
        if line in ONLY_WE_REFUSE.get(file, ()):
            assert (ours is None, theirs is None) == (True, False)
            continue
        assert (ours is None) == (theirs is None), f"line {line}: {source.text}"
        if ours is not None and theirs is not None:
            differ = _sections(ours) != _sections(theirs)
            assert differ is (line in OTHER_TYPE.get(file, ())), f"line {line}: {source.text}"


def _modules(file: str) -> list[tuple[int, ModuleSource]]:
    """The modules of a file that are given as text, by line."""
    return [
        (command.line, command.module)
        for command in parse_script((SUITE / file).read_bytes().decode())
        if command.module is not None and command.module.form != "binary"
    ]


def _ours(source: ModuleSource) -> bytes | None:
    try:
        return wat2wasm(source.text.encode("utf-8", "surrogateescape"))
    except TextError:
        return None


def _theirs(source: ModuleSource) -> bytes | None:
    """Characters beyond ASCII go in as escapes, for the other reader refuses "confusing" ones."""
    text = source.text
    if source.form == "text":
        text = _BEYOND_ASCII.sub(lambda match: f"\\u{{{ord(match.group()):x}}}", text)
    try:
        return bytes(wasmtime.wat2wasm(text.encode("utf-8", "surrogateescape")))
    except wasmtime.WasmtimeError:
        return None


def _sections(binary: bytes) -> dict[int, object]:
    """Every section but the custom ones, byte by byte.

    Element segments have several encodings: what they mean is compared.
    """
    found: dict[int, object] = {}
    for number, start, end in _extents(binary):
        if number == _ELEMENTS:
            found[number] = list(_segments(binary, start, end))
        elif number != _CUSTOM:
            found[number] = binary[start:end]
    return found


def _extents(binary: bytes) -> Iterator[tuple[int, int, int]]:
    at = 8
    while at < len(binary):
        size, start = unsigned(binary, at + 1)
        yield binary[at], start, start + size
        at = start + size


def _segments(binary: bytes, start: int, end: int) -> Iterator[object]:
    module = ModuleData(binary)
    elements(Reader(binary, start, end, _STAND_INS), module)
    for segment in module.elements:
        items = [_code(binary, item) for item in segment.items]
        yield segment.mode, segment.type, items, segment.table, _code(binary, segment.offset)


def _code(binary: bytes, item: int | ConstExpr | None) -> object:
    return binary[item.start : item.end] if isinstance(item, ConstExpr) else item
