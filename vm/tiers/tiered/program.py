"""One module's code of both kinds, and how a function goes from one to the other.

Threaded code counts how often functions and loops run; when a counter runs out, the function is compiled,
with those that it calls, and everybody who calls it from then on gets to the compiled code.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection

from vm.config import Config
from vm.errors import Frame, VMError
from vm.memory.native import Block, poke
from vm.module.model import ModuleData
from vm.native.code import Costs
from vm.native.glue import glue
from vm.runtime.instance import Instance
from vm.runtime.words import offsets
from vm.tiers.llvm.program import Program
from vm.tiers.llvm.thunks import Thunks
from vm.tiers.policy import NEVER, counting
from vm.tiers.threaded.library import library
from vm.tiers.threaded.program import COUNTER, ThreadedProgram


class TieredProgram:
    """Code of one module, shared by its instances (``vm.native.tier.NativeProgram``)."""

    def __init__(self, module: ModuleData, config: Config, thunks: Thunks, spent: Costs) -> None:
        self._module = weakref.ref(module)
        self._thunks = thunks
        self.threaded = ThreadedProgram(module, config, spent, counting(config))
        self.native = Program(module, config, glue(), spent, self._compiled)
        self._entries: dict[int, Block] = {}

    def add(self, instance: Instance) -> None:
        """Let ``instance`` use what is there already, and what will be."""
        self.threaded.add(instance)
        self.native.add(instance)

    def compile(self, index: int) -> int:
        """The address of what the machine runs for function ``index``, translated now if there is nothing."""
        return self.threaded.compile(index)

    def locate(self, address: int) -> list[Frame]:
        """The frames at an address of a trace, innermost first, if it is in this module's code."""
        return self.threaded.locate(address) or self.native.locate(address)

    def hot(self, pc: int) -> int:
        """A counter at ``pc`` has run out; where the machine goes on."""
        index, loop = self.threaded.counted(pc)
        if index not in self._entries:
            self._promote(index)
        entry = self._entries.get(index)
        if entry is None or loop is not None:
            poke(pc + COUNTER, NEVER)
            return pc
        return entry.address

    def _promote(self, index: int) -> None:
        try:
            self.native.compile(index)
        except VMError:  # more than compiled code is made for: it stays as it is
            return

    def _compiled(self, functions: Collection[int]) -> None:
        """There is compiled code for these functions."""
        for index in functions:
            entry = self._entries[index] = self._entry(index)
            self.threaded.enter_at(index, entry.address)

    def _entry(self, index: int) -> Block:
        """The instruction that runs function ``index``'s compiled code."""
        module = self._module()
        assert module is not None  # an instance, which holds it, has asked
        type = module.function_type(index)
        params, results = offsets(type.params)[-1], offsets(type.results)[-1]
        entry = Block(40)
        thunk = self._thunks.relay(type)
        words = (library().handlers["native"], params | results << 32, max(params, results, 1))
        for number, word in enumerate((*words, thunk, self.native.addresses[index])):
            entry.words[number] = word
        return entry
