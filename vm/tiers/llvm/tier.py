"""The LLVM tier: compiles lazily, runs natively."""

from __future__ import annotations

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
from vm.tiers.llvm.program import Program
from vm.tiers.llvm.registers import most_passed
from vm.tiers.llvm.thunks import Thunks
from vm.typed import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from vm.jit.counts import Counts


@once
def _thunks() -> Thunks:
    """The process's thunks: their cost is the process's, not an engine's."""
    return Thunks(glue(), Costs())


class LLVMTier(NativeTier):
    """Native code from LLVM (``vm.tiers.base.Tier``)."""

    name: ClassVar[str] = "llvm"
    shows_roots: ClassVar[bool] = True
    entry: ClassVar[int] = RECORD_NATIVE

    def attach(self, instance: Instance) -> None:
        """As every native tier; and there must be room for what calls cannot pass in registers."""
        super().attach(instance)
        instance.store.make_room_for_passing(most_passed(instance.module.types))
        if needs_heap(instance.module.types):
            instance.store.heap.reserve()

    def counts(self, module: ModuleData) -> Counts:
        """What a module's code has counted (``Config.profile_make``)."""
        with self._lock:
            program = self._programs.get(module) or self._program(module)
        assert isinstance(program, Program)
        return program.counts(module)

    def _program(self, module: ModuleData) -> Program:
        return Program(module, self._config, glue(), self._costs)

    def _link(self, store: Store) -> StoreLink:
        budget = self._config.max_wasm_stack
        return StoreLink(store, glue(), _thunks().invoke, self._compile, self._locate, budget)

    def _host_code(self, function: Function) -> int:
        return _thunks().host(function.type)
