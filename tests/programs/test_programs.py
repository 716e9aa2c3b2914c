"""Programs that nobody here wrote give the right answers, in the LLVM tier; quick ones in every tier."""

from __future__ import annotations

import pytest

from tests.programs.drivers import DRIVERS
from tests.programs.fetch import Unreachable
from tests.programs.registry import Program, programs
from tests.programs.run import run
from vm.tiers import TIERS

PROGRAMS = programs()
CASES = [
    pytest.param(program, tier, id=f"{name}-{tier}", marks=[] if program.quick else pytest.mark.slow)
    for name, program in PROGRAMS.items()
    for tier in TIERS
    if program.quick or tier == "llvm"
]


@pytest.mark.parametrize(("program", "tier"), CASES)
def test_a_program_gives_the_right_answer(program: Program, tier: str) -> None:
    try:
        run(program, tier)
    except Unreachable as reason:
        pytest.skip(str(reason))


def test_the_manifest_names_drivers_that_exist_and_every_driver_has_a_program() -> None:
    assert {program.driver for program in PROGRAMS.values()} == set(DRIVERS)


def test_programs_are_pinned() -> None:
    for program in PROGRAMS.values():
        assert len(program.sha256) == 64, program.name
        assert "@" in program.package.split(":", 1)[1], program.name
