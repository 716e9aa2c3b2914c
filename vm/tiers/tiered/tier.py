"""The tier: starts at once, compiles what runs often."""

from __future__ import annotations

from vm.config import Config
from vm.memory.native import peek, poke
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.native.glue import glue
from vm.native.link import StoreLink
from vm.native.tier import NativeTier
from vm.once import once
from vm.runtime.functions import Function
from vm.runtime.instance import Instance
from vm.runtime.layout import RECORD_NATIVE
from vm.runtime.references import needs_heap
from vm.runtime.store import Store
from vm.tiers.llvm.registers import most_passed
from vm.tiers.policy import Policy, chosen
from vm.tiers.threaded.library import library
from vm.tiers.tiered.link import TieredLink
from vm.tiers.tiered.program import TieredProgram
from vm.typed import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from vm.tiers.llvm.thunks import Thunks
    from vm.tiers.threaded.program import ThreadedProgram


@once
def _thunks() -> Thunks:
    """The process's thunks between the machine and compiled code."""
    from vm.tiers.llvm.thunks import Thunks  # most programs end before they have any

    return Thunks(glue(), Costs(), library().interpret)


_COUNTS = (
    "compiled_functions",
    "compiled_loops",
    "asked",
    "waiting",
    "refused",
    "background_seconds",
    "deopts",
    "demotions",
)
"""What ``TieredProgram.counts`` says of one module."""


class TieredTier(NativeTier):
    """Code that is made quickly, and LLVM's for what runs often (``vm.tiers.base.Tier``)."""

    name: ClassVar[str] = "tiered"
    shows_roots: ClassVar[bool] = True

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._policies: dict[str, Policy] = {}
        self._decided: Policy | None = None

    def stats(self) -> dict[str, float]:
        """As every native tier; and how many functions and loops have compiled code, for how many places it
        was ``asked``, how many wait for it or never get any, how often such code was left (``deopts``) and
        made anew to expect less (``demotions``), and the seconds of processors spent elsewhere.
        """
        counts = dict.fromkeys(_COUNTS, 0.0)
        with self._lock:
            for program in self._programs.values():
                assert isinstance(program, TieredProgram)
                for name, count in program.counts().items():
                    counts[name] += count
        return {**super().stats(), **counts}

    def attach(self, instance: Instance) -> None:
        """As every native tier; and there is what compiled code needs."""
        super().attach(instance)
        instance.store.make_room_for_passing(most_passed(instance.module.types))
        if needs_heap(instance.module.types):
            instance.store.heap.reserve()

    def promote(self, function: Function) -> None:
        """Compile a defined function now; ``VMError`` when it is more than compiled code is made for."""
        assert function.instance is not None
        with self._lock:
            self.program(function.instance.module).native.compile(function.index)

    def decide(self, policy: Policy) -> None:
        """Let another policy say when code is made, from the next module on: for experiments."""
        self._decided = policy

    def _program(self, module: ModuleData) -> TieredProgram:
        return TieredProgram(module, self._config, _thunks, self._policy, self._costs, self._lock)

    def _policy(self, start: str) -> Policy:
        """The engine's policy for modules that start in this tier; made when something counts."""
        if self._decided is not None:
            return self._decided
        if start not in self._policies:
            self._policies[start] = chosen(self._config, start)
        return self._policies[start]

    def program(self, module: ModuleData) -> TieredProgram:
        """A module's code, once it has an instance."""
        program = self._programs[module]
        assert isinstance(program, TieredProgram)
        return program

    def _program_of(self, module: ModuleData) -> ThreadedProgram | None:
        """There is none while its first instance is being made, or while it runs LLVM's code alone."""
        return self.program(module).started if module in self._programs else None

    def _link(self, store: Store) -> StoreLink:
        budget = self._config.max_wasm_stack
        return TieredLink(
            store, self._compile, self._lend, self._locate, self._program_of, self._hot, self._leave, budget
        )

    def _host_code(self, function: Function) -> int:
        from vm.tiers.threaded.tier import host_code

        return host_code(function.type)

    def _lend(self, store: Store, function: Function) -> int:
        """What compiled code calls for a function that has no compiled code; fills in its record."""
        self._compile(store, function)
        thunk = _thunks().host(function.type) if function.host else _thunks().lend(function.type)
        with self._lock:
            native = peek(function.record + RECORD_NATIVE)  # it may have got some meanwhile
            if not native:
                poke(function.record + RECORD_NATIVE, thunk)
        return native or thunk

    def _leave(self, instance: Instance, *where: int) -> int:
        """The record that goes on for compiled code of an instance that leaves a function."""
        with self._lock:
            return self.program(instance.module).leave(instance, *where)

    def _hot(self, pc: int) -> int:
        """Where the machine goes on when the counter at ``pc`` has run out."""
        with self._lock:
            for program in list(self._programs.values()):  # an iterator that is left swallows Ctrl-C
                assert isinstance(program, TieredProgram)
                if program.has(pc):
                    return program.hot(pc)
        raise AssertionError(f"no program has code at {pc:#x}, which runs")
