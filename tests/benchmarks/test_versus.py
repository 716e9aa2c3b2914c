"""The comparison with other engines: it runs, its arithmetic is right, it refuses what makes no sense."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.corpus import HERE
from benchmarks.versus import main
from vm.api import Config

ROOT = HERE.parent.parent


def _folder(path: Path, **changes: Any) -> Path:
    """A folder with one program, the small mandelbrot, whose entry has ``changes``."""
    entry = {
        "name": "points",
        "wasm": str(HERE / "wasm" / "mandelbrot.wasm"),
        "args": [],
        "stdin": None,
        "expected": str(HERE / "expected" / "mandelbrot.small.txt"),
        "source": str(HERE / "src" / "mandelbrot.c"),
    }
    path.mkdir(exist_ok=True)
    (path / "manifest.json").write_text(json.dumps([{**entry, **changes}]))
    return path


def _small() -> list[str]:
    entries = json.loads((HERE / "manifest.json").read_text())
    return next(entry["small"]["args"] for entry in entries if entry["name"] == "mandelbrot")


QUICK = ["--rounds", "2", "--warm-up", "0"]


def test_ratios_against_every_peer_that_is_here(tmp_path: Path) -> None:
    """As a script, from elsewhere; a program with a C source runs in all of them."""
    folder = _folder(tmp_path / "programs", args=_small())
    command = [sys.executable, str(ROOT / "benchmarks" / "versus.py"), "--programs", str(folder), *QUICK]
    done = subprocess.run([*command, "--json", "-"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    here = {name for name, peer in peers.PEERS.items() if peer.find()}
    assert here >= {"wasmtime", "native"}
    assert table["tier"] == Config().tier
    assert table["missing"].keys() == peers.PEERS.keys() - here
    assert table["versions"].keys() >= {"regress", "llvmlite", "python", "machine", *here}
    assert {peer: len(pairs) for peer, pairs in table["programs"]["points"].items()} == dict.fromkeys(here, 2)
    for peer, pairs in table["programs"]["points"].items():
        seconds = table["seconds"]["points"]
        assert pairs == [a / b for a, b in zip(seconds["vm"], seconds[peer], strict=True)]
        assert table["geomean"][peer] == pytest.approx(statistics.median(pairs))
    assert all(table["first"]["points"][engine] > 0 for engine in here | {"vm"})


def test_the_mean_is_over_the_medians_of_warm_engines(tmp_path: Path) -> None:
    """What they have asked their compilers for is there before anything is measured."""
    found = tmp_path / "ratios.json"
    arguments = ["--against", "wasmtime", "--json", str(found), *QUICK, "fib", "sieve"]
    assert main([*arguments, "--tier", "tiered", "--set", "tier_patience=0"]) == 0
    table = json.loads(found.read_text())
    medians = [statistics.median(row["wasmtime"]) for row in table["programs"].values()]
    assert len(medians) == 2
    pending = [table["pending"][name]["vm"] for name in ("fib", "sieve")]
    assert all(each["asked"] and not each["waiting"] for each in pending), pending
    assert table["geomean"]["wasmtime"] == pytest.approx(math.exp(statistics.fmean(map(math.log, medians))))


def test_a_wrong_answer_is_no_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.txt").write_text("0 00000000\n")
    folder = _folder(tmp_path, args=_small(), expected="wrong.txt")
    assert main(["--programs", str(folder), "--against", "native", "--json", "-", *QUICK]) == 1
    said = capsys.readouterr()
    table = json.loads(said.out)
    assert table["geomean"] == {}
    assert table["skipped"]["points"].keys() == {"vm", "native"}
    assert "points: vm: put out" in said.err


def test_a_peer_that_is_not_here_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["--against", "native", "fib"]) == 3
    assert "native is not here: install gcc or clang" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["fob"], "unknown program 'fob'"),
        (["--against", "v9"], "unknown peer 'v9'"),
        (["--rounds", "0"], "--rounds must be at least 1"),
        (["--set", "opt_level"], "--set takes NAME=VALUE, not 'opt_level'"),
        (["--programs", "/nonexistent"], "/nonexistent/manifest.json: "),
    ],
)
def test_what_makes_no_sense(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ("{", "Expecting property name"),
        ("{}", "a list of programs is expected, not dict"),
        ('[{"name": "x", "args": []}]', "program 0: there is no 'expected'"),
        ('[{"name": "x", "expected": "manifest.json", "wasm": "x.wasm"}]', "x.wasm"),
        ("[3]", "program 0: "),
    ],
)
def test_a_manifest_that_makes_no_sense(
    tmp_path: Path, manifest: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(SystemExit) as refused:
        main(["--programs", str(tmp_path)])
    assert refused.value.code == 2
    assert complaint in capsys.readouterr().err
