"""The official WASI suite (WebAssembly/wasi-testsuite), from WASI_TESTSUITE or beside the other outside data.

Its compiled tests are on the branch ``prod/testsuite-all``. A program ``NAME.wasm`` may have a ``NAME.json``
beside it: arguments, environment, directories ("dirs", or "root" for one that becomes "/"), exit code and
output.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import vm.api
from tests.conftest import ROOT
from vm.tiers import TIERS

SHARED = Path(os.environ.get("REGRESS_SHARED", ROOT.parent / "shared"))
FOLDER = Path(os.environ.get("WASI_TESTSUITE", SHARED / "wasm" / "wasi-testsuite"))
PROGRAMS = sorted(FOLDER.rglob("wasm32-wasip1/*.wasm"))
DEFAULT: dict[str, Any] = {
    "args": [],
    "env": {},
    "dirs": [],
    "root": None,
    "exit_code": 0,
    "stdout": None,
    "stderr": None,
}


def test_the_official_suite_is_at_hand() -> None:
    """Without it nothing below runs, and this says so."""
    if "WASI_TESTSUITE" not in os.environ and not FOLDER.exists():
        pytest.skip("NO OFFICIAL WASI SUITE: set WASI_TESTSUITE to a clone of WebAssembly/wasi-testsuite")
    assert len(PROGRAMS) >= 70, f"no compiled tests below {FOLDER}: take the branch prod/testsuite-all"


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parts[-4]}/{path.stem}")
@pytest.mark.parametrize("tier", TIERS)
def test_a_program_ends_and_prints_as_its_description_says(path: Path, tier: str, tmp_path: Path) -> None:
    about = {**DEFAULT, **_description(path)}
    assert about.keys() == DEFAULT.keys(), "a description this runner does not know"
    wasi, out, err = vm.api.WasiConfig(), bytearray(), bytearray()
    wasi.argv = [path.stem, *about["args"]]
    wasi.env = about["env"].items()
    wasi.stdout_custom, wasi.stderr_custom = out.extend, err.extend
    roots = [(about["root"], "/")] if about["root"] else []
    for name, guest in [*((name, name) for name in about["dirs"]), *roots]:
        shutil.copytree(path.parent / name, tmp_path / name)
        wasi.preopen_dir(tmp_path / name, guest)
    assert _run(path, tier, wasi) == about["exit_code"], err.decode()
    for stream, found in (("stdout", out), ("stderr", err)):
        assert about[stream] in (None, found.decode())


def _description(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    found: dict[str, Any] = json.loads(beside.read_text()) if beside.exists() else {}
    return found


def _run(path: Path, tier: str, wasi: vm.api.WasiConfig) -> int:
    config = vm.api.Config()
    config.tier = tier
    engine = vm.api.Engine(config)
    store, linker = vm.api.Store(engine), vm.api.Linker(engine)
    linker.define_wasi()
    store.set_wasi(wasi)
    instance = linker.instantiate(store, vm.api.Module.from_file(engine, str(path)))
    start = instance.exports(store)["_start"]
    assert isinstance(start, vm.api.Func)
    try:
        start(store)
    except vm.api.ExitTrap as end:
        return end.code
    return 0
