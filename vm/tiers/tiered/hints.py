"""Which functions and loops of a module were worth compiling the last time: hints for its next start.

A program that runs for a fifth of a second ends before anybody would start compilers for it. What ran often
in it is written down at its end; the next time it is compiled at once, and then it is on disk. That takes
fewer rounds than it takes to be compiled now: each start to come saves what this one would. With each place
goes the key of the counts that its code is made with (``vm.tiers.tiered.observation``), so that the next
start asks for the same code; the counts are in a file beside, in case there is none yet. Hints decide when
something is done, and what code may expect, never what it does, so it does no harm when they are another
module's, or damaged.
"""

from __future__ import annotations

import atexit
import struct

from vm import digests
from vm.config import Config
from vm.jit.objects import objects
from vm.tiers.policy import Place
from vm.typed import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from vm.jit.counts import Counts
    from vm.jit.request import Named

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

_MOST_COUNTS = 8 << 20
"""Bytes of counts of a module that are."""

_KEY = 16
"""Bytes of a key of counts; all are 0 where code was made without."""

_PLACE = struct.Struct(f"<qq{_KEY}s")
"""A place on disk: -1 says that it is no loop; and the key."""

_COUNTS = struct.Struct(f"<{_KEY}sI")

_MODULES = 1_000
"""Modules of which one program remembers something."""


class Hints:
    """What is known of ``binary`` from before, and what is learnt, which is kept at the program's end.

    ``whole`` says whether LLVM gets all of it at once. That nothing was worth compiling is known, too.
    """

    def __init__(self, binary: bytes, config: Config, *, whole: bool = False) -> None:
        self._used = config.cache_bytes > 0 and not config.tier_waits and not config.tier_seed
        self._config = config
        self._key = _key(binary, informed=bool(config.profile)) if self._used else ""
        self._noted_from = _NOTED_IN_WHOLE if whole else _NOTED
        found = _read(objects(config).load(self._key)) if self._used else None
        self.known = found or {}
        self._noted: set[Place] = set()
        self._counts: dict[str, bytes] | None = None
        self.covering = found is not None and len(binary) <= config.quick_module_bytes
        """Whether all else in the module runs so seldom that nothing need be loaded to run it quickly. Of
        big modules another part may run each time."""
        self._functions = frozenset(index for index, loop in self.known if loop is None)
        self._loops = frozenset(index for index, loop in self.known if loop is not None)
        if self._used and found is None:
            self._learnt()

    def learn(self, place: Place, counts: Counts | Named | None = None) -> None:
        """Compiling this was worth it, with these counts; None, where those that are known will do."""
        key = counts.key if counts is not None else ""
        if not self._used or self.known.get(place) == key:
            return
        learnt = self._learnt()
        if counts is None:
            learnt.places.setdefault(place, key)
            return
        from vm.jit.request import Named  # programs that end at once learn no counts

        learnt.places[place] = key
        if not isinstance(counts, Named):
            learnt.counts[key] = counts.to_bytes()

    def _learnt(self) -> _Learnt:
        """What is kept at the end."""
        if self._key not in _learnt and len(_learnt) >= _MODULES:
            return _Learnt(self._config, {})
        return _learnt.setdefault(self._key, _Learnt(self._config, dict(self.known)))

    def counts(self, key: str) -> bytes | None:
        """Counts that were learnt at an earlier start."""
        if self._counts is None:
            self._counts = _read_counts(objects(self._config).load(_beside(self._key)))
        return self._counts.get(key)

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


def _key(binary: bytes, *, informed: bool) -> str:
    """Starts that bring counts of their own are apart: theirs go before those of an earlier start, which
    learns none from them.
    """
    middle = len(binary) // 2
    parts = (binary[:_SAMPLE], binary[middle : middle + _SAMPLE], binary[-_SAMPLE:])
    digest = digests.digest(f"hints 2 {len(binary)} {informed}".encode())
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:40]


def _beside(key: str) -> str:
    """The key of the file of counts."""
    return digests.digest(f"counts {key}".encode()).hexdigest()[:40]


def _read(content: bytes | None) -> dict[Place, str] | None:
    """Places as ``keep`` writes them; None where nobody has, or what they wrote is damaged."""
    if content is None or len(content) % _PLACE.size:
        return None
    return {
        (index, loop if loop >= 0 else None): key.hex() if any(key) else ""
        for index, loop, key in _PLACE.iter_unpack(content)
    }


def _read_counts(content: bytes | None) -> dict[str, bytes]:
    """Counts as ``keep`` writes them; what is damaged is whatever it is, and refused by who reads it."""
    found, at = {}, 0
    while content is not None and at + _COUNTS.size <= len(content):
        key, size = _COUNTS.unpack_from(content, at)
        at += _COUNTS.size
        found[key.hex()] = content[at : at + size]
        at += size
    return found


class _Learnt:
    """All that is known of a module, if that is more than was, or nobody had written any; and counts that are
    new.
    """

    def __init__(self, config: Config, places: dict[Place, str]) -> None:
        self.config = config
        self.places = places
        self.counts: dict[str, bytes] = {}


_learnt: dict[str, _Learnt] = {}
"""By a module's key. It is not written when a module goes, for the cycle collector, which may come at any
time, must not wait for locks."""


@atexit.register
def keep() -> None:
    """Write down what was learnt."""
    for key, learnt in list(_learnt.items()):
        kept = objects(learnt.config)
        places = list(learnt.places.items())[:_MOST]
        content = bytearray()
        for (index, loop), counts in places:
            content += _PLACE.pack(index, -1 if loop is None else loop, bytes.fromhex(counts))
        kept.store(key, bytes(content))
        if learnt.counts:
            before = _read_counts(kept.load(_beside(key)))
            kept.store(_beside(key), _written(before | learnt.counts, {counts for _, counts in places}))
    _learnt.clear()


def _written(counts: dict[str, bytes], used: set[str]) -> bytes:
    """Those that are in use, as far as there is room."""
    content = bytearray()
    for key, each in counts.items():
        if key in used and len(content) + len(each) <= _MOST_COUNTS:
            content += _COUNTS.pack(bytes.fromhex(key), len(each)) + each
    return bytes(content)
