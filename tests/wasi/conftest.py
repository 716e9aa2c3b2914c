"""Shared by the WASI tests: a small tree, and a program that was given it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.wasi import WasiConfig


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with a file, a subdirectory and links."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "hello.txt").write_bytes(b"hello, world\n")
    (tmp_path / "sub" / "inner.txt").write_bytes(b"inner")
    (tmp_path / "link").symlink_to("sub/inner.txt")
    return tmp_path


@pytest.fixture
def program(tree: Path) -> Program:
    config = WasiConfig()
    config.preopen_dir(str(tree), "/data")
    return Program(config)
