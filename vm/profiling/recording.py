"""A profiler: interrupts the thread that it is used in, and listens to the engine.

with Profiler(engine) as profiler:
    run(store)
print(table(profiler.recording))                # vm.profiling.summary

What is noted of a moment is addresses; whose they are is found out at the end, and until then
the code is kept, even if the program has dropped its store.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from vm.config import Config
from vm.errors import ConfigError
from vm.events import Event, listening
from vm.isa.types import DefType
from vm.native.agreed import BORDER
from vm.native.sampling import INSIDE, Sample, sampler
from vm.native.tier import NativeTier
from vm.profiling.libraries import Libraries
from vm.runtime.store import Store
from vm.tiers.base import Tier
from vm.typed import NamedTuple, Protocol

RATE = 1000
"""Samples a second, unless somebody says otherwise."""

_LOOKS = 0.05
"""Seconds between looks at what was noted; there is room for eight times as much at ten thousand a second."""

_MOST_MOMENTS = 2_000_000
"""Samples whose time is kept: half an hour's. Later ones only count."""


_Trace = tuple[tuple[int, ...], int, int]
"""A sample without its time."""


class EngineLike(Protocol):
    """What is needed of ``vm.api.Engine``, which is above this."""

    config: Config
    tier: Tier

    def stats(self) -> dict[str, float]:
        """What it has done so far."""


class Place(NamedTuple):
    """A frame of a sample: a function and the tier that ran it. ``function`` is its index; -1 is none of
    WebAssembly's.
    """

    name: str
    function: int
    tier: str
    module: str = ""

    @property
    def label(self) -> str:
        """The function for people: its name, or its number."""
        return self.name or f"function {self.function}"


DEEPER = Place("[deeper]", -1, "host")
"""Stands for the outer frames of a stack that was too deep to be noted whole."""


class Recording(NamedTuple):
    """What was seen. ``stacks`` are the distinct ones, outermost frame first, ``counts`` how often each was
    seen, ``moments`` and ``seen`` when (in nanoseconds of the monotonic clock) and which, in order.

    ``seconds`` is how long it took, ``elsewhere`` how many samples found the thread in no store's code,
    ``missed`` how many were lost, ``stats`` the engine's figures at the end, ``begun`` when it began.
    """

    rate: int
    begun: int
    seconds: float
    stacks: Sequence[tuple[Place, ...]]
    counts: Sequence[int]
    moments: Sequence[int]
    seen: Sequence[int]
    elsewhere: int
    missed: int
    events: Sequence[Event]
    stats: dict[str, float]

    @property
    def samples(self) -> int:
        """How many found the thread in a store's code."""
        return sum(self.counts)


class Profiler:
    """Profiles the thread in which it is entered, ``rate`` times a second. One at a time in a process."""

    recording: Recording
    """What was seen; there when the profiler has been left."""

    def __init__(self, engine: EngineLike, rate: int = RATE) -> None:
        tier = engine.tier
        if not isinstance(tier, NativeTier):
            raise ConfigError("tier", f"{tier.name} runs in Python, where its profilers see it; use another")
        self._engine, self._tier, self._rate = engine, tier, rate
        self._traces: dict[_Trace, int] = {}
        self._counts: Counter[int] = Counter()
        self._taken = 0
        self._moments, self._seen = array("Q"), array("I")
        self._over = threading.Event()

    @property
    def samples(self) -> int:
        """How many samples there are so far; some are counted a moment later."""
        return self._taken

    def __enter__(self) -> Profiler:
        with ExitStack() as running:
            running.enter_context(self._tier.holding())
            self._log = running.enter_context(listening())
            self._begun = time.monotonic_ns()
            sampler().start(self._rate)
            running.callback(sampler().stop)
            self._reader = threading.Thread(target=self._read, name="wasm-profiler", daemon=True)
            self._reader.start()
            self._running = running.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._running:
            sampler().pause()
            ended = time.monotonic_ns()
            self._over.set()
            self._reader.join()
            resolver = _Resolver(self._tier)
            self.recording = Recording(
                self._rate,
                self._begun,
                (ended - self._begun) / 1e9,
                [resolver.stack(trace) for trace in self._traces],
                [self._counts[number] for number in range(len(self._traces))],
                self._moments,
                self._seen,
                sampler().elsewhere,
                sampler().missed,
                list(self._log.events),
                self._engine.stats(),
            )

    def _read(self) -> None:
        """Take what is noted, until it is over."""
        last = False
        while not last:
            last = self._over.wait(_LOOKS)
            for sample in sampler().take():
                self._add(sample)

    def _add(self, sample: Sample) -> None:
        number = self._traces.setdefault(sample[1:], len(self._traces))
        self._counts[number] += 1
        self._taken += 1
        if len(self._moments) < _MOST_MOMENTS:
            self._moments.append(sample.at)
            self._seen.append(number)


class _Resolver:
    """Finds out whose addresses are, each once."""

    def __init__(self, tier: NativeTier) -> None:
        self._tier = tier
        self._libraries = Libraries()
        self._known: dict[int, tuple[Place, ...]] = {}

    def stack(self, found: _Trace) -> tuple[Place, ...]:
        """The frames of a trace, outermost first."""
        trace, state, errand = found
        places = [place for address in trace for place in self._places(address)]
        if errand not in (0, INSIDE):
            places = [self._asked(state, errand), *places]
        elif errand == 0 or not places:  # asked for nothing, or between two functions: in a thunk, say
            places = [Place(self._libraries.name(trace[0] - 1), -1, "host"), *places]
        if Sample(0, *found).cut:
            places.append(DEEPER)
        return tuple(reversed(places))

    def _asked(self, state: int, errand: int) -> Place:
        """What Python was asked for: a host function, or something of the engine."""
        number, host = errand >> 1, errand & 1
        if not host:
            return Place(f"[{BORDER[number]}]", -1, "host")
        store = next((store for store in self._tier.stores() if store.state.address == state), None)
        return Place(_import_name(store, number) if store else "host function", -1, "host")

    def _places(self, address: int) -> tuple[Place, ...]:
        """The frames at an address of a trace, innermost first: none for glue."""
        if address not in self._known:
            frames, tier = self._tier.place(address)
            found = tuple(
                Place(frame.function_name or "", frame.function_index, tier, frame.module_name or "")
                for frame in frames
            )
            self._known[address] = found
        return self._known[address]


def _import_name(store: Store, handle: int) -> str:
    """What the modules of a store call a host function that they import. The store that was seen may be gone,
    and another lie where its state was.
    """
    if handle >= len(store.functions):
        return "host function"
    for instance in store.instances:
        imports = (entry for entry in instance.module.imports if isinstance(entry.type, DefType))
        for entry, function in zip(imports, instance.functions, strict=False):
            if function is store.functions[handle]:
                return f"{entry.module}.{entry.name}"
    return "host function"
