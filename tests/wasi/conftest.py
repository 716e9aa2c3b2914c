"""Shared by the WASI tests: a small tree, a program that was given it, and C programs, compiled on demand."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.wasi.harness import Program
from vm.wasi import WasiConfig

PROGRAMS = Path(__file__).parent / "programs"
CLANG = "clang-14"
FLAGS = ["--target=wasm32-wasi", "--sysroot=/usr", "-std=gnu11", "-O1", "-Wall", "-Werror"]


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


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> functools._lru_cache_wrapper[Path]:
    """Compile a program, once a session; the binary's path."""
    if shutil.which(CLANG) is None:
        pytest.skip(f"NO {CLANG}: the WASI programs are not run (apt install clang-14 lld-14 wasi-libc)")
    folder = tmp_path_factory.mktemp("wasi")

    @functools.cache
    def compiled(name: str) -> Path:
        target = folder / f"{name}.wasm"
        subprocess.run([CLANG, *FLAGS, f"{name}.c", "-o", str(target)], check=True, cwd=PROGRAMS)
        return target

    return compiled
