"""Long random scripts of calls on one small tree: each answer is wasmtime's, and so is the tree left."""

from __future__ import annotations

import functools
import importlib
import random
from pathlib import Path
from types import ModuleType

import pytest
import wasmtime

from vm.wasi.abi import Errno

CALLS = ("mkdir", "rmdir", "unlink", "rename", "link", "symlink", "readlink", "stat", "open", "open", "open")
LINES = 3000
BEHIND = ("mkdir", "rename", "stat", "open")
"""Calls that are tried with a slash behind their paths; of the others wasmtime says its own things."""


def path(rng: random.Random, call: str) -> str:
    """One to three of few names, so that calls meet; sometimes with dots, slashes too many, or one behind."""
    parts = [
        rng.choice(("a", "b", "c", "d", "a", "b", ".", "..")) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))
    ]
    return rng.choice(("/", "/", "/", "//")).join(parts) + "/" * (rng.random() < 0.1 and call in BEHIND)


def script(seed: int) -> list[str]:
    rng = random.Random(seed)
    calls = (rng.choice(CALLS) for _ in range(LINES))
    return [f"{call} {rng.randrange(20)} {path(rng, call)} {path(rng, call)}" for call in calls]


def run(api: ModuleType, program: Path, lines: list[str], folder: Path) -> tuple[list[int], list[str]]:
    """The results, and the tree that is left."""
    given = folder / "given"
    given.mkdir(parents=True)
    (folder / "in").write_text("\n".join(lines) + "\n")
    engine = api.Engine()
    store, linker, wasi = api.Store(engine), api.Linker(engine), api.WasiConfig()
    linker.define_wasi()
    wasi.stdin_file, wasi.stdout_file = str(folder / "in"), str(folder / "out")
    wasi.preopen_dir(str(given), "/")
    store.set_wasi(wasi)
    linker.instantiate(store, api.Module.from_file(engine, str(program))).exports(store)["_start"](store)
    del store
    assert sorted(p.name for p in folder.iterdir()) == ["given", "in", "out"]
    left = sorted(f"{p.relative_to(given)} {p.is_symlink()} {p.is_dir()}" for p in given.rglob("*"))
    return [int(line) for line in (folder / "out").read_text().splitlines()], left


def expected(line: str, ours: int, theirs: int) -> bool:
    """Whether the difference is one we chose: for a link as a directory ENOTDIR, as Linux; there ELOOP."""
    call, how, *_ = line.split()
    directory = (int(how) >> 2) % 5 == 3
    return call == "open" and directory and (ours, theirs) == (-Errno.NOTDIR, -Errno.LOOP)


@pytest.mark.parametrize("seed", range(3))
def test_random_scripts_go_as_in_wasmtime(
    build: functools._lru_cache_wrapper[Path], seed: int, tmp_path: Path
) -> None:
    lines = script(seed)
    ours, left = run(importlib.import_module("vm.api"), build("script"), lines, tmp_path / "ours")
    theirs, there = run(wasmtime, build("script"), lines, tmp_path / "theirs")
    assert len(ours) == LINES
    differ = [
        (index, line, a, b)
        for index, (line, a, b) in enumerate(zip(lines, ours, theirs, strict=True))
        if a != b and not expected(line, a, b)
    ]
    assert differ == []
    assert left == there
    assert len(set(ours)) > 20, "the script met too little"
