"""The tier: translates lazily, interprets natively."""

from __future__ import annotations

from vm.isa.types import FuncType
from vm.memory.native import Block, poke
from vm.module.model import ModuleData
from vm.native.tier import NativeTier
from vm.once import once
from vm.runtime.functions import Function
from vm.runtime.store import Store
from vm.runtime.words import offsets
from vm.tiers.threaded.library import library
from vm.tiers.threaded.link import ThreadedLink
from vm.tiers.threaded.program import ThreadedProgram
from vm.typed import ClassVar


def host_code(type: FuncType) -> int:
    """What the machine runs for a host function, which depends on its type alone."""
    return _host_code(offsets(type.params)[-1], offsets(type.results)[-1]).address


@once
def _host_code(params: int, results: int) -> Block:
    """The code of host functions with so many words of parameters and results; the process keeps it."""
    code = Block(24)
    poke(code.address, library().handlers["host"])
    poke(code.address + 8, params | results << 32)
    poke(code.address + 16, max(params, results) + 1)
    return code


class ThreadedTier(NativeTier):
    """Threaded code (``vm.tiers.base.Tier``)."""

    name: ClassVar[str] = "threaded"
    shows_roots: ClassVar[bool] = True

    def _program(self, module: ModuleData) -> ThreadedProgram:
        return ThreadedProgram(module, self._config, self._costs)

    def _link(self, store: Store) -> ThreadedLink:
        return ThreadedLink(store, self._compile, self._locate, self._program_of, self._config.max_wasm_stack)

    def _program_of(self, module: ModuleData) -> ThreadedProgram | None:
        """There is none while the module's first instance is being made."""
        program = self._programs.get(module)
        assert program is None or isinstance(program, ThreadedProgram)
        return program

    def _host_code(self, function: Function) -> int:
        return host_code(function.type)
