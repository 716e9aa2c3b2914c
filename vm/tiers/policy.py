"""When code goes from one tier to another.

Compiling is worth it once the time that it would have saved so far exceeds what it costs: then it costs at
most twice what the best choice in hindsight would have (the ski rental argument). Both what a round of a
function saves and what its compilation costs grow with its size, so the rounds at which that is do not
depend on it: they are knobs, scaled by what a byte of code has cost here so far against what is assumed.
Other processors compile, so the numbers are a fraction of the balance.
"""

from __future__ import annotations

import time

from vm.config import Config
from vm.module.model import ModuleData
from vm.typed import TYPE_CHECKING, Callable, Sequence

if TYPE_CHECKING:
    from vm.jit.scheduler import Priority

CALLS = {"baseline": 10_000, "threaded": 1_000}
"""Calls of a function after which it is worth compiling, by the tier that it starts in: a round in tier 1
takes some tenth of one in tier 0, and so does what it has to gain."""

TRIPS = {"baseline": 200_000, "threaded": 20_000}
"""Rounds of a loop."""

Place = tuple[int, int | None]
"""A function, or one of its loops: by the offset where its code begins."""

Looks = Callable[[], Sequence[int]]
"""Gives a function's features (``vm.tiers.features``), if somebody wants them."""

NEVER = 1 << 62
"""A counter that does not run out."""

_CHOICES = (1, 2, 3, NEVER)

ASSUMED = 40e-6
"""Seconds that LLVM takes for a byte of a body at level 3, on the machine that the defaults were tuned on."""

_LEAST, _MOST = 0.25, 4.0
"""How far what is measured moves the knobs' numbers."""

_WEIGHT = 0.2
"""Of the latest measurement in the running average."""

_SHORTER = 4
"""How many times less than the rounds that are worth compiling one call may make of a loop that gets code to
be entered by. Traced programs take the same time with 1 to 16 (``benchmarks/replay.py``)."""

_ROUND = {"baseline": 2e-10, "threaded": 2e-9}
"""Seconds that a round takes for each byte of its function's body, roughly, by the tier that it starts in."""

_SHARES = 0.1, 0.01
"""From which part of the program's time on what is hot there is compiled first, and before the rest. Traced
programs take 0.988 of the time of no order with that; with the savings known, 0.983; by ln(rounds) times a
round's seconds, 1.004 (``benchmarks/replay.py``). Other shares, from 0.05 to 0.5, are no better."""

_SOON = 0.001
"""Seconds that a program has run at least, for a clock that ticks no finer."""

_LOOKS = 0.002
"""Seconds from one look to the next at whether code is there; a look takes some ten microseconds."""

_STEP = 8
"""By what rounds between looks grow at most."""


def compiled_whole(module: ModuleData, config: Config) -> bool:
    """Whether LLVM gets all functions of a module at once."""
    return module.bodies.code_bytes <= config.whole_module_bytes


class Policy:
    """The choices of one tier; ``learn`` is told what compilations cost."""

    def __init__(self, config: Config, start: str) -> None:
        self._config = config
        self._calls = config.tier_calls or CALLS[start]
        self._trips = config.tier_trips or TRIPS[start]
        self._round = _ROUND[start]
        self._cost = ASSUMED
        self._first = 0.0
        self._looks: dict[int, tuple[float, int]] = {}

    @property
    def scale(self) -> float:
        """By what the knobs' numbers are multiplied now."""
        return min(max(self._cost / ASSUMED, _LEAST), _MOST)

    def counting(self, index: int, looks: Looks) -> tuple[int, int]:
        """How often a function's entry, and its loops' heads, run before somebody looks at it."""
        config = self._config
        if config.tier_seed:
            import random

            dice = random.Random(f"{config.tier_seed} {index}")  # noqa: S311 - it is for tests
            return dice.choice(_CHOICES), dice.choice(_CHOICES)
        times = self.scale * self._worth(looks)
        return max(1, round(self._calls * times)), max(1, round(self._trips * times))

    def _worth(self, looks: Looks) -> float:
        """How many times the usual number of rounds a function has to run to be worth compiling."""
        return 1.0

    def _usual_bytes(self, size: int, looks: Looks) -> float:
        """How many usual bytes take as long to compile as ``size`` bytes that look so at their root."""
        return size

    def again(self, counter: int, place: Place) -> int:
        """How often what has this counter may run until the next look at whether its code has been made."""
        now = time.monotonic()
        then, rounds = self._looks.get(counter, (0.0, 0))
        if rounds:
            rounds = max(1, round(rounds * min(_LOOKS / max(now - then, 1e-6), _STEP)))
        else:
            rounds = self._calls if place[1] is None else self._trips
        self._looks[counter] = now, rounds
        return rounds

    def lasting(self, trips: int, calls: int) -> bool:
        """Whether a loop that has made so many rounds, in so many calls of its function, should get code to
        be entered by. Only calls that are in it have a use for that, so what counts is the rounds of one.
        """
        return bool(self._config.tier_seed) or trips * _SHORTER >= max(calls, 1) * self._trips * self.scale

    def share(self, rounds: int, size: int, begun: float) -> float:
        """Which part of the time since ``begun`` so many rounds of a body of ``size`` bytes have taken."""
        return rounds * size * self._round / max(time.monotonic() - begun, _SOON)

    def priority(self, place: Place, share: float | None) -> Priority:
        """How urgent it is to compile what takes such a share of the time (None: it was hot before). A loop
        is where the program is now, and stays.
        """
        from vm.jit.scheduler import Priority  # most programs end before anything is compiled

        if place[1] is not None:
            return Priority.HIGH
        if share is None:
            return Priority.NORMAL
        return next((Priority(n) for n, least in enumerate(_SHARES) if share >= least), Priority.LOW)

    def patient(self) -> bool:
        """Whether it is too early for code that no disk has: compilers are processes, and their start costs
        what a short program takes.
        """
        now = time.monotonic()
        self._first = self._first or now
        return now - self._first < self._config.tier_patience / 1000

    def cost(self, size: int, looks: Looks) -> float:
        """Seconds of a processor that compiling bodies of ``size`` bytes is expected to take."""
        return self._cost * self._usual_bytes(size, looks)

    def learn(self, seconds: float, size: int, looks: Looks) -> None:
        """Compiling bodies of ``size`` bytes has taken so many seconds of a processor."""
        if not self._config.tier_waits:  # tests that wait want the same every time
            self._cost += _WEIGHT * (seconds / max(self._usual_bytes(size, looks), 1) - self._cost)


def chosen(config: Config, start: str) -> Policy:
    """The policy that the knob names, for an engine whose modules start in this tier."""
    if config.policy == "analytic":
        return Policy(config, start)
    from vm.tiers.learned import Learned  # its model is a file to read

    return Learned(config, start)
