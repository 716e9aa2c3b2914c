"""One module's code: functions are compiled one by one, each when it is first called."""

from __future__ import annotations

import bisect

from vm.errors import Frame
from vm.memory.native import Block
from vm.tiers.baseline.compiler import MOST_WORDS, Compiled, slot_types
from vm.tiers.baseline.library import library
from vm.tiers.baseline.native import compiler
from vm.tiers.baseline.room import Room
from vm.tiers.threaded.made import Made
from vm.tiers.threaded.program import Counting, ThreadedProgram, no_counting
from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from vm.config import Config
    from vm.module.model import ModuleData
    from vm.native.code import Costs


class BaselineProgram(ThreadedProgram):
    """As its base, with machine code for what the threaded code says."""

    def __init__(
        self, module: ModuleData, config: Config, spent: Costs, counting: Counting = no_counting
    ) -> None:
        super().__init__(module, config, spent, counting)
        self._shown = config.profiler
        self._room = Room()
        self._compiler = compiler(library(), self._room)
        self._compiled: list[Compiled] = []

    def _place(self, module: ModuleData, index: int, made: Made) -> Block:
        if len(made.words) > MOST_WORDS:
            return super()._place(module, index, made)
        body = module.bodies[index - module.imported_functions]
        types = [*module.function_type(index).params, *(t for n, t in body.locals for _ in range(n))]
        doors = [clause.entry for guard in made.guards for clause in guard.clauses]
        if made.door is not None:
            doors.append(made.door.entry)
        compiled = self._compiler.compile(
            made.words,
            made.first,
            slot_types(types),
            made.labels,
            doors,
        )
        if self._shown != "none":
            from vm.native import perf

            name = perf.symbol(module, index, "baseline")
            perf.tell(self._shown, [(compiled.start, compiled.end - compiled.start, name)])
        bisect.insort(self._compiled, compiled, key=lambda compiled: compiled.start)
        self._costs.code_bytes += compiled.end - compiled.start
        return compiled.words

    def locate(self, address: int) -> list[Frame]:
        """As its base; the address may be in machine code, too."""
        at = bisect.bisect(self._compiled, address - 1, key=lambda compiled: compiled.start) - 1
        if at >= 0 and address <= self._compiled[at].end:
            return super().locate(self._compiled[at].word(address - 1) + 1)
        return super().locate(address)

    def form(self, address: int) -> str:
        """What is too big to be compiled stays threaded code."""
        found = self._find(address)
        if found is None or any(made.words.address == found[0] for made in self._compiled):
            return "baseline"
        return super().form(address)
