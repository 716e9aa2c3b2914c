"""The wider programs: clang's WebAssembly of each, run by another engine, prints what a native build does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import wasmtime

from benchmarks.corpus import own
from benchmarks.host import Compiled
from benchmarks.programs.build import CLANG
from benchmarks.wider.__main__ import HERE, SIZES, build


def test_each_source_has_its_size() -> None:
    assert SIZES.keys() == {path.stem for path in HERE.glob("*.c")}


def test_they_build_and_two_compilers_agree(tmp_path: Path) -> None:
    if shutil.which(CLANG) is None or shutil.which("cc") is None:
        pytest.skip(f"NO {CLANG} or cc: the wider programs were not built")
    build(tmp_path)
    programs = own(tmp_path)
    assert programs.keys() == SIZES.keys()
    for program in programs.values():
        assert program.source is not None
        Compiled(program, tier=None, size="full", api=wasmtime).check()
