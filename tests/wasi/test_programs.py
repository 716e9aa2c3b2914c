"""C programs, one a capability, compiled here; they find what they state, on every tier and in wasmtime.

Each line a program prints is a check: label, what came, what should, what wasmtime gives there.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from types import ModuleType

import pytest
import wasmtime

from tests.wasi.conftest import PROGRAMS as HERE
from vm.tiers import TIERS

PROGRAMS = sorted(path.stem for path in HERE.glob("*.c") if path.stem not in ("serving", "script"))
ONLY_OURS = {"nonsense", "readiness", "rights"}
"""Programs about what wasmtime does not have."""


def run(api: ModuleType, program: Path, tree: Path, tier: str | None = None) -> str:
    """What the program prints; it must return 0. Its tree is ``tree/given``, with a secret beside it."""
    given = tree / "given"
    given.mkdir()
    (tree / "secret").write_text("secret")
    config = api.Config()
    if tier is not None:
        config.tier = tier
    engine = api.Engine(config)
    store, linker, wasi = api.Store(engine), api.Linker(engine), api.WasiConfig()
    linker.define_wasi()
    wasi.stdout_file = str(tree / "stdout")
    wasi.preopen_dir(str(given), "/")
    store.set_wasi(wasi)
    instance = linker.instantiate(store, api.Module.from_file(engine, str(program)))
    instance.exports(store)["_start"](store)
    del instance, store
    assert (tree / "secret").read_text() == "secret"
    assert sorted(path.name for path in tree.iterdir()) == ["given", "secret", "stdout"]
    return (tree / "stdout").read_text()


def wrong(printed: str, wanted: int) -> list[str]:
    """The checks whose result is not what column ``wanted`` says."""
    lines = [line.split("\t") for line in printed.splitlines() if not line.startswith("#")]
    assert len(lines) > 10
    return [" ".join(line) for line in lines if line[1] != line[wanted]]


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_does_as_the_program_states(
    build: functools._lru_cache_wrapper[Path], name: str, tier: str, tmp_path: Path
) -> None:
    assert wrong(run(importlib.import_module("vm.api"), build(name), tmp_path, tier), 2) == []


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in ONLY_OURS])
def test_wasmtime_does_as_the_program_states(
    build: functools._lru_cache_wrapper[Path], name: str, tmp_path: Path
) -> None:
    """The outside judge: where it differs, the program says so in the check itself."""
    assert wrong(run(wasmtime, build(name), tmp_path), 3) == []
