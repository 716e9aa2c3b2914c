"""Which functions and loops of a module were worth compiling the last time: hints for its next start.

A program that runs for a fifth of a second ends before anybody would start compilers for it. What ran often
in it is written down at its end; the next time it is compiled at once, and then it is on disk. That takes
fewer rounds than it takes to be compiled now: each start to come saves what this one would. Hints decide when
something is done, never what, so it does no harm when they are another module's, or damaged.
"""

from __future__ import annotations

import atexit
import struct

from vm import digests
from vm.config import Config
from vm.jit.objects import objects
from vm.tiers.policy import Place
from vm.typed import Callable

_PLACE = struct.Struct("qq")
"""A place on disk: -1 says that it is no loop."""

_NOTED = 1_000, 20_000
"""Calls of a function, or rounds of a loop, that are written down; what is worth compiling after fewer, is
after those."""

_NOTED_IN_WHOLE = 100, 2_000
"""The same in modules that LLVM gets as a whole, where what is noted is all of one. Below, less is to be won
than loading compiled code takes."""

_SAMPLE = 4096
"""Bytes at either end, and in the middle, that a module is known by: reading ten megabytes takes too long."""

_MOST = 10_000
"""Places of a module that are remembered."""

_MODULES = 1_000
"""Modules of which one program remembers something."""


class Hints:
    """What is known of ``binary`` from before, and what is learnt, which is kept at the program's end.

    ``whole`` says whether LLVM gets all of it at once. That nothing was worth compiling is known, too.
    """

    def __init__(self, binary: bytes, config: Config, *, whole: bool = False) -> None:
        self._used = config.cache_bytes > 0 and not config.tier_waits and not config.tier_seed
        self._config = config
        self._key = _key(binary) if self._used else ""
        self._noted_from = _NOTED_IN_WHOLE if whole else _NOTED
        found = _read(objects(config).load(self._key)) if self._used else None
        self.known: frozenset[Place] = found or frozenset()
        self._noted: set[Place] = set()
        self.covering = found is not None and len(binary) <= config.quick_module_bytes
        """Whether all else in the module runs so seldom that nothing need be loaded to run it quickly. Of
        big modules another part may run each time."""
        self._functions = frozenset(index for index, loop in self.known if loop is None)
        self._loops = frozenset(index for index, loop in self.known if loop is not None)
        if self._used and found is None:
            self._places()

    def learn(self, place: Place) -> None:
        """Compiling this was worth it."""
        if self._used and place not in self.known:
            self._places().add(place)

    def _places(self) -> set[Place]:
        """What is kept at the end."""
        if self._key not in _learnt and len(_learnt) >= _MODULES:
            return set()
        return _learnt.setdefault(self._key, (self._config, set(self.known)))[1]

    def counting(self, usual: Callable[[int], tuple[int, int]]) -> Callable[[int], tuple[int, int]]:
        """``Policy.counting``, but that what is known is looked for when it first runs, and what is not is
        written down before it is compiled.
        """

        def count(index: int) -> tuple[int, int]:
            calls, trips = map(min, usual(index), self._noted_from)
            return 1 if index in self._functions else calls, 1 if index in self._loops else trips

        return count if self._used else usual

    def left(self, place: Place, usual: Callable[[int], tuple[int, int]]) -> int:
        """How often what was counted as above must still run until it is worth compiling now."""
        if not self._used or place in self.known or place in self._noted:
            return 0
        self._noted.add(place)
        kind = place[1] is not None
        return max(0, usual(place[0])[kind] - self._noted_from[kind])


def _key(binary: bytes) -> str:
    middle = len(binary) // 2
    parts = (binary[:_SAMPLE], binary[middle : middle + _SAMPLE], binary[-_SAMPLE:])
    digest = digests.digest(f"hints {len(binary)}".encode())
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:40]


def _read(content: bytes | None) -> frozenset[Place] | None:
    """Places as ``keep`` writes them; None where nobody has, or what they wrote is damaged."""
    if content is None or len(content) % _PLACE.size:
        return None
    return frozenset((index, loop if loop >= 0 else None) for index, loop in _PLACE.iter_unpack(content))


_learnt: dict[str, tuple[Config, set[Place]]] = {}
"""By a module's key, all that is known of it, if that is more than was, or nobody had written any. It is not
written when a module goes, for the cycle collector, which may come at any time, must not wait for locks."""


@atexit.register
def keep() -> None:
    """Write down what was learnt."""
    for key, (config, places) in list(_learnt.items()):
        known = [_PLACE.pack(index, -1 if loop is None else loop) for index, loop in list(places)[:_MOST]]
        objects(config).store(key, b"".join(known))
    _learnt.clear()
