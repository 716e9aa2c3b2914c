"""What is known of a module's functions when LLVM is asked for them: counts of an earlier start, which come
with its hints, or what was observed in this one.
"""

from __future__ import annotations

from vm.config import Config
from vm.errors import VMError
from vm.events import note
from vm.module.model import ModuleData
from vm.tiers.policy import Place
from vm.tiers.tiered.hints import Hints
from vm.typed import TYPE_CHECKING, Collection

if TYPE_CHECKING:
    from vm.jit.counts import Counts
    from vm.jit.request import Named
    from vm.tiers.threaded.program import ThreadedProgram
    from vm.tiers.tiered.observation import Observation


class Knowledge:
    """Of one module; ``whole`` is whether LLVM gets all its functions at once."""

    def __init__(self, config: Config, hints: Hints, *, whole: bool) -> None:
        self._rounds = config.tier_observes
        self._hints = hints
        self._whole = whole
        self._counts: dict[Place, Counts | Named | None] = {}
        self.observation: Observation | None = None

    def of(self, module: ModuleData, place: Place) -> Counts | Named | None:
        """The counts that code of a place is made with, the same each time."""
        if place not in self._counts:
            from vm.jit.request import Named

            key = self._hints.known.get(place)
            if key:
                self._counts[place] = Named(key)
            else:
                self._counts[place] = self.now(module, place) if key is None else None
        return self._counts[place]

    def now(self, module: ModuleData, place: Place) -> Counts | None:
        """The counts that code of a place would be made with as far as they have been observed."""
        if self.observation is None:
            return None
        alone = place[0] if place[1] is not None or not self._whole else None
        return self.observation.counts(module, alone)

    def recall(self, module: ModuleData, place: Place, key: str) -> None:
        """Read the counts that are known by their key; without, code is made as if nothing were known."""
        from vm.jit.counts import from_bytes

        content = self._hints.counts(key)
        try:
            self._counts[place] = None if content is None else from_bytes(content, module)
        except VMError:
            self._counts[place] = None

    def observes(self, module: ModuleData, wanted: Collection[Place]) -> bool:
        """Whether what is about to be asked for as ``wanted`` is to be observed before."""
        informed = module.counts is not None or module.prepared is not None
        return self._rounds > 0 and not informed and self._hints.known.keys().isdisjoint(wanted)

    def begin(self, module: ModuleData, first: ThreadedProgram, place: Place, pc: int) -> int:
        """Observe ``place``, whose counter at ``pc`` has run out, before its code is asked for: what runs
        instead; 0: it was before, or cannot be.
        """
        if self.observation is None:
            from vm.tiers.tiered.observation import Observation  # most programs end before anything is hot

            try:
                self.observation = Observation(module, first, self._rounds)
            except (OSError, MemoryError):  # counters of all code, most of which never runs, may be too many
                self._rounds = 0
                return 0
        begun = self.observation.begin(place, pc)
        if begun and self._whole and place in self.observation.hot:
            self.observation.all()
        return begun

    def end(self, place: Place) -> tuple[int, bool]:
        """Where ``place`` goes on that was observed until now, and whether its code is to be asked for."""
        assert self.observation is not None  # nothing else runs such code
        pc, hot = self.observation.end(place)
        if hot:
            note("observed", function=place[0], loop=-1 if place[1] is None else place[1])
        return pc, hot
