"""When code goes from one tier to another."""

from __future__ import annotations

import random
from collections.abc import Callable

from vm.config import Config

NEVER = 1 << 62
"""A counter that does not run out."""

_CHOICES = (1, 2, 3, NEVER)


def counting(config: Config) -> Callable[[int], tuple[int, int]]:
    """How often a function's entry, and its loops' heads, run before somebody looks at it."""
    if not config.tier_seed:
        return lambda index: (config.tier_calls, config.tier_trips)

    def at_random(index: int) -> tuple[int, int]:
        dice = random.Random(f"{config.tier_seed} {index}")  # noqa: S311 - it is for tests
        return dice.choice(_CHOICES), dice.choice(_CHOICES)

    return at_random
