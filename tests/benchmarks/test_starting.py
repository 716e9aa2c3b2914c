"""The module that stands for big ones is one, and does what the small one does."""

from __future__ import annotations

import pytest

from benchmarks import starting
from benchmarks.corpus import programs
from benchmarks.host import Compiled
from vm.api import Module


def test_a_swollen_program_gives_the_same_answer() -> None:
    compiled = Compiled(programs()[starting.REPEATED], tier="threaded", size="small")
    binary = programs()[starting.REPEATED].path().read_bytes()
    bigger = starting.swollen(binary, 20 * len(binary))
    assert 15 < len(bigger) / len(binary) < 21
    Module.validate(compiled.engine, bigger)
    compiled.module = Module(compiled.engine, bigger)
    compiled.check()


def test_an_unknown_part_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        starting.main(["large"])
    assert "no part called 'large'; there are: small, short, big, latency" in capsys.readouterr().err
