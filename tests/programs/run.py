"""One program, from package to verdict."""

from __future__ import annotations

from tests.programs.drivers import DRIVERS
from tests.programs.lab import Lab
from tests.programs.registry import Program


def run(program: Program, tier: str) -> None:
    """Raises what is wrong: ``Unreachable``, an engine's error, or AssertionError for a wrong answer."""
    DRIVERS[program.driver](Lab(program.module(), tier), program)
