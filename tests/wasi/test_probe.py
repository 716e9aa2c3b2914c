"""A program compiled by clang sees through our WASI what it sees through wasmtime's, on every tier."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
import wasmtime

from vm.tiers import TIERS

PROBE = Path(__file__).parent.parent / "vm" / "programs" / "probe.wasm"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the probe looks at."""
    data = tmp_path / "data"
    (data / "sub").mkdir(parents=True)
    (data / "hello.txt").write_bytes(b"hello, world\n")
    (data / "sub" / "inner.txt").write_bytes(b"inner text")
    (data / "link").symlink_to("sub/inner.txt")
    (tmp_path / "stdin").write_bytes(b"one\ntwo\n")
    return tmp_path


def run(api: ModuleType, tree: Path, tier: str | None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the probe."""
    config = api.Config()
    if tier is not None:
        config.tier = tier
    engine = api.Engine(config)
    store, linker, wasi = api.Store(engine), api.Linker(engine), api.WasiConfig()
    linker.define_wasi()
    wasi.argv = ["probe", "one", "two words", "drei größer"]
    wasi.env = [("LANG", "C"), ("EMPTY", "")]
    wasi.stdin_file = str(tree / "stdin")
    wasi.stdout_file = str(tree / "stdout")
    wasi.stderr_file = str(tree / "stderr")
    wasi.preopen_dir(str(tree / "data"), "/data", False)
    store.set_wasi(wasi)
    instance = linker.instantiate(store, api.Module.from_file(engine, str(PROBE)))
    with pytest.raises(api.ExitTrap) as caught:
        instance.exports(store)["_start"](store)
    del instance, store
    return caught.value.code, (tree / "stdout").read_text(), (tree / "stderr").read_text()


def test_the_probe_sees_what_it_should(tree: Path) -> None:
    """The judge's own output, so that the comparison below compares something."""
    code, out, err = run(wasmtime, tree, None)
    assert (code, err) == (7, "to stderr\n")
    for line in (
        "argument two words",
        "environment LANG=C",
        "input two",
        "list /data: sub 1",
        "cat /data/hello.txt: from 7: world",
        "cat /data/link: from 4: r text",
        "cat /data/nothing: No such file or directory",
        "stat /data/hello.txt: 13 0",
        "write 1",
        "remove -1",
        "slept 1",
        "random 1",
    ):
        assert line in out.splitlines()


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_shows_the_probe_what_wasmtime_shows_it(tree: Path, tier: str) -> None:
    expected = run(wasmtime, tree, None)
    assert run(importlib.import_module("vm.api"), tree, tier) == expected
    assert (tree / "data" / "hello.txt").read_bytes() == b"hello, world\n"
