"""How programs are made to work: a driver gets a ``Lab`` and its ``Program``, and raises at a wrong answer.

``DRIVERS`` has them by name.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.programs.drivers import codecs, commands, hashes, machines
from tests.programs.lab import Lab
from tests.programs.registry import Program

Driver = Callable[[Lab, Program], None]

DRIVERS: dict[str, Driver] = {
    **commands.DRIVERS,
    **hashes.DRIVERS,
    **codecs.DRIVERS,
    **machines.DRIVERS,
}
