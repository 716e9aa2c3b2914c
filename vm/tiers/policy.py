"""When code goes from one tier to another.

Compiling is worth it once the time that it would have saved so far exceeds what it costs: then it costs at
most twice what the best choice in hindsight would have (the ski rental argument). Both what a round of a
function saves and what its compilation costs grow with its size, so the rounds at which that is do not
depend on it: they are knobs, scaled by what a byte of code has cost here so far against what the knobs
assume. Other processors compile, so the knobs' defaults are a fraction of the balance.
"""

from __future__ import annotations

import time

from vm.config import Config

NEVER = 1 << 62
"""A counter that does not run out."""

_CHOICES = (1, 2, 3, NEVER)

_ASSUMED = 40e-6
"""Seconds that LLVM takes for a byte of a body at level 3, on the machine that the defaults were tuned on."""

_LEAST, _MOST = 0.25, 4.0
"""How far what is measured moves the knobs' numbers."""

_WEIGHT = 0.2
"""Of the latest measurement in the running average."""


class Policy:
    """The choices of one tier; ``learn`` is told what compilations cost."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cost = _ASSUMED
        self._first = 0.0

    @property
    def scale(self) -> float:
        """By what the knobs' numbers are multiplied now."""
        return min(max(self._cost / _ASSUMED, _LEAST), _MOST)

    def counting(self, index: int) -> tuple[int, int]:
        """How often a function's entry, and its loops' heads, run before somebody looks at it."""
        config = self._config
        if config.tier_seed:
            import random

            dice = random.Random(f"{config.tier_seed} {index}")  # noqa: S311 - it is for tests
            return dice.choice(_CHOICES), dice.choice(_CHOICES)
        return max(1, round(config.tier_calls * self.scale)), max(1, round(config.tier_trips * self.scale))

    def patient(self) -> bool:
        """Whether it is too early for code that no disk has: compilers are processes, and their start costs
        what a short program takes.
        """
        now = time.monotonic()
        self._first = self._first or now
        return now - self._first < self._config.tier_patience / 1000

    def learn(self, seconds: float, size: int) -> None:
        """Compiling bodies of ``size`` bytes has taken so many seconds of a processor."""
        if not self._config.tier_waits:  # tests that wait want the same every time
            self._cost += _WEIGHT * (seconds / max(size, 1) - self._cost)
