"""The side table against the oracle that scans, on code that compilers and people wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.oracles.labels import branch_targets
from vm.module.decoder import decode
from vm.module.validator import validate_function, validate_module

PROGRAMS = sorted((ROOT / "benchmarks" / "programs").rglob("*.wasm"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_targets(path: Path) -> None:
    module = decode(path.read_bytes())
    validate_module(module)
    functions = range(module.imported_functions, len(module.functions))
    infos = [validate_function(module, index) for index in functions]
    for body, info in zip(module.bodies, infos, strict=True):
        targets = [branch.target for branch in info.side_table]
        assert targets == branch_targets(module.binary, body.start, body.end)


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 5
