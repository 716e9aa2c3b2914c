"""The comparison with other engines: it runs, its arithmetic is right, it refuses what it does not know."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

import pytest

from benchmarks.corpus import HERE
from benchmarks.versus import main


def test_ratios_of_programs_in_a_folder(tmp_path: Path) -> None:
    found = tmp_path / "ratios.json"
    assert main(["--programs", str(HERE), "--rounds", "2", "--json", str(found), "fib", "sieve"]) == 0
    table = json.loads(found.read_text())
    assert table["versions"].keys() >= {"regress", "llvmlite", "wasmtime", "python", "machine"}
    pairs = {name: peers["wasmtime"] for name, peers in table["programs"].items()}
    assert {name: len(ratios) for name, ratios in pairs.items()} == {"fib": 2, "sieve": 2}
    logs = [math.log(statistics.median(ratios)) for ratios in pairs.values()]
    assert table["geomean"]["wasmtime"] == pytest.approx(math.exp(statistics.fmean(logs)))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["fob"], "unknown program 'fob'"), (["--against", "v9"], "unknown peer 'v9'")],
)
def test_unknown_names(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert complaint in capsys.readouterr().err
